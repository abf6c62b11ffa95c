"""What purchases that come, and windows that move, add to what was published of a customer.

Every sum of `metrics.customer_sums` is a count, a sum, or a first or last day, so the sums of all purchases follow from
those of the earlier ones and those of the new ones; and a window that moves forward loses what lies before its new
start. The purchases in between need not be read again.
"""

from __future__ import annotations

from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.days import on
from segmentation.core.metrics import CATEGORIES, LOYAL_WINDOW, category_count, count_if, window_days
from segmentation.schemas import CUSTOMER_ID, PURCHASE_DATE, SPEND_TYPE

ADDED, LEFT = "added_", "left_"
COUNTS = (
    "total_purchases",
    "festive_purchases",
    *(category_count(category) for category in CATEGORIES),
)


def leaving(purchases: DataFrame, before: date, now: date, config: SegmentationConfig) -> DataFrame:
    """Purchases that windows lose when the as-of day moves forward.

    Args:
        purchases: ``customer_id``, ``purchase_date``, none after `before`.
        before: the as-of day of the sums.
        now: the new one, not earlier.
        config: the width of the window of the rule for Loyal.

    Returns:
        One row per customer who loses any: ``customer_id``, and per window how many.
    """
    day = F.col(PURCHASE_DATE)
    lost = {
        name: day.between(start, on(before)) & (day < window_days(now, config)[name])
        for name, start in window_days(before, config).items()
    }
    some = reduce(lambda one, other: one | other, lost.values())
    return purchases.where(some).groupBy(CUSTOMER_ID).agg(*[count_if(of).alias(name) for name, of in lost.items()])


def added_up(published: DataFrame, entering: DataFrame, leaving: DataFrame, config: SegmentationConfig) -> DataFrame:
    """The sums of customers after purchases came and left windows, `metrics.customer_sums` without returns.

    Args:
        published: customers as they were published; more of them than the others name come out as they were.
        entering: sums of the purchases that came, seen from the new day.
        leaving: what `leaving` made.
        config: the window of the rule for Loyal.
    """
    windows = [*window_days(date.min, config)]
    # Where it is the same as another window, it is published once.
    was = published.withColumn(LOYAL_WINDOW, F.col(LOYAL_WINDOW if LOYAL_WINDOW in published.columns else windows[0]))
    came = _prefixed(entering, ADDED)
    gone = _prefixed(leaving, LEFT)
    same = F.col(CUSTOMER_ID) == F.col(f"{ADDED}{CUSTOMER_ID}")
    every = was.join(came, on=same, how="full_outer").withColumn(
        "whose", F.coalesce(CUSTOMER_ID, f"{ADDED}{CUSTOMER_ID}")
    )
    joined = every.join(gone, on=F.col("whose") == F.col(f"{LEFT}{CUSTOMER_ID}"), how="left")
    first, last = (f"{one}_purchase" for one in ("first", "last"))
    return joined.select(
        F.col("whose").alias(CUSTOMER_ID),
        *[_sum(name).alias(name) for name in COUNTS],
        _sum("lifetime_spend").cast(SPEND_TYPE).alias("lifetime_spend"),
        F.least(*_either(first)).alias(first),
        F.greatest(*_either(last)).alias(last),
        *[(_sum(name) - _or_nothing(f"{LEFT}{name}")).alias(name) for name in windows],
        F.lit(0).cast("bigint").alias("returns"),
        F.lit(0).cast(SPEND_TYPE).alias("returned_amount"),
    )


def _prefixed(frame: DataFrame, prefix: str) -> DataFrame:
    return frame.select(*[F.col(name).alias(f"{prefix}{name}") for name in frame.columns])


def _or_nothing(name: str) -> Column:
    return F.coalesce(F.col(name), F.lit(0))


def _sum(name: str) -> Column:
    return _or_nothing(name) + _or_nothing(f"{ADDED}{name}")


def _either(name: str) -> tuple[Column, Column]:
    """Both days, the other one where one is missing."""
    one, other = F.col(name), F.col(f"{ADDED}{name}")
    return F.coalesce(one, other), F.coalesce(other, one)
