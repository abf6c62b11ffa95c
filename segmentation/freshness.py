"""Has anything changed since the last successful run? Answered from file names, sizes and times, without a JVM."""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from segmentation.config import SegmentationConfig
from segmentation.output import Output
from segmentation.storage import local_path


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


def last_success(output: Output) -> dict[str, Any] | None:
    """The state that the last successful run recorded."""
    try:
        status = json.loads(output.status_file.read_text()) if output.status_file else {}
    except (OSError, ValueError):
        return None
    state = status.get("last_success_state") if isinstance(status, dict) else None
    return state if isinstance(state, dict) else None


def record_success(output: Output, state: dict[str, Any], run_id: str, finished_at: datetime) -> None:
    """Remember what was done, in one step."""
    if output.status_file is None:
        return
    content = {"last_success": finished_at.isoformat(), "last_success_run_id": run_id, "last_success_state": state}
    staged = output.status_file.with_name(f".{output.status_file.name}.{run_id}")
    staged.write_text(json.dumps(content, indent=2) + "\n")
    staged.replace(output.status_file)


def local_size(paths: Sequence[str]) -> int | None:
    """Bytes to read, None where it cannot be told without Spark."""
    places = [local_path(path) for path in paths]
    files = [file for place in places if place for file in _files(place)]
    return sum(file.stat().st_size for file in files) if files and all(places) else None


def _fingerprint(paths: Sequence[str]) -> str | None:
    digest = hashlib.sha256()
    for path in paths:
        local = local_path(path)
        # Hadoop's globs know alternatives in braces, Python's do not.
        if local is None or "{" in path:
            return None
        files = list(_files(local))
        if not files:
            return None
        for file in files:
            found = file.stat()
            digest.update(f"{file.absolute()}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
        digest.update(b"\1")
    return digest.hexdigest()[:32]


def _files(path: Path) -> Iterator[Path]:
    # Path.glob takes no absolute pattern.
    roots = [path] if path.exists() else [Path(found) for found in sorted(glob.glob(str(path)))]  # noqa: PTH207
    for root in roots:
        if root.is_dir():
            yield from sorted(file for file in root.rglob("*") if file.is_file())
        else:
            yield root
