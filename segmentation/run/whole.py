"""What a run computes customers from when it has read everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.core.changes import TOUCHED, carried_over, form, relabelled, touched_by_metrics
from segmentation.core.festive import FestiveCalendar
from segmentation.core.known import is_early
from segmentation.core.quality import Profile
from segmentation.core.sales import Sales, sales_of
from segmentation.core.segmentation import Beside, Segmentation
from segmentation.core.types import struct
from segmentation.engines.base import Engine
from segmentation.locations import join
from segmentation.run.kept import Kept, bounds
from segmentation.run.past import Past
from segmentation.run.publication import Write
from segmentation.run.segments import Computed, Facts, Segments, WithoutPurchases
from segmentation.run.settling import Settled
from segmentation.schemas import REASONS, Reason
from segmentation.state import tables


class Whole:
    """All rows, settled.

    Args:
        engine: keeps what is needed more than once.
        settled: the rows.
        names: of all that was read.
        kept: what incremental runs go on from, which is made anew.
        past: what was published before.
        folder: for what is kept until the run ends.
    """

    def __init__(
        self, engine: Engine, settled: Settled, names: Sequence[str], kept: Kept, past: Past, folder: str
    ) -> None:
        self.engine = engine
        self.settled = settled
        self.names = names
        self.kept = kept
        self.past = past
        self.folder = folder

    @property
    def found(self) -> Profile:
        """The counts of the rows that were read."""
        return self.settled.found

    @property
    def rows(self) -> DataFrame:
        """Every row that was read, with its reasons."""
        return self.settled.rows

    @property
    def expected(self) -> tuple[int, int]:
        """How many purchases and returns the customers must account for."""
        return self.found.purchases, self.found.returns

    def days(self, as_of: date | str) -> tuple[date, date]:
        """The first and the last day of a purchase or return.

        Raises:
            NoDataError: there is no purchase to use.
        """
        return self.settled.days(as_of)

    def customers(
        self, segmentation: Segmentation, as_of: date, festive: FestiveCalendar, facts: Facts, beside: Beside
    ) -> Computed:
        """What is to be published."""
        sums, others = segmentation.sums(self.settled.used(as_of), as_of, festive), WithoutPurchases()
        # Looked at twice: who they are, for second inputs, and what these are joined with.
        if self.found.returns or segmentation.own.seconds:
            sums = self.engine.keep(sums, join(self.folder, "sums"))
        if self.found.returns:
            others = WithoutPurchases.among(sums)
        metrics = segmentation.measured(sums, as_of, beside)
        if segmentation.own.scores:
            metrics = self.engine.keep(metrics, join(self.folder, "metrics"))
        cuts, before = segmentation.cut_points(metrics), self.past.customers
        customers = segmentation.customers(metrics, cuts).withColumns(facts)
        return Computed(customers if before is None else carried_over(customers, before), others, cuts)

    def sales(self, as_of: date) -> Sales:
        """What was sold up to a day."""
        return sales_of(self.settled.purchases, self.days(as_of)[0], as_of)

    def relabelled(self, segmentation: Segmentation, segments: Segments) -> DataFrame:
        """Whose labels changed, `changes.form`; only metrics tell whether by their purchases."""
        names, before = segmentation.dimensions, self.past.customers
        if before is None:
            before = self.engine.rows([], struct(customer_id="string", **dict.fromkeys(names, "string")))
        more = segmentation.own.of_purchases
        changed = relabelled(segments.customers, before, names, more)
        touched = touched_by_metrics(changed.columns, more, same_rules=self.past.same_rules(segmentation))
        if self.past.same_source:
            touched = F.lit(False)
        return changed.withColumn(TOUCHED, touched).select(*form(names))

    def writes(self, commit: Mapping[str, Any]) -> tuple[list[Write], Mapping[str, Any]]:
        """What later incremental runs go on from, and what the next one is told of it."""
        rows, found = tables.with_source(self.engine, self.rows, self.names), self.found
        count = found.purchases_used + found.purchases_after_as_of
        writes = [self.kept.replacing(rows.where(F.col(REASONS).isNull()), count, commit)]
        early = None
        if Reason.FUTURE_PURCHASE_DATE in found.rejected_by_reason or self.kept.early_from:
            write, early = self.kept.setting_aside(rows.where(is_early(F.col(REASONS))), None, commit)
            writes.append(write)
        return writes, bounds(found.first_day, found.last_day, early)
