"""Has anything changed since the last successful run? Answered from file names, sizes and times, without a JVM."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from segmentation.config import SegmentationConfig
from segmentation.engines.local import LocalFiles
from segmentation.local_files import local_files
from segmentation.locations import DELTA_LOG, local_path
from segmentation.modules import code_of
from segmentation.run.request import Request
from segmentation.state.commits import last_commit
from segmentation.state.damage import damage_of
from segmentation.state.output import Output
from segmentation.state.status import last_run, last_success

# What is compared, and what is said of what differs.
CHANGES = {
    "source": "another source was named",
    "source_fingerprint": "the source changed",
    "config_fingerprint": "the configuration changed",
    "code": "rules or a source in code changed",
    "as_of_day": "the as-of day changed",
    "output": "the name of the export changed",
}


def state_of(config: SegmentationConfig, request: Request, now: datetime) -> dict[str, Any]:
    """What the outcome of a run hangs on; compare it with what `last_success` recorded.

    ``source_fingerprint`` is None where it cannot be told without Spark (another file system, a table of the catalog,
    a MongoDB server that does not tell); then a run is due.
    """
    return {
        "source": request.source,
        "source_fingerprint": _source(config, request),
        "config_fingerprint": config.fingerprint(),
        "code": code_of(config, request.source if request.own else None),
        "as_of_day": config.day_of(now).isoformat() if config.as_of == "today" else str(config.as_of),
        "output": [config.output_filename],
    }


def look(config: SegmentationConfig, request: Request, now: datetime) -> tuple[bool, str]:
    """Is a run due, and why, or why not: a sentence."""
    state = state_of(config, request, now)
    if state["source_fingerprint"] is None:
        paths = ", ".join(request.paths)
        return True, f"Whether {paths} changed cannot be told without reading, so the job runs."
    why = why_due(Output.of(config), state)
    if why is None:
        return False, "Nothing to do: source and configuration are as they were at the last successful run."
    return True, f"The job runs: {why}."


def why_due(output: Output, state: Mapping[str, Any]) -> str | None:
    """Why what was published last is not what a run would publish now, None if it is; `state_of` says what now is."""
    before = last_success(output)
    if before is None:
        return f"no successful run is known in {output.root}"
    if output.local is None or not _is_published(output, output.local / output.filename):
        return f"what the last run published in {output.root} is not there, or not whole"
    changed = [CHANGES[name] for name in CHANGES if before.get(name) != state[name]]
    return f"{', and '.join(changed)} since the last successful run" if changed else None


def _is_published(output: Output, export: Path) -> bool:
    """Is there what the last successful run published, and is it whole? If not, a run says what is wrong."""
    if not export.is_file() or not Path(output.segments).is_dir() or damage_of(Path(output.segments)):
        return False
    newest = last_commit(LocalFiles(), output.segments)
    return newest is not None and newest.said["run_id"] == last_run(output)


def newest_commit(table: Path) -> list[Path]:
    """The newest version in the log of a Delta table, whose files never change; nothing where it is none."""
    commits = [entry for entry in (table / DELTA_LOG).glob("*.json") if entry.stem.isdigit()]
    return [max(commits, key=lambda commit: int(commit.stem))] if commits else []


def _source(config: SegmentationConfig, request: Request) -> str | None:
    """Of purchases and of second inputs; None where it cannot be told of one of them."""
    purchases = _of_purchases(config, request)
    if purchases is None or not request.inputs:
        return purchases
    inputs = fingerprint_of(request.inputs)
    return None if inputs is None else hashlib.sha256(f"{purchases} {inputs}".encode()).hexdigest()[:32]


def _of_purchases(config: SegmentationConfig, request: Request) -> str | None:
    if request.source == "mongodb":
        from segmentation.sources.mongo_facts import fingerprint

        return fingerprint(config)
    if request.own:
        from segmentation.sources.own import told_by

        return told_by(request.own, request.source)
    return fingerprint_of(request.source_locations) if request.source_locations else None


def fingerprint_of(paths: Sequence[str]) -> str | None:
    """Of names, sizes and times of all files; None where it cannot be told, or nothing is there."""
    try:
        return _fingerprint(paths)
    except FileNotFoundError:
        # It went while it was looked at.
        return None


def _fingerprint(paths: Sequence[str]) -> str | None:
    digest = hashlib.sha256()
    for path in paths:
        local = local_path(path)
        if local is None:
            return None
        files = newest_commit(local) or local_files(str(local))
        if not files:
            return None
        for file in files:
            found = file.stat()
            digest.update(os.fsencode(file) + f"\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
        digest.update(b"\1")
    return digest.hexdigest()[:32]
