"""A part of an expression that is checked: its kind, and how its Column is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from segmentation.core.days import on
from segmentation.core.own.kinds import DAY, RATIO, TEXT, WHOLE, Kind, Sort, as_kind
from segmentation.errors import ConfigError

Build = Callable[[], Column]
MOST = 2**63 - 1


@dataclass(frozen=True)
class Typed:
    """A checked expression.

    Attributes:
        kind: of its values.
        build: makes the Column, once the engine is chosen.
        names: the columns that it looks at.
        functions: the functions in it.
        sums_up: is there an aggregate in it?
        value: what it is, where it is the same for all; else None.
        before: columns that must be there first, by name: those that look at several rows.
    """

    kind: Kind
    build: Build
    names: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    sums_up: bool = False
    value: Any = None
    before: Mapping[str, Build] | None = None

    def to(self, kind: Kind) -> Typed:
        """The same as another kind; a literal becomes one, which reads better than a cast."""
        if self.kind == kind:
            return self
        if self.value is not None and kind.is_number:
            return literal(float(self.value) if kind == RATIO else self.value, kind)
        is_, build = self.kind, self.build
        return self.made(kind, lambda: as_kind(build(), is_, kind))

    def made(self, kind: Kind, build: Build) -> Typed:
        """What is made of this one alone."""
        return replace(self, kind=kind, build=build, value=None)


def together(parts: list[Typed], kind: Kind, build: Build) -> Typed:
    """What is made of several."""
    return Typed(
        kind,
        build,
        frozenset[str]().union(*(part.names for part in parts)),
        frozenset[str]().union(*(part.functions for part in parts)),
        any(part.sums_up for part in parts),
        None,
        {name: made for part in parts for name, made in (part.before or {}).items()},
    )


def literal(value: Any, kind: Kind) -> Typed:
    """A value that is the same for all."""
    return Typed(kind, lambda: _literal(value, kind), value=value)


def _literal(value: Any, kind: Kind) -> Column:
    if kind.sort is Sort.DAY:
        return on(value)
    return F.lit(Decimal(value)) if kind.sort is Sort.EXACT else F.lit(value)


def literal_of(text: str, *, is_text: bool) -> Typed:
    """A text in quotes, or a number: whole, with decimals, or with an exponent."""
    if is_text:
        return literal(text, TEXT)
    if text.isdigit():
        if int(text) > MOST:
            raise ConfigError(f"expected whole numbers up to {MOST:,}, found {text}")
        return literal(int(text), WHOLE)
    if "e" in text.lower():
        return literal(float(text), RATIO)
    value = Decimal(text)
    return literal(value, Kind(Sort.EXACT, max(0, -int(value.as_tuple().exponent))))


def as_day(part: Typed) -> Typed:
    """A text in quotes as the day that it names; others stay what they are.

    Raises:
        ConfigError: it names none.
    """
    if part.kind != TEXT or not isinstance(part.value, str):
        return part
    try:
        return literal(date.fromisoformat(part.value), DAY)
    except ValueError:
        raise ConfigError(f"expected a day such as '2024-06-30', found {part.value!r}") from None
