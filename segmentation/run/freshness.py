"""Has anything changed since the last successful run? Answered from file names, sizes and times, without a JVM."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from segmentation.config import SegmentationConfig
from segmentation.local_files import local_files
from segmentation.locations import DELTA_LOG, local_path
from segmentation.run.request import Request
from segmentation.state.output import Output
from segmentation.state.status import last_success

# What is compared, and what is said of what differs.
CHANGES = {
    "source": "another source was named",
    "source_fingerprint": "files of the source changed",
    "config_fingerprint": "the configuration changed",
    "as_of_day": "the as-of day changed",
    "output": "the name of the export changed",
}


def state_of(config: SegmentationConfig, request: Request, now: datetime) -> dict[str, Any]:
    """What the outcome of a run hangs on; compare it with what `last_success` recorded.

    ``source_fingerprint`` is None where it cannot be told without Spark (another file system, MongoDB, a table
    of the catalog); then a run is due.
    """
    return {
        "source": request.source,
        "source_fingerprint": _fingerprint(request.locations) if request.locations else None,
        "config_fingerprint": config.fingerprint(),
        "as_of_day": config.day_of(now).isoformat() if config.as_of == "today" else str(config.as_of),
        "output": [config.output_filename],
    }


def look(config: SegmentationConfig, request: Request, now: datetime) -> tuple[bool, str]:
    """Is a run due, and why, or why not: a sentence."""
    state, output = state_of(config, request, now), Output.of(config)
    before = last_success(output)
    if state["source_fingerprint"] is None:
        paths = ", ".join(request.paths)
        return True, f"Whether {paths} changed cannot be told without reading, so the job runs."
    if before is None:
        return True, f"The job runs: no successful run is known in {output.root}."
    if not _is_published(output):
        return True, f"The job runs: what was published in {output.root} is not there any more."
    changed = [CHANGES[name] for name in CHANGES if before.get(name) != state[name]]
    if changed:
        return True, f"The job runs: {', and '.join(changed)} since the last successful run."
    return False, "Nothing to do: source and configuration are as they were at the last successful run."


def _is_published(output: Output) -> bool:
    return output.local is not None and (output.local / output.filename).is_file() and Path(output.segments).is_dir()


def newest_commit(table: Path) -> list[Path]:
    """The newest version in the log of a Delta table, whose files never change; nothing where it is none."""
    commits = [entry for entry in (table / DELTA_LOG).glob("*.json") if entry.stem.isdigit()]
    return [max(commits, key=lambda commit: int(commit.stem))] if commits else []


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
