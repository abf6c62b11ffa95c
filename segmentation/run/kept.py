"""What incremental runs keep for each other: purchases, and those whose day has not come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.days import on
from segmentation.core.known import kept_columns, match_of
from segmentation.core.quality import only_row
from segmentation.engines.base import Engine
from segmentation.locations import join
from segmentation.run.publication import Write
from segmentation.run.settling import put_together
from segmentation.schemas import PURCHASE_DATE, REASONS, SOURCE, SOURCE_ID
from segmentation.state import tables
from segmentation.state.commits import published_rows
from segmentation.state.output import Output


class Kept:
    """What earlier runs took in.

    Args:
        engine: reads and writes the tables.
        output: where they lie.
        config: the grain, and what makes two rows one purchase.
        said: what the commit of the customers says: which runs wrote to the tables last, and in ``state`` the ``first``
            and the ``last`` day of a purchase, and from which day on there are ``early`` ones; each None where there is
            none.
        folder: for what is kept until the run ends.
    """

    def __init__(
        self, engine: Engine, output: Output, config: SegmentationConfig, said: Mapping[str, Any], folder: str
    ) -> None:
        self.said = said
        self.engine = engine
        self.output = output
        self.config = config
        self.folder = folder
        state = said.get("state") or {}
        self.first, self.last, self.early_from = (_day(state.get(name)) for name in ("first", "last", "early"))
        self.columns = [*kept_columns(config), "run_id"]

    @cached_property
    def rows(self) -> DataFrame:
        """One row per purchase, or per line."""
        return published_rows(self.engine, self.output.purchases, self.said)

    @cached_property
    def purchases(self) -> DataFrame:
        """One row per purchase."""
        if self.config.grain == "order":
            return self.rows
        nothing = F.lit(None).cast("array<string>")
        lines = self.rows.withColumns({SOURCE_ID: F.xxhash64(SOURCE), REASONS: nothing})
        return put_together(self.engine, lines, self.folder, self.config.extra_columns).purchases

    def early(self, today: date, again: Sequence[str], *, due: bool) -> DataFrame | None:
        """The purchases whose day has come, or those whose day has not; None where there are none.

        Args:
            today: the day of the run.
            again: sources that are read again, so that theirs do not count.
            due: which of the two.
        """
        if self.early_from is None or (due and self.early_from > today):
            return None
        is_due = F.col(PURCHASE_DATE) <= on(today)
        early = published_rows(self.engine, self.output.early, self.said).where(is_due if due else ~is_due)
        return early.where(~comes_from(again)) if again else early

    def adding(self, new: DataFrame, *, replaces: bool, rows: int, commit: Mapping[str, Any]) -> Write:
        """Purchases that come, or take the place of others."""
        path, spec, to = self.output.purchases, tables.PURCHASES, self.engine.tables
        fitting = new.withColumn("run_id", F.lit(commit["run_id"])).select(*self.columns)
        if replaces:
            return Write(path, lambda: to.merge(fitting, match_of(self.config), path, spec, commit))
        return Write(path, lambda: to.append(fitting, rows, path, spec, commit))

    def replacing(self, purchases: DataFrame, rows: int, commit: Mapping[str, Any]) -> Write:
        """All purchases anew."""
        path, spec = self.output.purchases, tables.PURCHASES
        fitting = purchases.withColumn("run_id", F.lit(commit["run_id"])).select(*self.columns)
        return Write(path, lambda: self.engine.tables.overwrite(fitting, rows, path, spec, commit))

    def setting_aside(
        self, early: DataFrame, stays: DataFrame | None, commit: Mapping[str, Any]
    ) -> tuple[Write, date | None]:
        """All purchases whose day has not come anew, and the first of their days."""
        path, spec = self.output.early, tables.PURCHASES
        fitting = early.withColumn("run_id", F.lit(commit["run_id"])).select(*self.columns)
        every = fitting if stays is None else stays.select(*self.columns).unionByName(fitting)
        # A collection is asked for what may be new, and gives some twice.
        once = every.dropDuplicates([*self.config.purchase_columns, SOURCE]) if self.config.grain == "order" else every
        kept = self.engine.stage(once, join(self.folder, "early"))
        found = only_row(kept.agg(F.count(F.lit(1)).alias("rows"), F.min(PURCHASE_DATE).alias("first")))
        write = Write(path, lambda: self.engine.tables.overwrite(kept, found["rows"], path, spec, commit))
        return write, found["first"]


def comes_from(sources: Sequence[str]) -> Column:
    """Does a row come from one of these?"""
    return F.col(SOURCE).isin(list(sources)) if sources else F.lit(False)


def bounds(first: date | None, last: date | None, early: date | None) -> dict[str, str | None]:
    """What the next run's `Kept` is told."""
    return {
        name: day.isoformat() if day else None for name, day in (("first", first), ("last", last), ("early", early))
    }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
