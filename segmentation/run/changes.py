"""Whose labels a run changes, and why: for the table of changes, and for applications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.core.changes import IS_THERE, by_dimension, causes, relabelled, touched_by_metrics
from segmentation.core.days import on
from segmentation.core.quality import only_row
from segmentation.core.types import struct
from segmentation.engines.base import Engine
from segmentation.run.past import Past
from segmentation.run.publication import Write
from segmentation.run.record import Segments
from segmentation.schemas import CUSTOMER_ID
from segmentation.state import tables
from segmentation.state.output import Output


class Changes(NamedTuple):
    """The customers with other labels than before.

    Attributes:
        table: one row per customer, dimension and change, `tables.CHANGES_SCHEMA`.
        elements: ``customer_id`` and the labels of those who are there.
        customers: how many have other labels, are new or are gone.
        listed: how many of them are there.
    """

    table: DataFrame
    elements: DataFrame
    customers: int
    listed: int

    def writes(self, engine: Engine, output: Output, commit: Mapping[str, Any]) -> list[Write]:
        """What there is to write."""
        if not self.customers:
            return []
        return [Write(output.changes, lambda: engine.tables.append(self.table, output.changes, tables.CHANGES, commit))]


def changes_of(
    engine: Engine,
    segments: Segments,
    past: Past,
    dimensions: Sequence[str],
    at: datetime,
    folder: str,
    *,
    same_rules: bool,
    touched: DataFrame | None,
    same_source: bool = False,
) -> Changes:
    """Compare the customers with those that were published before.

    Args:
        engine: keeps what is needed more than once.
        segments: the customers.
        past: what was published before.
        dimensions: the label columns.
        at: the time of the run.
        folder: for what is kept.
        same_rules: has the configuration stayed what it was?
        touched: ``customer_id`` of those whose purchases changed, None where only their metrics can tell.
        same_source: has nothing in the source changed since?
    """
    before = past.customers
    if before is None:
        before = engine.rows([], struct(customer_id="string", **dict.fromkeys(dimensions, "string")))
    changed = relabelled(segments.customers, before, dimensions)
    has_new: Column = F.lit(False) if same_source else touched_by_metrics(changed.columns, same_rules=same_rules)
    if touched is not None:
        changed = changed.join(touched.withColumn("is_touched", F.lit(True)), on=CUSTOMER_ID, how="left")
        has_new = F.col("is_touched").isNotNull()
    caused = engine.keep(causes(changed, has_new, same_rules=same_rules), folder)
    row = only_row(caused.agg(F.count(F.lit(1)).alias("customers"), F.count(IS_THERE).alias("listed")))
    facts = {"as_of": on(segments.as_of), "run_id": F.lit(segments.run_id), "changed_at": F.lit(at)}
    table = by_dimension(caused, dimensions).withColumns(facts).select(*tables.CHANGES_SCHEMA.names)
    labels = [F.col(f"to_{name}").alias(name) for name in dimensions]
    return Changes(table, caused.where(F.col(IS_THERE)).select(CUSTOMER_ID, *labels), row["customers"], row["listed"])
