"""The shape of a text that is no date to the configuration -> the pattern that reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MARK = r"([-/. ])"
TIME = r"(?P<time>(?P<gap> |, )9:9(?P<seconds>:9)?(?P<half> ?a)?)?"
YEAR_FIRST = re.compile(rf"Y{MARK}9{MARK}9{TIME}")
YEAR_LAST = re.compile(rf"9{MARK}9{MARK}(?P<year>Y|9){TIME}")
WORDED = re.compile(rf"9{MARK}a{MARK}(?P<year>Y|9){TIME}")
WORD_FIRST = re.compile(rf"a 9(?P<comma>,?) (?P<year>Y){TIME}")
WITHOUT_MARKS = re.compile("YY")
MOST_MONTHS, MOST_DAYS = 12, 31
YEARS = range(1900, 2101)


class Shape(NamedTuple):
    """Texts that look alike.

    Attributes:
        form: four digits as ``Y``, fewer as ``9``, letters as ``a``, the rest as it is.
        rows: how many.
        example: one of them.
        first: the largest first number among them.
        second: the largest second number.
    """

    form: str
    rows: int
    example: str
    first: int
    second: int


class Proposal(NamedTuple):
    """Patterns that read a shape, and what is unsure about them."""

    patterns: tuple[str, ...]
    doubt: str | None = None


def proposed(shape: Shape) -> Proposal | None:
    """The patterns for a shape, None where it is not known."""
    return next(filter(None, _proposals(shape)), None)


def _proposals(shape: Shape) -> Iterator[Proposal | None]:
    if found := YEAR_FIRST.fullmatch(shape.form):
        yield Proposal((f"yyyy{found[1]}M{found[2]}d{_time(found)}",))
    if found := YEAR_LAST.fullmatch(shape.form):
        yield _of_numbers(shape, found)
    if found := WORDED.fullmatch(shape.form):
        yield Proposal((f"d{found[1]}{_month(shape)}{found[2]}{_year(found)}{_time(found)}",))
    if found := WORD_FIRST.fullmatch(shape.form):
        yield Proposal((f"{_month(shape)} d{found['comma']} {_year(found)}{_time(found)}",))
    if WITHOUT_MARKS.fullmatch(shape.form):
        yield Proposal(("yyyyMMdd",)) if shape.first // 10_000 in YEARS else Proposal(("ddMMyyyy",))


def _of_numbers(shape: Shape, found: re.Match[str]) -> Proposal | None:
    """Which of the first two numbers is the day, told by the largest ones."""
    one, other, end = found[1], found[2], f"{_year(found)}{_time(found)}"
    day_first, month_first = f"d{one}M{other}{end}", f"M{one}d{other}{end}"
    if max(shape.first, shape.second) > MOST_DAYS:
        return None
    if shape.first > MOST_MONTHS and shape.second > MOST_MONTHS:
        return Proposal((day_first, month_first), "some have the day first and some the month")
    if shape.second > MOST_MONTHS:
        return Proposal((month_first,))
    doubt = None if shape.first > MOST_MONTHS else f"no day above {MOST_MONTHS} tells, so it may be {month_first}"
    return Proposal((day_first,), doubt)


def _year(found: re.Match[str]) -> str:
    return "yyyy" if found["year"] == "Y" else "yy"


def _month(shape: Shape) -> str:
    word = max(re.findall("[A-Za-z]+", re.sub(r"[0-9]+:.*", "", shape.example)), key=len)
    return "MMM" if len(word) == len("Jan") else "MMMM"


def _time(found: re.Match[str]) -> str:
    if not found["time"]:
        return ""
    seconds, half = ":ss" if found["seconds"] else "", found["half"] or ""
    return f"{found['gap']}{'h' if half else 'H'}:mm{seconds}{half}"
