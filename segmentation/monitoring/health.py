"""How runs by themselves are doing, for people and for monitors: from the status, without an engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from segmentation.config import SegmentationConfig
from segmentation.config.unattended import FreshnessConfig
from segmentation.errors import OutputBusyError
from segmentation.state.output import Output
from segmentation.state.status import DIED, Status, is_watched, moment_of, read_status

# What monitors in the tradition of Nagios make of an exit code.
CODES = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}
# dbt's words, and ours.
SEVERITY = {"pass": "ok", "warn": "warning", "error": "critical", "runtime error": "unknown"}


def health(config: SegmentationConfig, output: Output, now: datetime) -> dict[str, Any]:
    """What there is to say of an output.

    Returns:
        JSON-serialisable: ``verdict`` (ok, warning, critical, unknown) and ``reasons``; ``state`` (running, watching,
        idle, unknown); ``freshness`` in dbt's words; and what the status file holds, its secrets left out by nature.
    """
    status = read_status(output)
    freshness = freshness_of(status, config.freshness, now)
    state = state_of(output)
    reasons = [*_reasons(status, freshness, output, state)]
    worst = max((severity for severity, _ in reasons), key=lambda one: (one != "unknown", CODES[one]), default="ok")
    known = ("last_run", "last_success", "last_success_run_id", "last_checked", "watch", "versions")
    return {
        "output": output.root,
        "verdict": worst,
        "reasons": [reason for _, reason in reasons],
        "state": state,
        "freshness": freshness,
        "failures_in_a_row": status.get("failures_in_a_row", 0),
        **{name: status.get(name) for name in known},
    }


def freshness_of(status: Status, limits: FreshnessConfig, now: datetime) -> dict[str, Any]:
    """How old what is published is, as dbt tells it of a source.

    What was seen to be unchanged counts as loaded then, for a run would have published the same.
    """
    moments = (moment_of(status.get(name), now) for name in ("last_checked", "last_success"))
    loaded = next((moment for moment in moments if moment), None)
    told: dict[str, Any] = {
        "max_loaded_at": loaded.isoformat() if loaded else None,
        "snapshotted_at": now.isoformat(),
        "max_loaded_at_time_ago_in_s": None,
        "criteria": limits.model_dump(),
        "status": "runtime error",
    }
    if loaded:
        age = now - loaded
        late = [name for name in ("error", "warn") if (limit := getattr(limits, f"{name}_after")) and age > limit.span]
        told |= {"max_loaded_at_time_ago_in_s": round(age.total_seconds()), "status": late[0] if late else "pass"}
    return told


def state_of(output: Output) -> str:
    """What goes on there now: the locks of the operating system cannot lie."""
    if output.local is None or not output.local.is_dir():
        return "idle"
    try:
        # To ask for a lock makes its file.
        with output.locked(patience=0) if Path(output.lock_file).exists() else nullcontext():
            return "watching" if is_watched(output) else "idle"
    except OutputBusyError:
        return "running"
    except OSError:
        # Whoever may only read cannot ask for a lock.
        return "unknown"


def _reasons(status: Status, freshness: Mapping[str, Any], output: Output, state: str) -> Iterator[tuple[str, str]]:
    """What is not as it should be: how bad, and a sentence."""
    if not status:
        yield "unknown", f"nothing is known of runs in {output.root}"
        return
    many, last = status.get("failures_in_a_row", 0), status.get("last_run", {})
    if many:
        error = last.get("error") or {}
        runs = "the last run failed" if many == 1 else f"the last {many} runs failed, the last one"
        yield "critical", f"{runs} with: {error.get('message')}"
    if "running" in status and state in ("idle", "watching"):
        yield "critical", f"{DIED} (run {status['running'].get('run_id')})"
    if freshness["status"] != "pass":
        seconds = freshness["max_loaded_at_time_ago_in_s"]
        since = "nothing was published" if seconds is None else f"last known to be fresh {seconds / 3600:.1f} hours ago"
        yield SEVERITY[freshness["status"]], since
    if status.get("watch", {}).get("state") == "watching" and state == "idle":
        yield "critical", "segmentation watch was running and is not any more"
    for finding in last.get("findings") or []:
        yield "warning", f"unusual: {finding}"
