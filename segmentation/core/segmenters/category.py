"""For whom a customer buys."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import functions as F

from segmentation.core.metrics import category_count
from segmentation.core.rules import Rule
from segmentation.core.segmenters.base import Segmenter
from segmentation.schemas import Category


class CategorySegmenter(Segmenter):
    """Womens, Mens or Kids for a dominant category, Family for several, else `category_fallback`.

    Where a threshold of one half or less lets several categories qualify, the largest share wins, and a tie goes to
    the first in the order of `Category`.
    """

    dimension = "category"

    def rules(self) -> list[Rule]:
        """The dominant categories, then Family."""
        total = F.col("total_purchases")
        counts = {category: F.col(category_count(category)) for category in Category}
        largest = F.greatest(*counts.values())
        dominant = [
            Rule(category, (count >= self.threshold("dominant_threshold") * total) & (count == largest))
            for category, count in counts.items()
        ]
        shared = [(count >= self.threshold("family_threshold") * total).cast("int") for count in counts.values()]
        return [*dominant, Rule("Family", reduce(lambda one, other: one + other, shared) >= 2)]

    @property
    def rule_labels(self) -> tuple[str, ...]:
        """The dominant categories, then Family."""
        return (*map(str, Category), "Family")

    @property
    def fallback(self) -> str:
        """Closes the gap that the business document leaves open."""
        return self.config.category_fallback
