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
from segmentation.locations import local_path
from segmentation.state.output import Output
from segmentation.state.status import last_success


def state_of(config: SegmentationConfig, source: str, paths: Sequence[str], now: datetime) -> dict[str, Any]:
    """What the outcome of a run hangs on; compare it with what `last_success` recorded.

    ``source_fingerprint`` is None where it cannot be told without Spark (another file system); then a run is due.
    """
    return {
        "source": source,
        "source_fingerprint": _fingerprint(paths) if source == "csv" else None,
        "config_fingerprint": config.fingerprint(),
        "as_of_day": now.astimezone(config.zone).date().isoformat() if config.as_of == "today" else str(config.as_of),
        "output": [config.output_filename],
    }


def is_unchanged(output: Output, state: dict[str, Any]) -> bool:
    """Is what was published last still what a run would publish now?"""
    published = (
        output.local is not None and (output.local / output.filename).is_file() and Path(output.segments).is_dir()
    )
    return published and state["source_fingerprint"] is not None and last_success(output) == state


def _fingerprint(paths: Sequence[str]) -> str | None:
    digest = hashlib.sha256()
    for path in paths:
        local = local_path(path)
        if local is None:
            return None
        files = local_files(str(local))
        if not files:
            return None
        for file in files:
            found = file.stat()
            digest.update(os.fsencode(file) + f"\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
        digest.update(b"\1")
    return digest.hexdigest()[:32]
