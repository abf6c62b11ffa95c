"""`automation_status.json`: what runs by themselves, how it went, and what the last success was based on.

Read and written without an engine; each change is one step, so that a reader never sees half of it. Only a local output
has one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from segmentation.errors import OutputBusyError
from segmentation.local_files import whole_or_not_at_all
from segmentation.locations import join
from segmentation.state.output import Output

SCHEMA_VERSION = 1
Status = dict[str, Any]
DIED = "the run ended without a word: it was killed, or the machine went down"
CLOCKS_APART = timedelta(minutes=1)


def read_status(output: Output) -> Status:
    """What is known; nothing where there is no file, or none that can be read."""
    try:
        status = json.loads(output.status_file.read_text(encoding="utf-8")) if output.status_file else {}
    except (OSError, ValueError):
        return {}
    return _of_types(status) if isinstance(status, dict) else {}


# What a key must hold; what holds something else is as if it were not there.
TYPES = {"last_run": dict, "watch": dict, "running": dict, "alerted": list, "failures_in_a_row": int, "versions": dict}


def _of_types(status: Status) -> Status:
    return {name: value for name, value in status.items() if isinstance(value, TYPES.get(name, object))}


def moment_of(value: object, now: datetime) -> datetime | None:
    """A moment of the status, None where it is none, or one that is still to come: a clock was set back since."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo and moment <= now + CLOCKS_APART else None


@contextmanager
def changing(output: Output) -> Iterator[Status]:
    """The status, to be changed inside; written when that ends well."""
    if output.status_file is None:
        yield {}
        return
    from filelock import FileLock

    # A run and what watches over it may both have something to say.
    with FileLock(output.status_file.with_name(f".{output.status_file.name}.lock"), timeout=10):
        status = read_status(output)
        yield status
        status["schema_version"] = SCHEMA_VERSION
        with whole_or_not_at_all(Path(output.status_file)) as hidden:
            hidden.write_text(json.dumps(status, indent=2, default=str) + "\n", encoding="utf-8")


def last_success(output: Output) -> dict[str, Any] | None:
    """The state that the last successful run recorded."""
    state = read_status(output).get("last_success_state")
    return state if isinstance(state, dict) else None


def last_run(output: Output) -> str | None:
    """The last successful run, None where it is not recorded."""
    run_id = read_status(output).get("last_success_run_id")
    return run_id if isinstance(run_id, str) else None


def complaint(output: Output) -> str | None:
    """Why what is recorded cannot be read, None where it can or nothing is."""
    file = output.status_file
    if file is None or not file.exists() or read_status(output):
        return None
    return f"{file} cannot be read, or is not what a run writes; it is written anew by the next run that succeeds."


def record_success(output: Output, state: Mapping[str, Any], run_id: str, finished_at: datetime) -> None:
    """Remember what was done, and what it was based on."""
    with changing(output) as status:
        status["last_success"] = status["last_checked"] = finished_at.isoformat()
        status.update(last_success_run_id=run_id, last_success_state=dict(state))


def record_unchanged(output: Output, at: datetime) -> Status:
    """Remember that there was nothing to do: what is published is as fresh as its source, whatever failed before.

    Returns:
        What was known before.
    """
    with changing(output) as status:
        before = dict(status)
        status.update(last_checked=at.isoformat(), failures_in_a_row=0)
    return before


def record_start(output: Output, run: Mapping[str, Any]) -> None:
    """Remember that a run is at work, `run.results.told`: whoever finds it so while the output is free knows better."""
    with changing(output) as status:
        status["running"] = {name: run[name] for name in ("run_id", "trigger", "started_at")}


def record_death(output: Output) -> Mapping[str, Any] | None:
    """Count a run that was at work and left no outcome as failed; to be asked while no run can be at work.

    Returns:
        The run, None where there is none.
    """
    if "running" not in read_status(output):
        return None
    with changing(output) as status:
        run = status.pop("running")
        error = {"type": "Killed", "exit_code": None, "message": DIED}
        ended: Status = {"outcome": "failed", "error": error, "finished_at": None, "findings": []}
        status["last_run"] = {**run, **ended}
        status["failures_in_a_row"] = status.get("failures_in_a_row", 0) + 1
    return dict(run)


def record_outcome(output: Output, told: Mapping[str, Any]) -> Status:
    """Remember how the last run went, `run.results.told`, and count failures in a row.

    Returns:
        What was known before.
    """
    names = ("run_id", "trigger", "outcome", "error", "started_at", "finished_at", "findings")
    with changing(output) as status:
        before = dict(status)
        status.pop("running", None)
        status["last_run"] = {name: told[name] for name in names}
        failed = told["outcome"] == "failed"
        status["failures_in_a_row"] = status.get("failures_in_a_row", 0) + 1 if failed else 0
        status["versions"] = told["versions"]
    return before


@contextmanager
def watching(output: Output, patience: float = 1.0) -> Iterator[None]:
    """Be the one that watches an output; the operating system lets go when the process dies, however it dies.

    Raises:
        OutputBusyError: somebody watches it already.
    """
    from filelock import FileLock, Timeout

    # Whoever only asks whether somebody watches holds it for a moment.
    lock = FileLock(_watch_lock(output), timeout=patience)
    try:
        lock.acquire()
    except Timeout:
        raise OutputBusyError(f"Somebody watches for {output.root} already: one is enough.") from None
    try:
        yield
    finally:
        lock.release()


def is_watched(output: Output) -> bool:
    """Is there somebody who watches it?"""
    if not _watch_lock(output).exists():
        return False
    try:
        with watching(output, patience=0):
            return False
    except OutputBusyError:
        return True


def _watch_lock(output: Output) -> Path:
    return Path(join(output.root, ".automation.lock"))
