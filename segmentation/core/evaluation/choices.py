"""One value of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from segmentation.core.evaluation.casts import as_decimals
from segmentation.core.evaluation.comparing import COMPARING
from segmentation.core.evaluation.values import (
    LIMITS,
    MOST_DIGITS,
    NULL,
    Row,
    Typed,
    Unknown,
    as_size,
    constant,
    decimal_type,
    double,
    strict,
)


def together(args: Sequence[Typed]) -> tuple[str, list[Typed]]:
    """Values as values of one type, and which it is.

    Raises:
        Unknown: they have none together.
    """
    kinds = {one.kind for one in args} - {NULL}
    if len(kinds) < 2:
        return next(iter(kinds), NULL), list(args)
    if kinds <= {*LIMITS}:
        return "bigint", list(args)
    if all(as_size(kind) for kind in kinds):
        return _as_decimals(args)
    if all(kind == "double" or as_size(kind) for kind in kinds):
        return "double", [strict("double", double, [one]) for one in args]
    raise Unknown(f"one of {', '.join(sorted(kinds))}")


def _as_decimals(args: Sequence[Typed]) -> tuple[str, list[Typed]]:
    sizes = [size for one in args if (size := as_size(one.kind))]
    scale = max(size.scale for size in sizes)
    digits = max(size.digits - size.scale for size in sizes) + scale
    if digits > MOST_DIGITS:
        raise Unknown(f"a decimal of {digits} digits")
    return decimal_type(digits, scale), [one if one.kind == NULL else as_decimals(one) for one in args]


def _coalesce(*args: Typed) -> Typed:
    kind, alike = together(args)

    def compute(row: Row) -> Any:
        return next((value for one in alike if (value := one.of(row)) is not None), None)

    return Typed(kind, compute)


def _when(*args: Typed) -> Typed:
    """Conditions and values in turn, and perhaps the value of all others."""
    pairs = len(args) // 2
    conditions = [args[2 * at] for at in range(pairs)]
    values = [*[args[2 * at + 1] for at in range(pairs)], *args[2 * pairs :]]
    kind, alike = together(values)
    otherwise = alike[pairs] if len(alike) > pairs else constant(None, NULL)

    def compute(row: Row) -> Any:
        chosen = next((one for when, one in zip(conditions, alike, strict=False) if when.of(row)), otherwise)
        return chosen.of(row)

    return Typed(kind, compute)


def _null_if(value: Typed, other: Typed) -> Typed:
    is_same = COMPARING["=="](value, other)
    return Typed(value.kind, lambda row: None if is_same.of(row) else value.of(row))


def _most(choose: Callable[[list[Any]], Any]) -> Callable[..., Typed]:
    """The largest or the smallest of those that are not null."""

    def build(*args: Typed) -> Typed:
        kind, alike = together(args)
        if kind == "double":
            alike = [strict(kind, double, [one]) for one in alike]

        def compute(row: Row) -> Any:
            values = [value for one in alike if (value := one.of(row)) is not None]
            return choose(values) if values else None

        return Typed(kind, compute)

    return build


CHOICES: Mapping[str, Callable[..., Typed]] = {
    "coalesce": _coalesce,
    "ifnull": _coalesce,
    "nvl": _coalesce,
    "when": _when,
    "if": _when,
    "nullif": _null_if,
    "greatest": _most(max),
    "least": _most(min),
}
