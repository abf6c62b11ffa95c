"""What a run that keeps no purchases has counted of them, for the report of what it published."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path

from segmentation.core.sales import Row, Sales
from segmentation.local_files import whole_or_not_at_all
from segmentation.state.output import Output

LAYOUT = 1
DAYS = ("cohort", "month")


def keep_sales(output: Output, run_id: str, sales: Sales) -> None:
    """Keep what the run `run_id` counted, in place of what was there; on a local output only."""
    content = {"layout": LAYOUT, "run_id": run_id, **asdict(sales)}
    with whole_or_not_at_all(Path(output.sales_file)) as hidden:
        hidden.write_text(json.dumps(content, default=str), encoding="utf-8")


def counted_sales(output: Output, run_id: str) -> Sales | None:
    """What a run counted; None where it did not, or in another layout."""
    try:
        content = json.loads(Path(output.sales_file).read_text(encoding="utf-8"))
        if (content["layout"], content["run_id"]) != (LAYOUT, run_id):
            return None
        before, now = content["periods"] or (None, None)
        periods = (_row(before), _row(now)) if before and now else None
        return Sales(date.fromisoformat(content["first"]), [_row(row) for row in content["months"]], periods)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _row(row: Row) -> Row:
    return {
        name: date.fromisoformat(value) if name in DAYS else Decimal(value) if name == "sales" else value
        for name, value in row.items()
    }
