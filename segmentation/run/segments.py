"""What a run computed: customers, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.core.festive import FestiveCalendar
from segmentation.core.own.scores import Cuts
from segmentation.core.quality import Profile
from segmentation.core.segmentation import Segmentation
from segmentation.errors import SegmentationError
from segmentation.schemas import AMOUNT, CUSTOMER_ID

# What a row of a customer says besides labels and metrics: ``as_of``, ``run_id``, ``updated_at``.
Facts = dict[str, Column]


@dataclass(frozen=True)
class Segments:
    """What a run computed: the customers, and what is known of them without looking at each.

    Attributes:
        cuts: where scores cut them.
        columns: those of the table, and their types.
    """

    run_id: str
    customers: DataFrame
    as_of: date
    festive: FestiveCalendar
    total_customers: int
    labels: dict[str, dict[str, int]]
    customers_without_purchases: int = 0
    purchases: int = 0
    spend: Decimal = Decimal(0)
    cuts: Cuts = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)

    def sample(self) -> list[str]:
        """The first ten customers with their labels, a line each."""
        rows = self.customers.select(CUSTOMER_ID, *self.labels).orderBy(CUSTOMER_ID).limit(10)
        return ["  " + ", ".join(row) for row in rows.collect()]


@dataclass(frozen=True)
class WithoutPurchases:
    """Customers with returns alone, who are not published: how many they are, and how many returns they have."""

    customers: int = 0
    returns: int = 0

    @classmethod
    def among(cls, sums: DataFrame) -> WithoutPurchases:
        """Count them in what `metrics.customer_sums` made."""
        none = sums.where(F.col("total_purchases") == 0)
        row = none.agg(F.count(F.lit(1)), F.coalesce(F.sum("returns"), F.lit(0))).first()
        assert row is not None  # an aggregate without groups has one row
        return cls(*row)

    @classmethod
    def beside(cls, buyers: DataFrame, purchases: DataFrame) -> WithoutPurchases:
        """Count them among purchases and returns, given the customers with purchases."""
        alone = purchases.where(F.col(AMOUNT) < 0).join(buyers, on=CUSTOMER_ID, how="left_anti")
        row = alone.agg(F.count_distinct(CUSTOMER_ID), F.count(F.lit(1))).first()
        assert row is not None  # an aggregate without groups has one row
        return cls(*row)


class Computed(NamedTuple):
    """What is to be published, one row per customer; how many have returns alone; where the scores cut."""

    customers: DataFrame
    others: WithoutPurchases
    cuts: Cuts


class Counted(NamedTuple):
    """How many customers there are, how many have each label, their purchases and what they spent."""

    total: int
    labels: dict[str, dict[str, int]]
    purchases: int
    spend: Decimal


def counted(
    customers: DataFrame,
    segmentation: Segmentation,
    found: Profile,
    expected: tuple[int, int],
    others: WithoutPurchases,
) -> Counted:
    """Count the customers, and prove that nothing is missing.

    Raises:
        SegmentationError: the customers do not account for every purchase and return used, or these not for every row.
    """
    row = customers.agg(*segmentation.counts()).first()
    assert row is not None  # an aggregate without groups has one row
    total, purchases, returns, spend, *by_label = row
    if (purchases, returns + others.returns) != expected or not found.nothing_is_lost:
        raise SegmentationError(
            f"The customers account for {purchases} purchases and {returns + others.returns} returns, "
            f"{expected[0]} and {expected[1]} were expected; of {found.purchases_used} rows used, {found.rows_read} "
            f"were read, {found.rows_rejected} rejected, {found.purchases_after_as_of} are after the as-of day. "
            "Nothing was published. This is a defect of the job: please report it with the log."
        )
    labels: dict[str, dict[str, int]] = {dimension: {} for dimension in segmentation.dimensions}
    for (dimension, label), count in zip(segmentation.labels, by_label, strict=True):
        labels[dimension][label] = count
    return Counted(total, labels, purchases, spend or Decimal(0))
