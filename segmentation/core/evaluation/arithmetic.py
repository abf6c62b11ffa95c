"""Sums, products and the like: whole numbers that overflow nowhere, decimals without rounding, doubles."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from segmentation.core.evaluation.casts import as_decimals
from segmentation.core.evaluation.values import (
    LIMITS,
    MOST_DIGITS,
    NULL,
    WIDE,
    Size,
    Typed,
    Unknown,
    as_size,
    constant,
    decimal_type,
    double,
    fitting,
    size_of,
    strict,
    whole,
)

Numbers = Callable[[Any, Any], Any]
# As many digits as the quotient of decimals has behind its point at least.
QUOTIENT = 6


def _sum_size(left: Size, right: Size) -> Size:
    scale = max(left.scale, right.scale)
    return Size(max(left.digits - left.scale, right.digits - right.scale) + scale + 1, scale)


def _product_size(left: Size, right: Size) -> Size:
    return Size(left.digits + right.digits + 1, left.scale + right.scale)


def _remainder_size(left: Size, right: Size) -> Size:
    scale = max(left.scale, right.scale)
    return Size(min(left.digits - left.scale, right.digits - right.scale) + scale, scale)


def _bounded(size: Size) -> Size:
    """Spark takes digits from behind the point where there are too many, but leaves some."""
    if size.digits <= MOST_DIGITS:
        return size
    scale = max(MOST_DIGITS - (size.digits - size.scale), min(size.scale, QUOTIENT))
    return Size(MOST_DIGITS, scale)


def _operator(
    of_whole: Numbers, of_decimals: Numbers, of_doubles: Numbers, size_of_both: Callable[[Size, Size], Size]
) -> Callable[[Typed, Typed], Typed]:
    def build(left: Typed, right: Typed) -> Typed:
        kinds = {left.kind, right.kind}
        if kinds <= {*LIMITS}:
            kind = "bigint" if "bigint" in kinds else "int"
            return strict(kind, lambda one, other: whole(kind, of_whole(one, other)), (left, right))
        if "double" in kinds:
            return strict("double", of_doubles, (_doubles(left), _doubles(right)))
        if NULL in kinds and all(kind == NULL or as_size(kind) for kind in kinds):
            return constant(None, NULL)
        one, other = as_decimals(left), as_decimals(right)
        size = _bounded(size_of_both(_size(one), _size(other)))
        return strict(decimal_type(*size), lambda a, b: fitting(of_decimals(a, b), *size), (one, other))

    return build


def _size(one: Typed) -> Size:
    size = size_of(one.kind)
    assert size is not None  # made a decimal before
    return size


def _doubles(one: Typed) -> Typed:
    if one.kind != "double" and as_size(one.kind) is None:
        raise Unknown(f"{one.kind} beside double")
    return strict("double", double, [one])


def _divided(left: Typed, right: Typed) -> Typed:
    """Whole numbers have a quotient that is a double, decimals one that is rounded, if it is not a short one."""
    if (size_of(left.kind) or size_of(right.kind)) and "double" not in (left.kind, right.kind):
        return strict(decimal_type(MOST_DIGITS, QUOTIENT), _quotient, (as_decimals(left), as_decimals(right)))
    return strict("double", lambda one, other: one / _not_zero(other), (_doubles(left), _doubles(right)))


def _quotient(left: Decimal, right: Decimal) -> Decimal:
    found = WIDE.divide(left, _not_zero(right))
    if WIDE.multiply(found, right) != left:
        raise Unknown(f"{left} / {right}")
    return fitting(found, MOST_DIGITS, QUOTIENT)


def _not_zero(value: Any) -> Any:
    if value == 0:
        raise Unknown("a division by zero")
    return value


def _remainder(left: int, right: int) -> int:
    """With the sign of what is divided."""
    rest = abs(left) % abs(int(_not_zero(right)))
    return rest if left >= 0 else -rest


def _negative(one: Typed) -> Typed:
    return _of_one(one, operator.neg)


def _absolute(one: Typed) -> Typed:
    return _of_one(one, abs)


def _of_one(one: Typed, function: Callable[[Any], Any]) -> Typed:
    kind = one.kind
    if kind in LIMITS:
        return strict(kind, lambda value: whole(kind, function(value)), [one])
    if kind == "double":
        return strict(kind, function, [one])
    if size_of(kind):
        sign = {operator.neg: WIDE.minus, abs: WIDE.abs}[function]
        return strict(kind, sign, [one])
    raise Unknown(f"{kind} as a number")


def _minus(*args: Typed) -> Typed:
    return _negative(*args) if len(args) == 1 else _difference(*args)


def _refused(*_: Any) -> Any:
    raise Unknown("a remainder of doubles")


_difference = _operator(operator.sub, WIDE.subtract, operator.sub, _sum_size)
ARITHMETIC: Mapping[str, Callable[..., Typed]] = {
    "+": _operator(operator.add, WIDE.add, operator.add, _sum_size),
    "-": _minus,
    "*": _operator(operator.mul, WIDE.multiply, operator.mul, _product_size),
    "%": _operator(_remainder, lambda one, other: WIDE.remainder(one, _not_zero(other)), _refused, _remainder_size),
    "/": _divided,
    "negative": _negative,
    "abs": _absolute,
}
