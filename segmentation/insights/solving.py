"""What terms come to for customers: computed here, and by an engine only what nobody else can say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from pyspark.sql.types import StructType

from segmentation.core.evaluation import Typed, Unknown, typed, value_of
from segmentation.core.terms import Term

Row = Mapping[str, Any]
Terms = Mapping[str, Term]


class Ask(Protocol):
    """Who knows more."""

    def values(self, terms: Terms, rows: Sequence[Row], schema: StructType) -> list[Row]:
        """The value of each term for each row, which have the columns of `schema`."""

    def metrics(self, purchases: Sequence[Row], customer: Row, days: Sequence[date]) -> list[Row]:
        """What `measuring.measured` gives, and perhaps more of each day."""


def kinds_of(schema: StructType) -> dict[str, str]:
    """The type of each column, as Spark names it."""
    return {field.name: field.dataType.simpleString() for field in schema}


def solved(terms: Terms, rows: Sequence[Row], schema: StructType, ask: Ask | None = None) -> list[Row]:
    """The value of every term for every row, an `Unknown` where it has none here.

    Args:
        terms: by name.
        rows: customers, by column.
        schema: of the rows.
        ask: who is asked for terms that are not known for every row; None for nobody.
    """
    kinds = kinds_of(schema)
    ways: Mapping[str, Typed] = {name: typed(term, kinds) for name, term in terms.items()}
    found: list[Row] = [{name: value_of(one, row) for name, one in ways.items()} for row in rows]
    missing = {name: terms[name] for name in terms if any(isinstance(row[name], Unknown) for row in found)}
    if not missing or ask is None:
        return found
    return [{**row, **told} for row, told in zip(found, ask.values(missing, rows, schema), strict=True)]
