"""What terms come to for customers: computed here, and by an engine only what nobody else can say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StructField, StructType

from segmentation.core.evaluation import Typed, Unknown, typed, value_of
from segmentation.core.metrics import METRICS_SCHEMA
from segmentation.core.terms import Term
from segmentation.engines.base import Engine
from segmentation.insights.ruled import METRIC_KINDS

Row = Mapping[str, Any]
Terms = Mapping[str, Term]
# Rows of metrics -> the value of each term for each of them.
Ask = Callable[[Terms, Sequence[Row]], list[Row]]
AT = "at"


def solved(terms: Terms, rows: Sequence[Row], ask: Ask | None = None) -> list[Row]:
    """The value of every term for every row, an `Unknown` where it has none here.

    Args:
        terms: by name; of the columns of `METRICS_SCHEMA`.
        rows: customers, by column.
        ask: who is asked for terms that are not known for every row; None for nobody.
    """
    ways: Mapping[str, Typed] = {name: typed(term, METRIC_KINDS) for name, term in terms.items()}
    found: list[Row] = [{name: value_of(one, row) for name, one in ways.items()} for row in rows]
    missing = {name: terms[name] for name in terms if any(isinstance(row[name], Unknown) for row in found)}
    if not missing or ask is None:
        return found
    return [{**row, **told} for row, told in zip(found, ask(missing, rows), strict=True)]


def asking(engine: Engine) -> Ask:
    """Have an engine say, in one query."""
    from pyspark.sql.connect.column import Column

    def ask(terms: Terms, rows: Sequence[Row]) -> list[Row]:
        schema = StructType([*METRICS_SCHEMA.fields, StructField(AT, IntegerType())])
        numbered = [{**row, AT: at} for at, row in enumerate(rows)]
        columns = [Column(term.node).alias(name) for name, term in terms.items()]
        found = engine.rows(numbered, schema).select(F.col(AT), *columns).collect()
        return [row.asDict() for row in sorted(found, key=lambda row: int(row[AT]))]

    return ask
