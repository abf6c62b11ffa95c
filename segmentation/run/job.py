"""One run: read, validate, settle duplicates, measure, label, publish, and leave a record of it.

The source is parsed once (and CSV text looked through for quotes before). The labelled rows are staged as Parquet
beside the output, because everything after needs them more than once (the as-of day and the gate come before the
metrics) and a source may change between two reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession

from segmentation.core.own.overflow import overflow_told
from segmentation.core.quality import enforce_gate
from segmentation.core.segmentation import Segmentation
from segmentation.engines.base import Engine
from segmentation.errors import SegmentationError
from segmentation.local_files import outlast
from segmentation.locations import join
from segmentation.run.appending import append_failure, append_rejected, append_run
from segmentation.run.changes import Changes, changes_of
from segmentation.run.freshness import fingerprint_of, state_of
from segmentation.run.increment import Increment
from segmentation.run.inputs import SecondRows, read_inputs
from segmentation.run.intake import Intake, Place, Reader, Taken
from segmentation.run.limit import Limit
from segmentation.run.opening import opened
from segmentation.run.past import Past
from segmentation.run.publication import CHANGES, Publication
from segmentation.run.record import ReaderOfRuns, RunRecord, hand_over, new_run_id
from segmentation.run.repair import finish, repair
from segmentation.run.reporter import Reporter
from segmentation.run.request import Request
from segmentation.run.sales import count_sales
from segmentation.run.segmenting import segmented
from segmentation.run.segments import Segments
from segmentation.run.unusual import compared
from segmentation.state.output import Output
from segmentation.state.status import record_success


class Run:
    """One execution: its id, its clock, its log and what it leaves behind."""

    def __init__(
        self, segmentation: Segmentation, output: Output, request: Request, readers: Sequence[ReaderOfRuns] = ()
    ) -> None:
        self.segmentation = segmentation
        self.readers = readers
        self.config = segmentation.config
        self.output = output
        self.request = request
        now = datetime.now(UTC)
        run_id = new_run_id(now)
        self.record = RunRecord(run_id, now, output, request, self.config.fingerprint())
        self.staging = join(output.staging, run_id)
        self.limit = Limit(self.config.max_run_minutes)
        # Taken before anything is read, so that a change during the run is seen by the next one.
        self.state = state_of(self.config, request, now)
        self.inputs = fingerprint_of(request.inputs) if request.inputs else None
        # On a local output the operating system's lock cannot be lost.
        self.confirm: Callable[[], object] = lambda: None

    def execute(self, spark: SparkSession | None, progress_bar: bool) -> dict[str, Any]:
        """Run, log, clean up whatever happens, and hand the record to its readers."""
        self.reporter = Reporter(self.record.run_id, self.output.log_file, self.config.secrets(), self.config.log)
        self.record.steps = self.reporter.steps
        paths = ", ".join(self.request.paths)
        self.reporter.info(f"Run started: {self.request.source} {paths} -> {self.output.root}")
        hand_over(self.record, self.reporter, self.readers)
        try:
            with self.limit.running(), opened(self.record, self.config, self.reporter, spark, progress_bar) as engine:
                result = self._holding(engine)
        except BaseException as error:
            self._failed(error)
            if self.limit.named(error) is not error:
                raise self.limit.named(error) from None
            raise
        else:
            self.record.end()
            hand_over(self.record, self.reporter, self.readers)
            return {**result, "report_file": self.record.report_file}
        finally:
            self.reporter.close()

    def _failed(self, error: BaseException) -> None:
        named = self.limit.named(error)
        self.reporter.failed(named, with_traceback=not isinstance(named, SegmentationError))
        if self.output.local and isinstance(error, KeyboardInterrupt):
            outlast(self.staging)
        self.record.end(named, self._said_of(error))
        hand_over(self.record, self.reporter, self.readers)

    def _said_of(self, error: BaseException) -> str:
        """What the record says of a failure, without secrets."""
        named = self.limit.named(error)
        return self.reporter.masked(str(named) or type(named).__name__)

    def _holding(self, engine: Engine) -> dict[str, Any]:
        """What is done, recorded and removed while the output is ours."""
        with self._lock(engine) as self.confirm:
            try:
                return self._execute(engine)
            except BaseException as error:
                if not self.request.dry_run:
                    append_failure(engine, self.output, self.record, self.confirm, self._said_of(error))
                raise
            finally:
                # If the engine itself died, the next run cleans up, and the first error is the one to report.
                with suppress(Exception):
                    finish(engine, self.output, self.record.run_id)
                    engine.files.delete(self.staging)

    def _lock(self, engine: Engine) -> AbstractContextManager[Any]:
        """A local output is locked already, without an engine."""
        return (
            nullcontext(self.confirm) if self.output.local else engine.lock(self.output.lock_file, self.record.run_id)
        )

    def _execute(self, engine: Engine) -> dict[str, Any]:
        self.segmentation.check(lambda schema: engine.rows([], schema))
        with self._step(engine, "Repair"):
            repair(engine, self.output)
        inputs = self._inputs(engine)
        past = Past(engine, self.output, self.state["source_fingerprint"], self.request.paths)
        with engine.tables.looked_up([self.output.segments]):
            intake = self._taken_in(engine, past)
        taken = intake.taken
        if not self.request.dry_run:
            self._keep_rejected(engine, intake)
        enforce_gate(taken.found, self.config.max_rejected_ratio, intake.earlier)
        segments = self._segmented(engine, taken, inputs)
        self.shift = compared(self.record, self.segmentation, past)
        if not self.request.dry_run:
            self._publish(engine, intake, segments, past)
            if self.config.report and self.output.local and intake.plan.state is None:
                with self._step(engine, "Count sales"):
                    count_sales(self.output, taken, segments)
        return self._finish(engine, segments)

    @contextmanager
    def _step(self, engine: Engine, name: str) -> Iterator[dict[str, Any]]:
        """Time and log a step, and let the engine call its work by it."""
        with engine.step(name, self.record.run_id), self.reporter.step(name) as counts:
            yield counts

    def _inputs(self, engine: Engine) -> SecondRows:
        """What is joined with purchases, where there is anything."""
        if not self.config.inputs:
            return SecondRows({}, {})
        with self._step(engine, "Read second inputs") as counts, engine.reading():
            read = read_inputs(engine, self.config, self.staging)
            counts.update({name: found.rows_read for name, found in read.found.items()})
            self.record.inputs = read.told
            read.refuse_broken(self.config)
            return read

    def _taken_in(self, engine: Engine, past: Past) -> Intake:
        """What is new, or all there is."""
        with self._step(engine, "Read and validate") as counts, engine.reading():
            place = Place(self.output, self.staging)
            intake = Reader(engine, self.segmentation, self.request, past, self.record.started_at, place).take_in()
            self.record.found = found = intake.taken.found
            counts.update(rows=found.rows_read, used=found.purchases_used, rejected=found.rows_rejected)
            counts["after as-of"] = found.purchases_after_as_of
        return intake

    def _keep_rejected(self, engine: Engine, intake: Intake) -> None:
        with self._step(engine, "Keep rejected rows") as counts:
            self.confirm()
            counts["rows"] = self.record.rows_written["rejected_purchases"] = append_rejected(
                engine, self.output, intake, self.record, self.config
            )

    def _segmented(self, engine: Engine, taken: Taken, inputs: SecondRows) -> Segments:
        with overflow_told(self.config), self._step(engine, "Segment customers") as counts:
            segments = segmented(engine, self.segmentation, taken, inputs, self.record, self.staging)
            self.record.segments = segments
            counts.update(customers=segments.total_customers, **{"as of": segments.as_of.isoformat()})
        return segments

    def _publish(self, engine: Engine, intake: Intake, segments: Segments, past: Past) -> None:
        """Make all outputs whole out of sight, then let them take their places, and write to MongoDB if asked to."""
        with self._step(engine, "Compare with before") as counts:
            changes = self._changes(engine, intake.taken, segments, past)
            counts["customers with other labels"] = changes.customers
        writes = changes.writes(engine, self.output, self.record.commit)
        kept, told = intake.keeping(self.record.commit)
        writes += kept
        said: dict[str, Any] = {
            **self.segmentation.said,
            **told,
            "as_of": segments.as_of.isoformat(),
            "source_fingerprint": self.state["source_fingerprint"],
            "inputs": self.inputs,
            "export": self.output.filename,
            "cuts": segments.cuts,
            **self.shift.said,
        }
        commit = self.record.publishing(past.said, [one.table for one in writes], said)
        publication = Publication(engine, self.output, self.segmentation.dimensions, commit, self.confirm)
        with self._step(engine, "Write JSON"):
            publication.stage(changes.elements, changes.listed, CHANGES, self.staging)
            before = past.export if isinstance(intake.taken, Increment) else None
            publication.stage_export(segments.customers, segments.total_customers, self.staging, before)
        with self._step(engine, "Publish"):
            publication.publish(segments.customers, segments.total_customers, self.staging, writes)
            self.record.rows_written.update(customer_segments=segments.total_customers, segment_changes=changes.rows)
        if self.config.publish_to_mongodb and self.config.mongodb:
            from segmentation.sinks.mongodb import publish_to_mongodb

            target = self.config.publish_to_mongodb
            with self._step(engine, "Write to MongoDB"):
                dimensions, run_id = self.segmentation.dimensions, self.record.run_id
                publish_to_mongodb(segments.customers, dimensions, self.config.mongodb, target, run_id)

    def _changes(self, engine: Engine, taken: Taken, segments: Segments, past: Past) -> Changes:
        changed, names = taken.relabelled(self.segmentation, segments), self.segmentation.dimensions
        folder, same = join(self.staging, "changes"), past.same(self.segmentation, self.inputs, segments.as_of)
        return changes_of(engine, changed, names, segments, self.record.started_at, folder, **same)

    def _finish(self, engine: Engine, segments: Segments) -> dict[str, Any]:
        result = self.record.result(segments, self.output)
        if self.request.dry_run:
            for line in ("Dry run, nothing is published. The first customers:", *segments.sample()):
                self.reporter.info(line)
        else:
            with self._step(engine, "Record the run"):
                append_run(engine, self.output, self.record, "succeeded", None)
            record_success(self.output, self.state, self.record.run_id, datetime.now(UTC))
        seconds = (datetime.now(UTC) - self.record.started_at).total_seconds()
        self.reporter.info(f"Run succeeded: {segments.total_customers:,} customers in {seconds:.1f} s")
        return result
