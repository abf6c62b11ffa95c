"""The state of automated running: what the last successful run was based on."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from segmentation.state.output import Output


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
