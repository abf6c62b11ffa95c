"""One run: read, validate, settle duplicates, measure, label, publish, and leave a record of it.

The source is parsed once (and CSV text looked through for quotes before). The labelled rows are staged as Parquet
beside the output, because everything after needs them more than once (the as-of day and the gate come before the
metrics) and a source may change between two reads.
"""

from __future__ import annotations

import platform
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyspark
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation.duplicates import repeated_ids, settle
from segmentation.errors import NoDataError, OutputBusyError, SegmentationError
from segmentation.festive import FestiveCalendar, resolve
from segmentation.freshness import local_size, record_success, state_of
from segmentation.lease import Lease, held
from segmentation.metrics import count_if
from segmentation.output import Output
from segmentation.quality import Profile, enforce_gate, profile
from segmentation.repair import repair
from segmentation.report import LOGGER, Reporter
from segmentation.schemas import CUSTOMER_ID, PURCHASE_DATE, REASONS, SOURCE_ID
from segmentation.session import fit_to, job_session, open_session, required_packages
from segmentation.sinks import delta
from segmentation.sinks.json_export import stage_json
from segmentation.sinks.mongodb import publish_to_mongodb
from segmentation.sources import RawRows, read_failures
from segmentation.sources.csv import read_csv
from segmentation.sources.mongodb import read_mongodb
from segmentation.staging import stage
from segmentation.storage import Storage, check_schemes, join
from segmentation.validation import label_rows, source_id
from segmentation.versions import VERSION

if TYPE_CHECKING:
    from segmentation.pipeline import CustomerSegmentationPipeline

# About 10 MB of Parquet. Every file costs a writer and a reader more than its rows do where it holds few.
CUSTOMERS_PER_FILE = 250_000


@dataclass(frozen=True)
class Segments:
    """What a run computed: the customers, and what is known of them without looking at each."""

    customers: DataFrame
    files: int
    as_of: date
    festive: FestiveCalendar
    total_customers: int
    labels: dict[str, dict[str, int]]


class Run:
    """One execution: its id, its clock, its log and what it leaves behind."""

    def __init__(
        self,
        pipeline: CustomerSegmentationPipeline,
        output: Output,
        source: str,
        paths: list[str],
        mode: str,
        dry_run: bool,
    ) -> None:
        self.pipeline = pipeline
        self.config = pipeline.config
        self.output = output
        self.source = source
        self.paths = paths
        self.mode = mode
        self.dry_run = dry_run
        self.lease: Lease | None = None
        self.kept: list[DataFrame] = []
        self.found: Profile | None = None
        self.started_at = datetime.now(UTC)
        self.run_id = f"{self.started_at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
        self.staging = join(output.staging, self.run_id)
        # Taken before anything is read, so that a change during the run is seen by the next one.
        self.state = state_of(self.config, source, paths, self.started_at)

    @property
    def today(self) -> date:
        """The day of the run in the configured time zone."""
        return self.started_at.astimezone(self.config.zone).date()

    @property
    def commit(self) -> dict[str, str]:
        """What every Delta commit of this run says of itself."""
        return {"run_id": self.run_id, "source": self.source, "config_fingerprint": self.config.fingerprint()}

    def execute(self, spark: SparkSession | None, progress_bar: bool) -> dict[str, Any]:
        """Run, log, and clean up whatever happens."""
        self.reporter = Reporter(self.run_id, self.output.log_file, self.config.secrets())
        self.reporter.info(f"Run started: {self.source} {', '.join(self.paths)} -> {self.output.root}")
        try:
            with self.reporter.step("Start Spark") as counts:
                session = self._session(spark, progress_bar)
                counts["version"] = session.version
            check_schemes(Storage(session), [self.output.root, *(self.paths if self.source == "csv" else [])])
            self.lease = self._lease(session)
            with held(self.lease) if self.lease else nullcontext():
                return self._holding(session)
        except BaseException as error:
            self.reporter.failed(error, with_traceback=not isinstance(error, SegmentationError))
            raise
        finally:
            self.reporter.close()

    def _holding(self, session: SparkSession) -> dict[str, Any]:
        """What is done, recorded and removed while the output is ours."""
        try:
            return self._execute(session)
        except BaseException as error:
            self._record_failure(session, error)
            raise
        finally:
            # If Spark itself died, the next run cleans up, and the first error is the one to report.
            with suppress(Exception):
                Storage(session).delete(self.staging)
                for frame in self.kept:
                    frame.unpersist()

    def _session(self, spark: SparkSession | None, progress_bar: bool) -> SparkSession:
        if spark is not None:
            return job_session(spark, required_packages(self.config, self.source, spark.version))
        return open_session(self.config, self.source, progress_bar, local_size(self.paths))

    def _lease(self, spark: SparkSession) -> Lease | None:
        """The lock of an output that is not local; a local one is locked already, without Spark."""
        return None if self.output.local else Lease(Storage(spark), self.output.lock_file, self.run_id)

    def _confirm_lease(self) -> None:
        """See that the output is still ours; the operating system's lock on a local one cannot be lost."""
        if self.lease:
            self.lease.confirm()

    def _execute(self, spark: SparkSession) -> dict[str, Any]:
        self.pipeline.check(spark)
        with self._step(spark, "Repair"):
            repair(spark, self.output)
        with delta.looked_up(spark, [self.output.segments]):
            settled, found, names = self._validated(spark)
        if not self.dry_run:
            with self._step(spark, "Keep rejected rows") as counts:
                self._confirm_lease()
                rejected = delta.rejected_rows(settled, names, self.run_id, F.lit(self.started_at))
                delta.append_rejected(rejected, found.rows_rejected, self.output.rejected, self.commit)
                counts["rows"] = found.rows_rejected
        enforce_gate(found, self.config.max_rejected_ratio)
        segments = self._segmented(settled, found)
        if not self.dry_run:
            self._publish(spark, segments)
        return self._finish(spark, segments, found)

    @contextmanager
    def _step(self, spark: SparkSession, name: str) -> Iterator[dict[str, Any]]:
        """Time and log a step, and let Spark's own pages call its jobs by it."""
        spark.sparkContext.setJobDescription(f"{name} ({self.run_id})")
        # For `%X{mdc.run_id}` in executors' logs.
        spark.sparkContext.setLocalProperty("mdc.run_id", self.run_id)
        try:
            with self.reporter.step(name) as counts:
                yield counts
        finally:
            spark.sparkContext.setJobDescription(None)  # type: ignore[arg-type]
            spark.sparkContext.setLocalProperty("mdc.run_id", None)  # type: ignore[arg-type]

    def _kept(self, frame: DataFrame) -> DataFrame:
        """`frame`, computed once and kept until the run ends."""
        self.kept.append(frame.persist(StorageLevel.MEMORY_AND_DISK))
        return frame

    def _read(self, spark: SparkSession) -> RawRows:
        if self.source == "mongodb" and self.config.mongodb:
            return read_mongodb(spark, self.config.mongodb, self.config.columns)
        return read_csv(spark, self.paths, self.config.columns)

    def _validated(self, spark: SparkSession) -> tuple[DataFrame, Profile, Sequence[str]]:
        with self._step(spark, "Read and validate") as counts, read_failures():
            fit_to(spark, 0)
            raw = self._read(spark)
            fit_to(spark, raw.size)
            labelled = self._staged(label_rows(raw.frame, self.config, self.today), raw.names)
            candidates = self._kept(repeated_ids(labelled))
            settled = settle(labelled, candidates) if candidates.count() else labelled
            self.found = found = profile(settled, self._fixed_as_of())
            counts.update(rows=found.rows_read, used=found.purchases_used, rejected=found.rows_rejected)
            counts["after as-of"] = found.purchases_after_as_of
        if found.rows_read == 0:
            raise NoDataError(f"{', '.join(self.paths)} hold a header and no rows.")
        return settled, found, raw.names

    def _staged(self, labelled: DataFrame, names: Sequence[str]) -> DataFrame:
        folder = join(self.staging, "purchases")
        if len(names) > 1:
            return stage(labelled, folder)
        return stage(labelled.drop(SOURCE_ID), folder).withColumn(SOURCE_ID, source_id(F.lit(names[0])))

    def _fixed_as_of(self) -> date | None:
        """The as-of day where it does not hang on the data."""
        if isinstance(self.config.as_of, date):
            return self.config.as_of
        return self.today if self.config.as_of == "today" else None

    def _segmented(self, settled: DataFrame, found: Profile) -> Segments:
        if found.first_day is None or found.last_day is None or found.purchases_used == 0:
            raise NoDataError(
                f"none of {found.rows_read} rows can be used: {found.rows_rejected} rejected, "
                f"{found.purchases_after_as_of} after the as-of day {self.config.as_of}. What was published stays."
            )
        with self._step(settled.sparkSession, "Segment customers") as counts:
            as_of = self._fixed_as_of() or found.last_day
            festive = resolve(self.config.festive_periods, found.first_day, found.last_day)
            for name, years in festive.unknown_years.items():
                LOGGER.warning(
                    "%s is not known for %s: its days count as ordinary there; add them with 'start' and 'end'.",
                    name,
                    ", ".join(map(str, years[-5:])),
                )
            used = settled.where(F.col(REASONS).isNull() & (F.col(PURCHASE_DATE) <= F.lit(as_of)))
            facts = {"as_of": F.lit(as_of), "run_id": F.lit(self.run_id), "updated_at": F.lit(self.started_at)}
            customers = self._kept(self.pipeline.segment(used, as_of, festive).withColumns(facts))
            segments = self._counted(customers, as_of, festive, found)
            counts.update(customers=segments.total_customers, **{"as of": as_of.isoformat()})
        return segments

    def _counted(self, customers: DataFrame, as_of: date, festive: FestiveCalendar, found: Profile) -> Segments:
        """Compute the customers, count their labels, and prove that they account for every purchase used."""
        names = [(s.dimension, label) for s in self.pipeline.segmenters for label in s.build().labels]
        row = customers.agg(
            F.count(F.lit(1)),
            F.coalesce(F.sum("total_purchases"), F.lit(0)),
            *[count_if(F.col(dimension) == label) for dimension, label in names],
        ).first()
        assert row is not None  # an aggregate without groups has one row
        total, used, *by_label = row
        if used != found.purchases_used:
            raise SegmentationError(
                f"The customers account for {used} purchases, {found.purchases_used} were expected; nothing was "
                "published. This is a defect of the job: please report it with the log."
            )
        labels: dict[str, dict[str, int]] = {dimension: {} for dimension in self.pipeline.dimensions}
        for (dimension, label), count in zip(names, by_label, strict=True):
            labels[dimension][label] = count
        files = -(-total // CUSTOMERS_PER_FILE)
        return Segments(customers.coalesce(files), files, as_of, festive, total, labels)

    def _publish(self, spark: SparkSession, segments: Segments) -> None:
        """Make both outputs whole out of sight, then let them take their places, Delta first."""
        dimensions = self.pipeline.dimensions
        with self._step(spark, "Write JSON"):
            staged = stage_json(segments.customers, dimensions, self.staging, segments.files)
        with self._step(spark, "Publish"):
            self._confirm_lease()
            try:
                delta.publish_segments(segments.customers, self.output.segments, dimensions, self.commit)
                self._confirm_lease()
                Storage(spark).replace(staged, self.output.json_file)
            except BaseException as error:
                if isinstance(error, OutputBusyError) or Storage(spark).exists(staged):
                    # The JSON has not taken its place, so the table must not keep its own.
                    delta.withdraw(spark, self.output.segments, self.run_id)
                raise
        if self.config.publish_to_mongodb and self.config.mongodb:
            with self._step(spark, "Write to MongoDB"):
                publish_to_mongodb(segments.customers, dimensions, self.config.mongodb, self.config.publish_to_mongodb)

    def _finish(self, spark: SparkSession, segments: Segments, found: Profile) -> dict[str, Any]:
        finished_at = datetime.now(UTC)
        result = {
            "metadata": {
                **self._identity(),
                "as_of": segments.as_of.isoformat(),
                "total_customers": segments.total_customers,
                **_counts(found),
                "durations": dict(self.reporter.durations),
            },
            "segments": segments.labels,
            "output_file": None if self.dry_run else self.output.json_file,
            "tables": {}
            if self.dry_run
            else {
                "customer_segments": self.output.segments,
                "rejected_purchases": self.output.rejected,
                "runs": self.output.runs,
            },
        }
        if self.dry_run:
            self._show_sample(segments)
        else:
            with self._step(spark, "Record the run"):
                record = self._record("succeeded", None, finished_at, segments, found)
                delta.append_run(spark, self.output.runs, record)
            record_success(self.output, self.state, self.run_id, finished_at)
        seconds = (finished_at - self.started_at).total_seconds()
        self.reporter.info(f"Run succeeded: {segments.total_customers:,} customers in {seconds:.1f} s")
        return result

    def _show_sample(self, segments: Segments) -> None:
        rows = segments.customers.select(CUSTOMER_ID, *self.pipeline.dimensions).orderBy(CUSTOMER_ID).limit(10)
        self.reporter.info("Dry run, nothing is published. The first customers:")
        for row in rows.collect():
            self.reporter.info("  " + ", ".join(row))

    def _record_failure(self, session: SparkSession, error: BaseException) -> None:
        """Record the run as far as it came; must not hide the error itself."""
        if self.dry_run:
            return
        try:
            self._confirm_lease()
            record = self._record("failed", self.reporter.masked(str(error)), datetime.now(UTC), None, self.found)
            delta.append_run(session, self.output.runs, record)
        except Exception:  # noqa: BLE001 - whatever it is, the first error is the one to report
            LOGGER.warning("The failed run could not be added to the table of runs.", exc_info=True)

    def _identity(self) -> dict[str, Any]:
        return {"run_id": self.run_id, "source": self.source, "source_paths": self.paths, "mode": self.mode}

    def _record(
        self, outcome: str, message: str | None, finished_at: datetime, segments: Segments | None, found: Profile | None
    ) -> dict[str, Any]:
        """The row of the table of runs."""
        return {
            **self._identity(),
            "outcome": outcome,
            "message": message,
            "started_at": self.started_at.isoformat(),
            "finished_at": finished_at.isoformat(),
            "as_of": segments.as_of.isoformat() if segments else None,
            **(_counts(found) if found else {}),
            "total_customers": segments.total_customers if segments else None,
            "segments": segments.labels if segments else None,
            "festive_days": segments.festive.describe() if segments else None,
            "config_fingerprint": self.config.fingerprint(),
            "versions": versions(),
            "durations": self.reporter.durations,
        }


def versions() -> dict[str, str]:
    """What ran."""
    return {"segmentation": VERSION, "spark": pyspark.__version__, "python": platform.python_version()}


def _counts(found: Profile) -> dict[str, Any]:
    return {
        "rows_read": found.rows_read,
        "purchases_used": found.purchases_used,
        "rows_rejected": found.rows_rejected,
        "purchases_after_as_of": found.purchases_after_as_of,
        "rejected_by_reason": found.rejected_by_reason,
        "warnings_by_reason": found.warnings_by_reason,
    }
