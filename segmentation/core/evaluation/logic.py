"""And, or and not, of true, false, null, and what is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from segmentation.core.evaluation.values import NULL, Row, Typed, Unknown, value_of


def _booleans(*args: Typed) -> None:
    for one in args:
        if one.kind not in ("boolean", NULL, "unknown"):
            raise Unknown(f"{one.kind} as a condition")


def _decided_by(decides: bool) -> Callable[[Typed, Typed], Typed]:
    """``and`` is decided by one false, ``or`` by one true, whatever the other one is."""

    def join(left: Typed, right: Typed) -> Typed:
        _booleans(left, right)

        def compute(row: Row) -> Any:
            one = value_of(left, row)
            if one is decides:
                return one
            other = right.of(row)
            if other is decides:
                return other
            if isinstance(one, Unknown):
                raise one
            return None if one is None or other is None else not decides

        return Typed("boolean", compute)

    return join


def _not(one: Typed) -> Typed:
    _booleans(one)

    def compute(row: Row) -> Any:
        value = one.of(row)
        return None if value is None else not value

    return Typed("boolean", compute)


def _is_null(one: Typed) -> Typed:
    return Typed("boolean", lambda row: one.of(row) is None)


def _is_not_null(one: Typed) -> Typed:
    return Typed("boolean", lambda row: one.of(row) is not None)


LOGIC: Mapping[str, Callable[..., Typed]] = {
    "and": _decided_by(False),
    "or": _decided_by(True),
    "not": _not,
    "!": _not,
    "isnull": _is_null,
    "isnotnull": _is_not_null,
}
