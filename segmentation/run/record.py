"""What a run did, once: the log's summary, the result and the table of runs are readers of it."""

from __future__ import annotations

import json
import platform
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from segmentation.console import LOGGER
from segmentation.core.quality import Profile
from segmentation.engines.base import Engine
from segmentation.errors import SegmentationError
from segmentation.locations import last_name
from segmentation.run.reporter import Reporter
from segmentation.run.request import Request
from segmentation.run.segments import Segments
from segmentation.state.output import Output
from segmentation.version import VERSION


def new_run_id(now: datetime) -> str:
    """Unique, and sorted by time."""
    return f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


@dataclass
class RunRecord:
    """One run, from its start on; filled while it goes.

    Attributes:
        run_id: unique, and sorted by time.
        started_at: the clock of the run.
        output: where it publishes.
        request: what was asked.
        config_fingerprint: of all settings that may change the outcome.
        engine: what computes, None until it is chosen.
        found: the counts, None until the rows are validated.
        segments: the customers, None until they are counted.
        steps: name, start, seconds, counts and outcome of each.
        outcome: ``running``, ``succeeded`` or ``failed``.
        error: what it failed with.
        message: the same for people, without secrets.
        finished_at: when it ended.
        rows_written: by table.
        inputs: what became of the rows of each second input, `core.second_rows.Found`.
        findings: what is unusual of what was published, a sentence each.
        report_file: the report, None where none was written.
    """

    run_id: str
    started_at: datetime
    output: Output
    request: Request
    config_fingerprint: str
    engine: Engine | None = None
    found: Profile | None = None
    segments: Segments | None = None
    steps: Sequence[Mapping[str, Any]] = ()
    outcome: str = "running"
    error: BaseException | None = None
    message: str | None = None
    finished_at: datetime | None = None
    rows_written: dict[str, int] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    report_file: str | None = None

    @property
    def durations(self) -> dict[str, float]:
        """Seconds by step, of those that ended well."""
        return {step["name"]: step["seconds"] for step in self.steps if step["outcome"] == "succeeded"}

    def end(self, error: BaseException | None = None, message: str | None = None) -> None:
        """It is over."""
        self.outcome = "failed" if error else "succeeded"
        self.error, self.message, self.finished_at = error, message, datetime.now(UTC)

    @property
    def published(self) -> bool:
        """Is there a new publication?"""
        return self.outcome == "succeeded" and not self.request.dry_run

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
            **self.identity(),
            "outcome": outcome,
            "message": message,
            "started_at": self.started_at.isoformat(),
            "finished_at": datetime.now(UTC).isoformat(),
            "as_of": self.segments.as_of.isoformat() if self.segments else None,
            **self.counts(),
            "inputs": self.inputs or None,
            "total_customers": self.segments.total_customers if self.segments else None,
            "customers_without_purchases": self.segments.customers_without_purchases if self.segments else None,
            "segments": self.segments.labels if self.segments else None,
            "cut_points": json.dumps(self.segments.cuts) if self.segments and self.segments.cuts else None,
            "festive_days": self.segments.festive.describe() if self.segments else None,
            "config_fingerprint": self.config_fingerprint,
            "versions": self.versions(),
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
                **self.identity(),
                "as_of": segments.as_of.isoformat(),
                "total_customers": segments.total_customers,
                "customers_without_purchases": segments.customers_without_purchases,
                **self.counts(),
                "inputs": self.inputs,
                "durations": self.durations,
            },
            "segments": segments.labels,
            "cut_points": segments.cuts,
            "output_file": None if dry_run else output.json_file,
            "changes_file": None if dry_run else output.changes_file,
            "tables": {} if dry_run else tables,
        }

    def identity(self) -> dict[str, Any]:
        """What was asked, and who computed."""
        return {
            "run_id": self.run_id,
            "source": self.request.source,
            "source_paths": self.request.paths,
            "mode": self.request.mode,
            "engine": self.engine.name if self.engine else None,
            "engine_reason": self.engine.why if self.engine else None,
        }

    def counts(self) -> dict[str, Any]:
        """What became of the rows that were read; nothing before they are validated."""
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

    def versions(self) -> dict[str, str]:
        """What ran."""
        engine = self.engine.versions if self.engine else {}
        return {"segmentation": VERSION, **engine, "python": platform.python_version()}


# What is handed the record of a run, and where to log: when it begins (its outcome is ``running``) and when it has
# ended. No step knows of it.
ReaderOfRuns = Callable[[RunRecord, Reporter], None]


def hand_over(record: RunRecord, reporter: Reporter, readers: Sequence[ReaderOfRuns]) -> None:
    """Hand the record to its readers; what is published is published, whatever becomes of them."""
    for reader in readers:
        try:
            reader(record, reporter)
        except SegmentationError as error:
            LOGGER.warning("%s", error)
        except OSError as error:
            LOGGER.warning("Something that follows the run failed; the run did not: %s", error)
        except Exception:  # noqa: BLE001 - whatever it is, the run is done
            LOGGER.warning("Something that follows the run failed; the run did not.", exc_info=True)
