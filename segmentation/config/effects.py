"""What hangs on which settings."""

from __future__ import annotations

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
    "scores",
    "dimensions",
)
MEASURING = ("loyal_window_months", "festive_periods", "inputs", "metrics")
