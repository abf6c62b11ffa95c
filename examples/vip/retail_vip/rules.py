"""VIP customers, and how regularly customers come."""

from __future__ import annotations

from pyspark.sql import functions as F

from segmentation import PurchaseFrequencySegmenter, Rule, Segmenter

VIP_MIN_PURCHASES = 10
# In days between purchases.
WEEKLY, MONTHLY = 7, 31


class Vip(PurchaseFrequencySegmenter):
    """The usual labels of purchase frequency, and before all of them VIP."""

    def rules(self) -> list[Rule]:
        """VIP, then New, Loyal, Lapsed and Seasonal as the configuration orders them."""
        return [Rule("VIP", F.col("total_purchases") >= VIP_MIN_PURCHASES), *super().rules()]


class Rhythm(Segmenter):
    """How often a customer comes, by the days between purchases."""

    dimension = "rhythm"
    # Also of those who came once, whose days between purchases are null.
    fallback = "Rare"

    def rules(self) -> list[Rule]:
        """The most frequent first."""
        between = F.col("average_days_between_purchases")
        return [Rule("Weekly", between <= WEEKLY), Rule("Monthly", between <= MONTHLY)]
