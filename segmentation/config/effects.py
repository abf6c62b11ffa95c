"""What hangs on which settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

# What does not change the outcome, whatever it is.
NOT_IN_FINGERPRINT = {
    "output_dir",
    "output_filename",
    "report",
    "max_run_minutes",
    "freshness",
    "monitoring",
    "prometheus",
    "alerts",
    "lineage",
    "log",
    "api",
    "report_actions",
    "packages",
    "engine",
    "embedded_max_bytes",
    "embedded_memory",
    "mode",
}
# What does not change how a purchase is read, nor which labels its customer has on a given day.
NOT_A_RULE = {*NOT_IN_FINGERPRINT, "as_of", "max_rejected_ratio", "publish_to_mongodb"}
# What hangs on a customer's metrics alone, and what the metrics hang on.
LABELLING = (
    "loyal_min_purchases",
    "lapsed_after_days",
    "seasonal_threshold",
    "frequency_order",
    "frequency_fallback",
    "high_aov_threshold",
    "high_lifetime_threshold",
    "low_lifetime_threshold",
    "dominant_threshold",
    "family_threshold",
    "category_fallback",
    "per",
    "scores",
    "dimensions",
)
MEASURING = ("loyal_window_months", "festive_periods", "inputs", "metrics")


def short_hash(content: Mapping[str, Any]) -> str:
    """The same for the same settings."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=_plain).encode()).hexdigest()[:16]


def as_json(content: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as JSON has them."""
    return dict(json.loads(json.dumps(content, default=_plain)))


def _plain(value: object) -> str:
    """One text for one value: 0.7 and 0.70 are the same number, and a secret is none."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
