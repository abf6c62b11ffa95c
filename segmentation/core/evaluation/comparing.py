"""Comparisons of values of types that are compared in one way only."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from segmentation.core.evaluation.casts import day_of
from segmentation.core.evaluation.logic import LOGIC
from segmentation.core.evaluation.values import NULL, Row, Typed, Unknown, as_size, double, strict

Order = Callable[[Any, Any], bool]


def alike(left: Typed, right: Typed) -> tuple[Typed, Typed]:
    """Two values as values of one type.

    Raises:
        Unknown: of types that engines bring together in ways of their own.
    """
    kinds = {left.kind, right.kind} - {NULL}
    # Python compares whole numbers and decimals exactly.
    if len(kinds) < 2 or all(as_size(kind) for kind in kinds):
        return _known(left), _known(right)
    if "double" in kinds and all(kind == "double" or as_size(kind) for kind in kinds):
        return strict("double", double, [left]), strict("double", double, [right])
    if kinds == {"date", "string"}:
        return _as_day(left), _as_day(right)
    raise Unknown(f"{left.kind} beside {right.kind}")


def _known(one: Typed) -> Typed:
    return strict("double", double, [one]) if one.kind == "double" else one


def _as_day(one: Typed) -> Typed:
    return one if one.kind in ("date", NULL) else strict("date", day_of, [one])


def _by(order: Order) -> Callable[[Typed, Typed], Typed]:
    return lambda left, right: strict("boolean", order, alike(left, right))


def _same_or_both_null(left: Typed, right: Typed) -> Typed:
    one, other = alike(left, right)
    return Typed("boolean", lambda row: one.of(row) == other.of(row))


def _differs(left: Typed, right: Typed) -> Typed:
    return strict("boolean", operator.ne, alike(left, right))


def _among(value: Typed, *others: Typed) -> Typed:
    """True where one is equal; else null where one is null."""
    pairs = [alike(value, other) for other in others]

    def compute(row: Row) -> Any:
        if value.of(row) is None:
            return None
        found = [(one.of(row), other.of(row)) for one, other in pairs]
        if any(one == other for one, other in found):
            return True
        return None if any(other is None for _, other in found) else False

    return Typed("boolean", compute)


def _between(value: Typed, low: Typed, high: Typed) -> Typed:
    return LOGIC["and"](COMPARING[">="](value, low), COMPARING["<="](value, high))


COMPARING: Mapping[str, Callable[..., Typed]] = {
    "==": _by(operator.eq),
    "=": _by(operator.eq),
    ">=": _by(operator.ge),
    ">": _by(operator.gt),
    "<=": _by(operator.le),
    "<": _by(operator.lt),
    "!=": _differs,
    "<>": _differs,
    "<=>": _same_or_both_null,
    "in": _among,
    "between": _between,
}
