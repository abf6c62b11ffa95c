"""From one type to another, where all engines agree."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from segmentation.core.evaluation.values import (
    KNOWN,
    LIMITS,
    NULL,
    WIDE,
    Size,
    Typed,
    Unknown,
    as_size,
    as_text,
    decimal_type,
    double,
    fitting,
    size_of,
    strict,
    whole,
)

ALIASES = {"integer": "int", "long": "bigint", "bool": "boolean", "str": "string", "decimal": "decimal(10,0)"}
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")
WORDS = {"true": True, "false": False}
# What is cut off behind the point when a double becomes a whole number is certain below.
PLAIN_DOUBLE = 2**53


def cast(what: Typed, to: str) -> Typed:
    """A value as another type.

    Raises:
        Unknown: engines do this in ways of their own.
    """
    kind = ALIASES.get(to, to.replace(" ", ""))
    if kind not in KNOWN and not size_of(kind):
        raise Unknown(f"{what.kind} as {to}")
    if what.kind in (kind, NULL):
        return Typed(kind, what.of)
    return strict(kind, _way(what.kind, kind), [what])


def _way(source: str, to: str) -> Callable[[Any], Any]:
    size = size_of(to)
    if size and (source in ("string", "boolean") or as_size(source)):
        return lambda value: rounded(_number(value), size)
    if to in LIMITS and source != "date":
        return lambda value: _whole(value, to)
    if to == "double" and source != "date":
        return lambda value: double(_number(value))
    if to == "string" and source != "double":
        return as_text
    if to == "date" and source == "string":
        return day_of
    if to == "boolean" and source in LIMITS:
        return bool
    if to == "boolean" and source == "string":
        return _truth
    raise Unknown(f"{source} as {to}")


def day_of(text: str) -> date:
    """A day from its usual form.

    Raises:
        Unknown: another form, which some engines know and others refuse.
    """
    try:
        if DAY.fullmatch(text) and text.isascii():
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Unknown(f"{text!r} as a day")


def rounded(value: Decimal, size: Size) -> Decimal:
    """A decimal of fewer digits behind the point, half away from zero.

    Raises:
        Unknown: it has too many before it.
    """
    return fitting(value.quantize(Decimal(1).scaleb(-size.scale), ROUND_HALF_UP, WIDE), *size)


def _number(value: Any) -> Any:
    """A number as a decimal, a double as it is."""
    if isinstance(value, str):
        if not (NUMBER.fullmatch(value) and value.isascii()):
            raise Unknown(f"{value!r} as a number")
        return Decimal(value)
    return value if isinstance(value, float | Decimal) else Decimal(int(value))


def _whole(value: Any, kind: str) -> int:
    """What is behind the point goes, but of a text, where it may be refused."""
    number = _number(value)
    if isinstance(value, str) and number != int(number):
        raise Unknown(f"{value!r} as {kind}")
    if isinstance(number, float) and not abs(number) < PLAIN_DOUBLE:
        raise Unknown(f"{number} as {kind}")
    return whole(kind, int(number))


def _truth(text: str) -> bool:
    if text not in WORDS:
        raise Unknown(f"{text!r} as a boolean")
    return WORDS[text]


def as_decimals(what: Typed) -> Typed:
    """A whole number as a decimal; a decimal as it is."""
    size = as_size(what.kind)
    if size is None:
        raise Unknown(f"{what.kind} as a decimal")
    return what if size_of(what.kind) else strict(decimal_type(*size), Decimal, [what])
