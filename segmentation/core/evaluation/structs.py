"""Several values in one, as metrics need them that ask for the value of the row that is best."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from segmentation.core.evaluation.values import Row, Typed, Unknown

FIELD = re.compile(r"(\w+):(\w+(?:\(\d+,\d+\))?)")
STRUCT = "struct<"
Values = tuple[Any, ...]


def struct(names: Sequence[str], args: Sequence[Typed]) -> Typed:
    """Values under names; in Python a tuple."""
    kinds = [f"{name}:{one.kind}" for name, one in zip(names, args, strict=True)]

    def compute(row: Row) -> Values:
        return tuple(one.of(row) for one in args)

    return Typed(f"{STRUCT}{','.join(kinds)}>", compute)


def field_of(what: Typed, name: str) -> Typed:
    """One of the values, null where there is no struct.

    Raises:
        Unknown: there is none of this name.
    """
    kinds = _kinds(what.kind)
    if name not in kinds:
        raise Unknown(f"the field {name} of {what.kind}")
    at = list(kinds).index(name)

    def compute(row: Row) -> Any:
        found = what.of(row)
        return None if found is None else found[at]

    return Typed(kinds[name], compute)


def is_struct(kind: str) -> bool:
    """Is it a type of structs?"""
    return kind.startswith(STRUCT)


def best_struct(kind: str, choose: Callable[[list[Any]], Any]) -> Callable[[list[Values]], Values | None]:
    """The best of structs: the first value decides, of equal ones the second, and so on.

    Raises:
        Unknown: of a type whose order engines see differently.
    """
    if "double" in _kinds(kind).values():
        raise Unknown("the order of doubles")

    def find(values: list[Values]) -> Values | None:
        for at in range(len(_kinds(kind))):
            values = _best_by(at, values, choose)
        return values[0] if values else None

    return find


def _best_by(at: int, values: list[Values], choose: Callable[[list[Any]], Any]) -> list[Values]:
    column = {one[at] for one in values}
    if len(column) < 2:
        return values
    if None in column:
        raise Unknown("the order of nothing beside something")
    best = choose(list(column))
    return [one for one in values if one[at] == best]


def _kinds(kind: str) -> dict[str, str]:
    return dict(FIELD.findall(kind.removeprefix(STRUCT))) if is_struct(kind) else {}
