"""Many conditions as one: a tree as flat as can be, since engines take an expression of a hundred levels at most."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import Column


def all_of(conditions: Sequence[Column]) -> Column:
    """Do all hold? There is at least one."""
    return balanced(conditions, lambda one, other: one & other)


def any_of(conditions: Sequence[Column]) -> Column:
    """Does one of them hold? There is at least one."""
    return balanced(conditions, lambda one, other: one | other)


def balanced(parts: Sequence[Column], joined: Callable[[Column, Column], Column]) -> Column:
    """Parts joined in their order, as many on the left as on the right."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return joined(balanced(parts[:half], joined), balanced(parts[half:], joined))
