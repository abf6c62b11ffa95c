"""The state of automated running: what the last successful run was based on."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from segmentation.local_files import whole_or_not_at_all
from segmentation.state.output import Output


def last_success(output: Output) -> dict[str, Any] | None:
    """The state that the last successful run recorded."""
    state = _status(output).get("last_success_state")
    return state if isinstance(state, dict) else None


def last_run(output: Output) -> str | None:
    """The last successful run, None where it is not recorded."""
    run_id = _status(output).get("last_success_run_id")
    return run_id if isinstance(run_id, str) else None


def complaint(output: Output) -> str | None:
    """Why what is recorded cannot be read, None where it can or nothing is."""
    file = output.status_file
    if file is None or not file.exists() or _status(output):
        return None
    return f"{file} cannot be read, or is not what a run writes; it is written anew by the next run that succeeds."


def record_success(output: Output, state: dict[str, Any], run_id: str, finished_at: datetime) -> None:
    """Remember what was done, in one step."""
    content = {"last_success": finished_at.isoformat(), "last_success_run_id": run_id, "last_success_state": state}
    _write(output.status_file, content)


def _status(output: Output) -> dict[str, Any]:
    try:
        status = json.loads(output.status_file.read_text()) if output.status_file else {}
    except (OSError, ValueError):
        return {}
    return status if isinstance(status, dict) else {}


def _write(file: Path | None, content: dict[str, Any]) -> None:
    if file is not None:
        with whole_or_not_at_all(file) as hidden:
            hidden.write_text(json.dumps(content, indent=2) + "\n")
