"""Has anything changed since the last successful run? Answered from file names, sizes and times, without a JVM."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from segmentation.config import SegmentationConfig
from segmentation.engines.local import LocalFiles
from segmentation.local_files import local_files
from segmentation.locations import DELTA_LOG, local_path
from segmentation.run.request import Request
from segmentation.state.commits import last_commit
from segmentation.state.damage import damage_of
from segmentation.state.output import Output
from segmentation.state.status import last_run, last_success


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


def is_unchanged(output: Output, state: dict[str, Any]) -> bool:
    """Is what was published last still what a run would publish now?"""
    is_same = state["source_fingerprint"] is not None and last_success(output) == state
    return is_same and output.local is not None and _is_published(output, output.local / output.filename)


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
