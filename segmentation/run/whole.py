"""What a run computes customers from when it has read everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.core.festive import FestiveCalendar
from segmentation.core.known import is_early, kept_columns
from segmentation.core.quality import Profile
from segmentation.core.segmentation import Segmentation
from segmentation.engines.base import Engine
from segmentation.locations import join
from segmentation.run.publication import Write
from segmentation.run.record import WithoutPurchases
from segmentation.run.settling import Settled
from segmentation.schemas import REASONS
from segmentation.state import tables
from segmentation.state.output import Output


class Whole:
    """All rows, settled.

    Attributes:
        found: the counts of the rows that were read.
        touched: nobody knows whose purchases changed.
    """

    touched: DataFrame | None = None

    def __init__(self, engine: Engine, settled: Settled, folder: str) -> None:
        self.engine = engine
        self.settled = settled
        self.folder = folder

    @property
    def found(self) -> Profile:
        """The counts of the rows that were read."""
        return self.settled.found

    @property
    def rows(self) -> DataFrame:
        """Every row that was read, with its reasons."""
        return self.settled.rows

    def days(self, as_of: date | str) -> tuple[date, date]:
        """The first and the last day of a purchase or return."""
        return self.settled.days(as_of)

    def sums(
        self, segmentation: Segmentation, as_of: date, festive: FestiveCalendar
    ) -> tuple[DataFrame, WithoutPurchases]:
        """What every customer's purchases add up to, and who has returns alone."""
        sums = segmentation.sums(self.settled.used(as_of), as_of, festive)
        if not self.found.returns:
            return sums, WithoutPurchases()
        kept = self.engine.keep(sums, join(self.folder, "sums"))
        return kept, WithoutPurchases.among(kept)

    def expected(self, as_of: date) -> tuple[int, int]:  # noqa: ARG002
        """How many purchases and returns the customers must account for."""
        return self.found.purchases, self.found.returns

    def writes(
        self, segmentation: Segmentation, output: Output, names: Sequence[str], commit: Mapping[str, Any]
    ) -> list[Write]:
        """What later incremental runs go on from."""
        rows = tables.with_source(self.engine, self.rows, names)
        run_id = F.lit(commit["run_id"]).alias("run_id")
        columns = kept_columns(segmentation.config)
        kept = rows.where(F.col(REASONS).isNull()).select(*columns, run_id)
        early = rows.where(is_early(F.col(REASONS))).select(*columns, run_id)
        count = self.found.purchases_used + self.found.purchases_after_as_of
        overwrite = self.engine.tables.overwrite
        return [
            Write(output.purchases, lambda: overwrite(kept, count, output.purchases, tables.PURCHASES, commit)),
            Write(output.set_aside, lambda: overwrite(early, 1, output.set_aside, tables.PURCHASES, commit)),
        ]
