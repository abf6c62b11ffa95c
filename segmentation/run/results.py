"""`run_results.json`: all that is known of the last run, for programs; `docs/run-results.md` has its schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segmentation.errors import SegmentationError
from segmentation.local_files import whole_or_not_at_all
from segmentation.locations import last_name
from segmentation.run.record import RunRecord
from segmentation.run.reporter import Reporter

SCHEMA_VERSION = 1


def told(record: RunRecord) -> dict[str, Any]:
    """A run that has ended, JSON-serialisable; what was not known before it failed is null or left out."""
    segments, finished, output = record.segments, record.finished_at, record.output
    return {
        "schema_version": SCHEMA_VERSION,
        **record.identity(),
        "trigger": record.request.trigger,
        "dry_run": record.request.dry_run,
        "output": output.root,
        "outcome": record.outcome,
        "error": _error(record),
        "started_at": record.started_at.isoformat(),
        "finished_at": finished.isoformat() if finished else None,
        "seconds": round((finished - record.started_at).total_seconds(), 3) if finished else None,
        "as_of": segments.as_of.isoformat() if segments else None,
        **record.counts(),
        "inputs": record.inputs,
        "total_customers": segments.total_customers if segments else None,
        "customers_without_purchases": segments.customers_without_purchases if segments else None,
        "segments": segments.labels if segments else None,
        "cut_points": segments.cuts if segments else None,
        "columns": segments.columns if segments else None,
        "findings": list(record.findings),
        "steps": [{**step, "started_at": step["started_at"].isoformat()} for step in record.steps],
        "tables": _tables(record),
        "files": _files(record),
        "config_fingerprint": record.config_fingerprint,
        "versions": record.versions(),
    }


def keep_results(record: RunRecord, _: Reporter) -> None:
    """Leave the file beside what was published, in one step; a dry run leaves none, nor one on other file systems."""
    output = record.output
    if output.local and not record.request.dry_run and record.outcome != "running":
        with whole_or_not_at_all(Path(output.results_file)) as hidden:
            hidden.write_text(json.dumps(told(record), indent=2, default=str) + "\n", encoding="utf-8")


def _error(record: RunRecord) -> Mapping[str, Any] | None:
    if record.error is None:
        return None
    code = record.error.exit_code if isinstance(record.error, SegmentationError) else 1
    return {"type": type(record.error).__name__, "exit_code": code, "message": record.message}


def _tables(record: RunRecord) -> dict[str, Any]:
    """Where the tables are that this run wrote to, and how many rows it put there."""
    paths = {last_name(table): table for table in record.output.tables}
    return {name: {"path": paths[name], "rows_written": rows} for name, rows in record.rows_written.items()}


def _files(record: RunRecord) -> dict[str, str]:
    output = record.output
    return {"json": output.json_file, "changes": output.changes_file} if record.published else {}
