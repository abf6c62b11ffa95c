"""How often a customer buys."""

from __future__ import annotations

from pyspark.sql import functions as F

from segmentation.core.metrics import LOYAL_WINDOW
from segmentation.core.rules import Rule
from segmentation.core.segmenters.base import Segmenter


class PurchaseFrequencySegmenter(Segmenter):
    """New, Loyal, Lapsed, Seasonal, in the configured order, else `frequency_fallback`.

    No purchase in the last n days is the same as a last purchase more than n days ago.
    """

    dimension = "purchase_frequency"

    def rules(self) -> list[Rule]:
        """The rules in the order of `frequency_order`."""
        total = F.col("total_purchases")
        conditions = {
            "New": total == 1,
            "Loyal": F.col(LOYAL_WINDOW) >= self.threshold("loyal_min_purchases"),
            "Lapsed": F.col("days_since_last_purchase") > self.threshold("lapsed_after_days"),
            "Seasonal": F.col("festive_purchases") >= self.threshold("seasonal_threshold") * total,
        }
        return [Rule(label, conditions[label]) for label in self.config.frequency_order]

    @property
    def rule_labels(self) -> tuple[str, ...]:
        """In the order of `frequency_order`."""
        return tuple(self.config.frequency_order)

    @property
    def fallback(self) -> str:
        """Closes the gap that the business document leaves open."""
        return self.config.frequency_fallback
