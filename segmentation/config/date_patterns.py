"""Patterns for dates that a user added: those that cannot mean what was meant are refused before anything is read.

The letters are Spark's for reading (its page "Datetime Patterns"); what it takes and would misread is refused as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

# How often each letter may stand in a row.
LENGTHS = {
    **dict.fromkeys("dHhKkms", (1, 2)),
    **dict.fromkeys("MLGz", (1, 2, 3, 4)),
    **dict.fromkeys("XxZ", (1, 2, 3, 4, 5)),
    "y": (2, 4),
    "D": (1, 2, 3),
    "S": tuple(range(1, 10)),
    "a": (1,),
    "O": (1, 4),
    "V": (2,),
}
# What a day is made of: its parts, each with its letters. A day of the year needs no month.
PARTS_OF_A_DAY = ({"year": "y", "month": "ML", "day": "d"}, {"year": "y", "day of the year": "D"})
TOKENS = re.compile(r"'[^']*'|([A-Za-z])\1*|.", re.DOTALL)
ADVICE = "such as dd/MM/yyyy, d.M.yy or dd MMM yyyy HH:mm"


def date_pattern(value: str) -> str:
    """`value`, if it is a pattern for days.

    Raises:
        ValueError: saying what is wrong with it.
    """
    for problem in _problems(value):
        raise ValueError(f"expected a pattern {ADVICE}, found {value!r}: {problem}")
    return value


def _problems(pattern: str) -> Iterator[str]:
    tokens = [found[0] for found in TOKENS.finditer(pattern)]
    groups = [token for token in tokens if token[0].isalpha()]
    if "'" in tokens:
        yield "a quote is not closed"
    yield from (f"{mark!r} must stand in quotes" for mark in tokens if mark in ("{", "}", "#"))
    yield from _options(tokens)
    yield from filter(None, map(_wrong_letter, groups))
    yield from _parts(groups)


def _wrong_letter(group: str) -> str | None:
    letter, lengths = group[0], LENGTHS.get(group[0])
    if letter == "y" and lengths and len(group) not in lengths:
        return f"{group} takes a year of any length, 24 for the year 24; yyyy is a year, yy one of this century"
    if lengths is None:
        hint = "; a year is y" if letter in "uY" else ""
        return f"{letter!r} is no letter of a date to be read{hint} (text must stand in quotes)"
    return None if len(group) in lengths else f"{group} is too long or too short"


def _options(tokens: list[str]) -> Iterator[str]:
    """Parts in brackets may be missing, and a day has no part that may."""
    depth = 0
    for part in tokens:
        depth += (part == "[") - (part == "]")
        if depth not in (0, 1):
            break
        if depth and part[0] in "yMLdD":
            yield f"{part} stands in brackets, so it may be missing; write two patterns instead"
    if depth:
        yield "a bracket is not closed, or not opened"


def _parts(groups: list[str]) -> Iterator[str]:
    letters = Counter(group[0] for group in groups)
    parts = PARTS_OF_A_DAY["D" in letters]
    for part, names in parts.items():
        times = sum(letters[name] for name in names)
        if times != 1:
            yield f"the {part} ({names[0]}) is {'missing' if times == 0 else 'there twice; minutes are m, months M'}"
    if "D" in letters and not letters.keys().isdisjoint("MLd"):
        yield "D is the day of the year, d the day of the month"
    if not letters.keys().isdisjoint("hK") and "a" not in letters:
        yield "an hour of h or K needs a for AM or PM; H is the hour of the day"
