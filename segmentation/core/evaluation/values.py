"""Values and their types, as Spark names these."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal
from typing import Any, NamedTuple

Row = Mapping[str, Any]
Compute = Callable[[Row], Any]

LIMITS: Mapping[str, int] = {"int": 2**31, "bigint": 2**63}
# The digits of the types that whole numbers become beside decimals.
DIGITS: Mapping[str, int] = {"int": 10, "bigint": 20}
MOST_DIGITS = 38
DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)\Z")
# Products of the widest decimals, without rounding.
WIDE = Context(prec=4 * MOST_DIGITS)
# Every whole number below has a double of its own.
EXACT_DOUBLE = 2**53
NULL = "void"
KNOWN = {*LIMITS, NULL, "double", "string", "date", "boolean"}


class Unknown(Exception):  # noqa: N818 - an answer rather than an error
    """Only an engine can say; the message says what."""


class Typed(NamedTuple):
    """How to compute a value from a row, and the type that it has."""

    kind: str
    of: Compute


class Size(NamedTuple):
    """Digits of a decimal, and how many of them are behind the point."""

    digits: int
    scale: int


def value_of(what: Typed, row: Row) -> Any:
    """The value for a row; an `Unknown` instead of one that cannot be computed here."""
    try:
        return what.of(row)
    except Unknown as unknown:
        return unknown


def size_of(kind: str) -> Size | None:
    """The size of a decimal type, None of another one."""
    found = DECIMAL.match(kind)
    return Size(int(found[1]), int(found[2])) if found else None


def as_size(kind: str) -> Size | None:
    """The size of the decimal that a whole number or a decimal becomes, None of another type."""
    return Size(DIGITS[kind], 0) if kind in DIGITS else size_of(kind)


def decimal_type(digits: int, scale: int) -> str:
    """The name of a type of decimals."""
    return f"decimal({digits},{scale})"


def size_needed(value: Decimal) -> str:
    """The smallest type of decimals that has a value."""
    _, digits, exponent = value.as_tuple()
    scale = max(0, -int(exponent))
    return decimal_type(max(len(digits) + max(0, int(exponent)), scale), scale)


def whole(kind: str, value: int) -> int:
    """A whole number that its type can hold.

    Raises:
        Unknown: it cannot, of which every engine makes something else.
    """
    if not -LIMITS[kind] <= value < LIMITS[kind]:
        raise Unknown(f"{value} as {kind}")
    return value


def fitting(value: Decimal, digits: int, scale: int) -> Decimal:
    """A value that a decimal of this size holds as it is.

    Raises:
        Unknown: it would have to be rounded or does not fit at all.
    """
    short = value.normalize(WIDE)
    behind = max(0, -int(short.as_tuple().exponent))
    if behind > scale or short.adjusted() + 1 > digits - scale:
        raise Unknown(f"{value} as {decimal_type(digits, scale)}")
    return value.quantize(Decimal(1).scaleb(-scale), context=WIDE)


def double(value: Any) -> float:
    """A number as a double.

    Raises:
        Unknown: a decimal of so many digits that engines round in different ways, or what is no number.
    """
    if isinstance(value, Decimal) and abs(int(value.scaleb(-int(value.as_tuple().exponent), WIDE))) >= EXACT_DOUBLE:
        raise Unknown(f"{value} as double")
    number = float(value)
    if not math.isfinite(number):
        raise Unknown(f"the order of {number}")
    return number


def strict(kind: str, function: Callable[..., Any], args: Sequence[Typed]) -> Typed:
    """A function that is null where one of its arguments is."""
    of = [one.of for one in args]
    if len(of) == 2:
        return Typed(kind, _of_two(function, *of))

    def compute(row: Row) -> Any:
        values = [one(row) for one in of]
        return None if any(value is None for value in values) else function(*values)

    return Typed(kind, compute)


def _of_two(function: Callable[..., Any], first: Compute, second: Compute) -> Compute:
    """The same, of operators, which are most."""

    def compute(row: Row) -> Any:
        left, right = first(row), second(row)
        return None if left is None or right is None else function(left, right)

    return compute


def constant(value: Any, kind: str) -> Typed:
    """The same for every row."""
    return Typed(kind, lambda _: value)


def unknown(reason: str) -> Typed:
    """What cannot be said for any row; other parts of a condition may decide it all the same."""

    def compute(_: Row) -> Any:
        raise Unknown(reason)

    return Typed("unknown", compute)


def as_text(value: Any) -> str | None:
    """A value as engines write it, but doubles as Python does."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
