"""Values as JSON has them."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any


def plain(value: Any) -> Any:
    """A value as JSON has it; amounts as text, to the cent."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    # JSON has no word for what is no number.
    is_number = isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
    return value if value is None or is_number else str(value)
