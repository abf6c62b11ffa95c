"""What a run did, once: the log's summary, the result and the table of runs are readers of it."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.console import Reporter
from segmentation.core.festive import FestiveCalendar
from segmentation.core.quality import Profile
from segmentation.core.segmentation import Segmentation
from segmentation.engines.base import Engine
from segmentation.errors import SegmentationError
from segmentation.locations import last_name
from segmentation.run.request import Request
from segmentation.schemas import AMOUNT, CUSTOMER_ID
from segmentation.state.output import Output
from segmentation.version import VERSION

# What a row of a customer says besides labels and metrics: ``as_of``, ``run_id``, ``updated_at``.
Facts = dict[str, Column]


@dataclass(frozen=True)
class Segments:
    """What a run computed: the customers, and what is known of them without looking at each."""

    run_id: str
    customers: DataFrame
    as_of: date
    festive: FestiveCalendar
    total_customers: int
    labels: dict[str, dict[str, int]]
    customers_without_purchases: int = 0

    def sample(self) -> list[str]:
        """The first ten customers with their labels, a line each."""
        rows = self.customers.select(CUSTOMER_ID, *self.labels).orderBy(CUSTOMER_ID).limit(10)
        return ["  " + ", ".join(row) for row in rows.collect()]


@dataclass(frozen=True)
class WithoutPurchases:
    """Customers with returns alone, who are not published: how many they are, and how many returns they have."""

    customers: int = 0
    returns: int = 0

    @classmethod
    def among(cls, sums: DataFrame) -> WithoutPurchases:
        """Count them in what `metrics.customer_sums` made."""
        none = sums.where(F.col("total_purchases") == 0)
        row = none.agg(F.count(F.lit(1)), F.coalesce(F.sum("returns"), F.lit(0))).first()
        assert row is not None  # an aggregate without groups has one row
        return cls(*row)

    @classmethod
    def beside(cls, buyers: DataFrame, purchases: DataFrame) -> WithoutPurchases:
        """Count them among purchases and returns, given the customers with purchases."""
        alone = purchases.where(F.col(AMOUNT) < 0).join(buyers, on=CUSTOMER_ID, how="left_anti")
        row = alone.agg(F.count_distinct(CUSTOMER_ID), F.count(F.lit(1))).first()
        assert row is not None  # an aggregate without groups has one row
        return cls(*row)


def counted(
    customers: DataFrame,
    segmentation: Segmentation,
    found: Profile,
    expected: tuple[int, int],
    others: WithoutPurchases,
) -> tuple[int, dict[str, dict[str, int]]]:
    """How many customers there are and how many have each label, and the proof that nothing is missing.

    Raises:
        SegmentationError: the customers do not account for every purchase and return used, or these not for every row.
    """
    row = customers.agg(*segmentation.counts()).first()
    assert row is not None  # an aggregate without groups has one row
    total, purchases, returns, *by_label = row
    if (purchases, returns + others.returns) != expected or not found.nothing_is_lost:
        raise SegmentationError(
            f"The customers account for {purchases} purchases and {returns + others.returns} returns, "
            f"{expected[0]} and {expected[1]} were expected; of {found.purchases_used} rows used, {found.rows_read} "
            f"were read, {found.rows_rejected} rejected, {found.purchases_after_as_of} are after the as-of day. "
            "Nothing was published. This is a defect of the job: please report it with the log."
        )
    labels: dict[str, dict[str, int]] = {dimension: {} for dimension in segmentation.dimensions}
    for (dimension, label), count in zip(segmentation.labels, by_label, strict=True):
        labels[dimension][label] = count
    return total, labels


@dataclass
class RunRecord:
    """One run, from its start on; filled while it goes.

    Attributes:
        run_id: unique, and sorted by time.
        started_at: the clock of the run.
        request: what was asked.
        config_fingerprint: of all settings that may change the outcome.
        engine: what computes, None until it is chosen.
        found: the counts, None until the rows are validated.
        segments: the customers, None until they are counted.
        durations: seconds by step.
        report_file: the report, None where none was written.
    """

    run_id: str
    started_at: datetime
    request: Request
    config_fingerprint: str
    engine: Engine | None = None
    found: Profile | None = None
    segments: Segments | None = None
    durations: dict[str, float] = field(default_factory=dict)
    report_file: str | None = None

    @property
    def published(self) -> bool:
        """Is there a new publication?"""
        return self.segments is not None and not self.request.dry_run

    @property
    def commit(self) -> dict[str, str]:
        """What every Delta commit of this run says of itself."""
        return {
            "run_id": self.run_id,
            "source": self.request.source,
            "config_fingerprint": self.config_fingerprint,
        }

    def publishing(self, said: Mapping[str, Any], tables: Sequence[str], told: Mapping[str, Any]) -> dict[str, Any]:
        """What the commit of the customers says, by which later runs go.

        Args:
            said: what the commit before said.
            tables: that this run writes to as well; of others, the run is kept that wrote to them last.
            told: what else there is to know.
        """
        written = {last_name(table): self.run_id for table in tables}
        return {**self.commit, **told, "tables": {**said.get("tables", {}), **written}}

    def row(self, outcome: str, message: str | None) -> dict[str, Any]:
        """The row of the table of runs, `tables.RUN_SCHEMA`."""
        return {
            **self._identity(),
            "outcome": outcome,
            "message": message,
            "started_at": self.started_at.isoformat(),
            "finished_at": datetime.now(UTC).isoformat(),
            "as_of": self.segments.as_of.isoformat() if self.segments else None,
            **self._counts(),
            "total_customers": self.segments.total_customers if self.segments else None,
            "customers_without_purchases": self.segments.customers_without_purchases if self.segments else None,
            "segments": self.segments.labels if self.segments else None,
            "festive_days": self.segments.festive.describe() if self.segments else None,
            "config_fingerprint": self.config_fingerprint,
            "versions": self._versions(),
            "durations": self.durations,
        }

    def result(self, segments: Segments, output: Output) -> dict[str, Any]:
        """What the caller gets, JSON-serialisable."""
        dry_run = self.request.dry_run
        tables = {
            "customer_segments": output.segments,
            "rejected_purchases": output.rejected,
            "segment_changes": output.changes,
            "runs": output.runs,
            **({"purchases": output.purchases} if self.request.mode == "incremental" else {}),
        }
        return {
            "metadata": {
                **self._identity(),
                "as_of": segments.as_of.isoformat(),
                "total_customers": segments.total_customers,
                "customers_without_purchases": segments.customers_without_purchases,
                **self._counts(),
                "durations": dict(self.durations),
            },
            "segments": segments.labels,
            "output_file": None if dry_run else output.json_file,
            "changes_file": None if dry_run else output.changes_file,
            "tables": {} if dry_run else tables,
        }

    def _identity(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "source": self.request.source,
            "source_paths": self.request.paths,
            "mode": self.request.mode,
            "engine": self.engine.name if self.engine else None,
            "engine_reason": self.engine.why if self.engine else None,
        }

    def _counts(self) -> dict[str, Any]:
        names = (
            "rows_read",
            "purchases_used",
            "rows_rejected",
            "purchases_after_as_of",
            "purchases",
            "returns_used",
            "rejected_by_reason",
            "warnings_by_reason",
        )
        return {name: getattr(self.found, name) for name in names} if self.found else {}

    def _versions(self) -> dict[str, str]:
        """What ran."""
        engine = self.engine.versions if self.engine else {}
        return {"segmentation": VERSION, **engine, "python": platform.python_version()}


# What is handed the record of a run that has ended, and where to log; no step knows of it.
ReaderOfRuns = Callable[[RunRecord, Reporter], None]
