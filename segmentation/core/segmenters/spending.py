"""What a customer spends."""

from __future__ import annotations

from pyspark.sql import functions as F

from segmentation.core.rules import Rule
from segmentation.core.segmenters.base import Segmenter


class SpendingSegmenter(Segmenter):
    """High, Low or Medium Value by average order value and lifetime spend.

    The average is compared as ``lifetime_spend >= threshold * total_purchases``, so that no rounding carries a
    customer over a threshold.
    """

    dimension = "spending"

    def rules(self) -> list[Rule]:
        """High Value before Low Value."""
        spend, total = F.col("lifetime_spend"), F.col("total_purchases")
        high_average = spend >= self.threshold("high_aov_threshold") * total
        high_lifetime = spend >= self.threshold("high_lifetime_threshold")
        return [
            Rule("High Value", high_average | high_lifetime),
            Rule("Low Value", spend <= self.threshold("low_lifetime_threshold")),
        ]

    @property
    def rule_labels(self) -> tuple[str, ...]:
        """High before low."""
        return ("High Value", "Low Value")

    @property
    def fallback(self) -> str:
        """Everybody between low and high."""
        return "Medium Value"
