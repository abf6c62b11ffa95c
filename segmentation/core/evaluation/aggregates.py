"""Sums over the rows that a row stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from segmentation.core.evaluation.structs import best_struct, is_struct
from segmentation.core.evaluation.values import (
    MOST_DIGITS,
    WIDE,
    Row,
    Typed,
    Unknown,
    decimal_type,
    fitting,
    size_of,
    whole,
)
from segmentation.core.terms import DISTINCT

# Where a row keeps the rows that it stands for.
ROWS = "rows"
# As many digits more has a sum than what it adds up.
MORE_DIGITS = 10


def aggregated(name: str, args: Sequence[Typed]) -> Typed:
    """A sum over the rows that a row holds under `ROWS`; nulls do not count.

    Raises:
        Unknown: of a type that is added up in other ways.
    """
    if len(args) != 1:
        raise Unknown(f"{name} of {len(args)} values")
    one = args[0]
    kind, add = AGGREGATES[name](one.kind)

    def compute(row: Row) -> Any:
        return add([value for inner in row[ROWS] if (value := one.of(inner)) is not None])

    return Typed(kind, compute)


def _count(_: str) -> tuple[str, Callable[[list[Any]], Any]]:
    return "bigint", len


def _count_of_each_once(kind: str) -> tuple[str, Callable[[list[Any]], Any]]:
    if kind == "double" or is_struct(kind):
        raise Unknown(f"which of {kind} are equal")
    return "bigint", lambda values: len(set(values))


def _sum(kind: str) -> tuple[str, Callable[[list[Any]], Any]]:
    size = size_of(kind)
    if size:
        wider = min(size.digits + MORE_DIGITS, MOST_DIGITS), size.scale
        return decimal_type(*wider), lambda values: fitting(reduce(WIDE.add, values), *wider) if values else None
    if kind in ("int", "bigint"):
        return "bigint", lambda values: whole("bigint", sum(values)) if values else None
    raise Unknown(f"a sum of {kind}")


def _most(choose: Callable[[list[Any]], Any]) -> Callable[[str], tuple[str, Callable[[list[Any]], Any]]]:
    def build(kind: str) -> tuple[str, Callable[[list[Any]], Any]]:
        if kind == "double":
            raise Unknown("the order of doubles")
        if is_struct(kind):
            return kind, best_struct(kind, choose)
        return kind, lambda values: choose(values) if values else None

    return build


def _truth(of_all: Callable[[list[Any]], bool]) -> Callable[[str], tuple[str, Callable[[list[Any]], Any]]]:
    def build(kind: str) -> tuple[str, Callable[[list[Any]], Any]]:
        if kind != "boolean":
            raise Unknown(f"{kind} as a condition")
        return kind, lambda values: of_all(values) if values else None

    return build


AGGREGATES: Mapping[str, Callable[[str], tuple[str, Callable[[list[Any]], Any]]]] = {
    "count": _count,
    DISTINCT.format("count"): _count_of_each_once,
    "sum": _sum,
    "min": _most(min),
    "max": _most(max),
    "bool_or": _truth(any),
    "bool_and": _truth(all),
}
