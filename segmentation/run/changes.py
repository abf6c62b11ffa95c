"""Whose labels a run changes, and why: for the table of changes, and for applications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.core.changes import IS_THERE, by_dimension, causes, differ
from segmentation.core.days import on
from segmentation.core.metrics import count_if
from segmentation.core.quality import only_row
from segmentation.engines.base import Engine
from segmentation.run.publication import Write
from segmentation.run.segments import Segments
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
        rows: how many changes there are.
    """

    table: DataFrame
    elements: DataFrame
    customers: int
    listed: int
    rows: int

    def writes(self, engine: Engine, output: Output, commit: Mapping[str, Any]) -> list[Write]:
        """What there is to write."""
        path, spec = output.changes, tables.CHANGES
        if not self.rows:
            # It is there to query, from the first run on.
            engine.tables.append_rows([], tables.CHANGES_SCHEMA, path, spec, commit)
            return []
        return [Write(path, lambda: engine.tables.append(self.table, self.rows, path, spec, commit))]


def changes_of(
    engine: Engine,
    changed: DataFrame,
    dimensions: Sequence[str],
    segments: Segments,
    at: datetime,
    folder: str,
    *,
    same_rules: bool,
    same_inputs: bool,
    same_day: bool,
) -> Changes:
    """Tell changes, and why they came about.

    Args:
        engine: keeps what is needed more than once.
        changed: customers with other labels, `core.changes.form`.
        dimensions: the label columns.
        segments: the customers.
        at: the time of the run.
        folder: for what is kept.
        same_rules: has the configuration stayed what it was?
        same_inputs: and the second inputs?
        same_day: and the as-of day?
    """
    caused = engine.keep(causes(changed, same_rules=same_rules, same_inputs=same_inputs, same_day=same_day), folder)
    counts = [F.count(F.lit(1)).alias("customers"), F.count(IS_THERE).alias("listed")]
    counts += [count_if(differ([name])).alias(name) for name in dimensions]
    row = only_row(caused.agg(*counts))
    facts = {"as_of": on(segments.as_of), "run_id": F.lit(segments.run_id), "changed_at": F.lit(at)}
    table = by_dimension(caused, dimensions).withColumns(facts).select(*tables.CHANGES_SCHEMA.names)
    elements = caused.where(F.col(IS_THERE)).select(
        CUSTOMER_ID, *[F.col(f"to_{name}").alias(name) for name in dimensions]
    )
    return Changes(table, elements, row["customers"], row["listed"], sum(row[name] for name in dimensions))
