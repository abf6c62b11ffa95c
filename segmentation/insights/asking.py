"""The embedded engine, for what nobody else can say of a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StructField, StructType

from segmentation.core.days import on
from segmentation.core.evaluation import Unknown
from segmentation.core.festive import resolve
from segmentation.core.own.measures import AS_OF
from segmentation.core.own.scores import with_scores
from segmentation.core.segmentation import Segmentation
from segmentation.core.terms import names_in, term_of
from segmentation.engines.base import Engine
from segmentation.insights.published import as_published
from segmentation.insights.solving import Row, Terms
from segmentation.schemas import CUSTOMER_ID, PURCHASE_DATE

AT, DAY = "at", "day"


class EngineAsked:
    """Answers by an engine that is open, see `solving.Ask`.

    Args:
        engine: computes.
        segmentation: the dimensions; the settings are those that were published.
        said: what the commit of the customers says.
    """

    def __init__(self, engine: Engine, segmentation: Segmentation, said: Mapping[str, Any]) -> None:
        self._engine = engine
        self._segmentation = as_published(segmentation, said)
        self._cuts = said.get("cuts") or {}

    def values(self, terms: Terms, rows: Sequence[Row], schema: StructType) -> list[Row]:
        """In one query."""
        from pyspark.sql.connect.column import Column

        numbered = [{**row, AT: at} for at, row in enumerate(rows)]
        frame = self._engine.rows(numbered, StructType([*schema.fields, StructField(AT, IntegerType())]))
        columns = [Column(term.node).alias(name) for name, term in terms.items()]
        found = frame.select(F.col(AT), *columns).collect()
        return [row.asDict() for row in sorted(found, key=lambda row: int(row[AT]))]

    def metrics(self, purchases: Sequence[Row], customer: Row, days: Sequence[date]) -> list[Row]:
        """Every day is measured as if it were a customer of its own.

        Raises:
            Unknown: a metric looks at the id of its purchases, which is that of the day here.
        """
        bought, rules = [one[PURCHASE_DATE] for one in purchases], self._segmentation
        if any(CUSTOMER_ID in names_in(term_of(one.column())) for one in rules.own.aggregates):
            raise Unknown("what a metric makes of the customer's id")
        festive = resolve(rules.config.festive_periods, min(bought), max(bought))
        sums = rules.sums(self._seen(purchases, days), F.col(CUSTOMER_ID).cast("date"), festive)
        # A metric may look at the id, so each day has the customer's again; the day follows from the metrics.
        whose = {DAY: F.col(CUSTOMER_ID).cast("date"), CUSTOMER_ID: F.lit(customer[CUSTOMER_ID])}
        theirs = sums.where(F.col("total_purchases") > 0).withColumns(whose)
        metrics = rules.measured(theirs, F.col(DAY), rules.as_said(customer))
        on_day = F.date_add("last_purchase", "days_since_last_purchase")
        found = with_scores(metrics, rules.own.scores, self._cuts).withColumn(AS_OF, on_day).drop(CUSTOMER_ID)
        return sorted((row.asDict() for row in found.collect()), key=lambda row: str(row[AS_OF]))

    def _seen(self, purchases: Sequence[Row], days: Sequence[date]) -> DataFrame:
        """The purchases up to each day, which stands for the customer."""
        schema, every = self._segmentation.purchase_schema, F.explode(F.sequence(on(days[0]), on(days[-1])))
        ahead = self._engine.session.range(1).select(every.alias(DAY))
        seen = self._engine.rows(purchases, schema).crossJoin(ahead).where(F.col(PURCHASE_DATE) <= F.col(DAY))
        return seen.withColumn(CUSTOMER_ID, F.col(DAY).cast("string")).drop(DAY)
