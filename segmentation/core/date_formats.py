"""Patterns for dates that a user added: which texts each of them fits, in a form that all engines share.

Engines differ in what they let pass beside a pattern: longer numbers, signs, names of months in other lengths.
"""

from __future__ import annotations

import re

# Letters for a number, and how many digits it has at the most where it stands alone.
NUMBERS = {"M": 2, "L": 2, "d": 2, "D": 3, "H": 2, "h": 2, "K": 2, "k": 2, "m": 2, "s": 2}
OFFSETS = frozenset("Zx")
SPECIAL = frozenset("\\.+*?()|[]{}^$")
PARTS = re.compile(r"'(?P<quoted>[^']*)'|(?P<letters>([A-Za-z])\3*)|(?P<mark>.)")


def digits_of(pattern: str) -> str | None:
    """A regular expression for the texts that `pattern` fits; None where it has words, zones or options.

    Those are left to Spark.
    """
    parts = [
        _part(found) for found in re.finditer(r"'(?P<quoted>[^']*)'|(?P<letters>([A-Za-z])\3*)|(?P<mark>.)", pattern)
    ]
    return None if None in parts else rf"\A{''.join(map(str, parts))}\z"


def _part(found: re.Match[str]) -> str | None:
    if found["letters"] is None:
        text = found["mark"] or found["quoted"] or "'"
        return None if text in ("[", "]") and found["mark"] else literally(text)
    letter, length = found["letters"][0], len(found["letters"])
    if letter in "yu":
        return f"[0-9]{{{length}}}"
    if letter == "S":
        return f"[0-9]{{{length}}}"
    if letter in OFFSETS and length <= 3:
        return r"[+-][0-9]{2}:?(?:[0-9]{2})?"
    most = NUMBERS.get(letter)
    if most is None or length > most:
        return None
    return f"[0-9]{{{length},{most}}}" if length == 1 else f"[0-9]{{{length}}}"


def literally(text: str) -> str:
    """A regular expression for just this text. What needs no escape has none: engines refuse some."""
    return "".join(f"\\{mark}" if mark in SPECIAL else mark for mark in text)
