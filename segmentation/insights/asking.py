"""The embedded engine, for what nobody else can say of a customer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StructField, StructType

from segmentation.core.days import on
from segmentation.core.festive import resolve
from segmentation.core.metrics import customer_metrics
from segmentation.core.segmentation import Segmentation
from segmentation.core.types import struct
from segmentation.engines.base import Engine
from segmentation.insights.ruled import AS_OF
from segmentation.insights.solving import Row, Terms
from segmentation.schemas import AMOUNT, CATEGORY, CUSTOMER_ID, PURCHASE_DATE, SPEND_TYPE

AT = "at"
BOUGHT = struct(purchase_date="date", amount=SPEND_TYPE, category="string")


class EngineAsked:
    """Answers by an engine that is open, see `solving.Ask`.

    Args:
        engine: computes.
        segmentation: the rules that were published.
    """

    def __init__(self, engine: Engine, segmentation: Segmentation) -> None:
        self._engine = engine
        self._segmentation = segmentation

    def values(self, terms: Terms, rows: Sequence[Row], schema: StructType) -> list[Row]:
        """In one query."""
        from pyspark.sql.connect.column import Column

        numbered = [{**row, AT: at} for at, row in enumerate(rows)]
        frame = self._engine.rows(numbered, StructType([*schema.fields, StructField(AT, IntegerType())]))
        columns = [Column(term.node).alias(name) for name, term in terms.items()]
        found = frame.select(F.col(AT), *columns).collect()
        return [row.asDict() for row in sorted(found, key=lambda row: int(row[AT]))]

    def metrics(self, purchases: Sequence[Row], days: Sequence[date]) -> list[Row]:
        """Every day is measured as if it were a customer of its own."""
        bought = [one[PURCHASE_DATE] for one in purchases]
        festive = resolve(self._segmentation.config.festive_periods, min(bought), max(bought))
        day = F.col(CUSTOMER_ID).cast("date")
        sums = self._segmentation.sums(self._seen(purchases, days), day, festive)
        found = customer_metrics(sums.where(F.col("total_purchases") > 0), day).collect()
        return [_on_day(row.asDict()) for row in sorted(found, key=lambda row: str(row[CUSTOMER_ID]))]

    def _seen(self, purchases: Sequence[Row], days: Sequence[date]) -> DataFrame:
        """The purchases up to each day, which stands for the customer."""
        every = F.explode(F.sequence(on(days[0]), on(days[-1])))
        ahead = self._engine.session.range(1).select(every.alias("day"))
        seen = self._engine.rows(purchases, BOUGHT).crossJoin(ahead).where(F.col(PURCHASE_DATE) <= F.col("day"))
        return seen.select(F.col("day").cast("string").alias(CUSTOMER_ID), PURCHASE_DATE, AMOUNT, CATEGORY)


def _on_day(row: dict[str, Any]) -> dict[str, Any]:
    return {AS_OF: date.fromisoformat(row.pop(CUSTOMER_ID)), **row}
