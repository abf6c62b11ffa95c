"""What a report is made of, and numbers as it writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Spec = dict[str, Any]
NOTHING = "–"


@dataclass(frozen=True)
class Table:
    """Rows of text; the first column names a row.

    Attributes:
        caption: what it shows.
        header: the names of the columns.
        rows: the cells.
        chart: the same as a Vega-Lite chart, None for a table alone.
        heat: per row and column from the second on a share between 0 and 1, by which cells are shaded; empty for none.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    chart: Spec | None = None
    heat: Sequence[Sequence[float]] = ()


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and tables.

    Attributes:
        name: for links, a word.
        title: for people.
        words: sentences above the tables.
        tables: with charts or without.
    """

    name: str
    title: str
    words: Sequence[str] = ()
    tables: Sequence[Table] = field(default_factory=tuple)


def count(value: float | Decimal) -> str:
    """A whole number."""
    return f"{int(value):,}"


def rupees(value: float | Decimal) -> str:
    """An amount, in whole rupees: a report is read, not reckoned with."""
    return f"{Decimal(value).quantize(Decimal(1)):,}"


def share(part: float | Decimal, whole: float | Decimal) -> str:
    """A part in per cent of the whole."""
    return f"{ratio(part, whole):.1%}" if whole else NOTHING


def ratio(part: float | Decimal, whole: float | Decimal) -> float:
    """A part of the whole, 0 of nothing."""
    return float(Decimal(part) / Decimal(whole)) if whole else 0.0


def change(now: float | Decimal, before: float | Decimal) -> str:
    """By how much a number has grown."""
    if not before:
        return NOTHING
    return f"{(Decimal(now) - Decimal(before)) / Decimal(before):+.1%}"


def each(amount: float | Decimal, number: float | Decimal) -> Decimal:
    """An amount per one of a number, 0 for none."""
    return Decimal(amount) / Decimal(number) if number else Decimal(0)
