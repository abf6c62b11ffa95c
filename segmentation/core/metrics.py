"""A metric is an aggregate over one customer's purchases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.days import on
from segmentation.core.festive import FestiveCalendar
from segmentation.core.types import struct
from segmentation.schemas import AMOUNT, CATEGORY, CUSTOMER_ID, OTHER, PURCHASE_DATE, SPEND_TYPE, Category

CATEGORIES = (*Category, OTHER)
# For a rule only; the published table leaves it out.
LOYAL_WINDOW = "purchases_in_loyal_window"
# What a rule can look at.
METRICS_SCHEMA = struct(
    customer_id="string",
    total_purchases="long",
    lifetime_spend=SPEND_TYPE,
    average_order_value=SPEND_TYPE,
    first_purchase="date",
    last_purchase="date",
    days_since_last_purchase="integer",
    purchases_last_6_months="long",
    purchases_last_90_days="long",
    purchases_in_loyal_window="long",
    festive_purchases="long",
    festive_share="double",
    **{f"{category.lower()}_purchases": "long" for category in CATEGORIES},
    **{f"{category.lower()}_share": "double" for category in CATEGORIES},
    average_days_between_purchases="double",
    returns="long",
    returned_amount=SPEND_TYPE,
)
SHOWN_MONTHS, SHOWN_DAYS = 6, 90
# The first that does not fit decimal(8,2).
LARGE_AMOUNT = 1_000_000
COUNT_TYPE = "decimal(20,0)"
CENT = Decimal("0.01")
# Twice as many cents, and the count, are well below 2**53.
LARGE_SPEND = 10_000_000_000_000


def category_count(category: str) -> str:
    """The metric that counts a customer's purchases in `category`."""
    return f"{category.lower()}_purchases"


def count_if(condition: Column) -> Column:
    """How many rows of the group meet `condition`; bigint, null counts as no."""
    return F.count(F.when(condition, F.lit(1)))


def in_last_months(day: Column, as_of: date | Column, months: int) -> Column:
    """``add_months(as_of, -months) <= day <= as_of``: calendar months, a missing day becomes the month's last."""
    return day.between(F.add_months(on(as_of), -months), on(as_of))


def in_last_days(day: Column, as_of: date | Column, days: int) -> Column:
    """``as_of - days <= day <= as_of``, so day number `days` is still inside."""
    return day.between(F.date_sub(on(as_of), days), on(as_of))


def window_days(as_of: date | Column, config: SegmentationConfig) -> dict[str, Column]:
    """The first day of each window, by the metric that counts in it."""
    return {
        "purchases_last_6_months": F.add_months(on(as_of), -SHOWN_MONTHS),
        "purchases_last_90_days": F.date_sub(on(as_of), SHOWN_DAYS),
        LOYAL_WINDOW: F.add_months(on(as_of), -config.loyal_window_months),
    }


def exact_sum(amount: Column) -> Column:
    """Sum of amounts that are not negative, decimal(28,2); null counts as nothing.

    Spark adds decimals of up to eight digits as whole numbers, and wider ones as objects, which takes several times
    as long. So the rare large amounts are added apart; both sums are exact.
    """
    is_small = amount < LARGE_AMOUNT
    small = F.sum(F.when(is_small, amount.cast("decimal(8,2)")))
    large = F.sum(F.when(~is_small, amount))
    return (F.coalesce(small, F.lit(0)) + F.coalesce(large, F.lit(0))).cast(SPEND_TYPE)


def average_half_away(total: Column, count: Column) -> Column:
    """``total / count`` rounded to cents, half away from zero, decimal(28,2).

    Decimal division rounds its quotient, and rounding that again could move a cent, so this divides whole cents:
    the largest q with ``2 * count * q <= 2 * cents + count``, without the sign. Unless they are very large, whole
    numbers hold them, which are divided ten times as fast; their quotient is whole and small enough for a double to
    hold it exactly.
    """
    size = F.abs(total)
    cents, count = (size * 100).cast("decimal(30,0)"), count.cast("bigint")
    is_usual = size < LARGE_SPEND
    usual = _half_up(F.when(is_usual, cents).cast("bigint"), count).cast("bigint").cast("decimal(18,0)")
    large = _half_up(F.when(~is_usual, cents), count.cast(COUNT_TYPE)).cast("decimal(30,0)")
    return (F.coalesce(usual, large) * F.when(total < 0, F.lit(-CENT)).otherwise(F.lit(CENT))).cast(SPEND_TYPE)


def _half_up(cents: Column, count: Column) -> Column:
    twice, above = count * 2, cents * 2 + count
    return (above - above % twice) / twice


def customer_sums(
    purchases: DataFrame,
    as_of: date | Column,
    festive: FestiveCalendar,
    config: SegmentationConfig,
    more: Sequence[Column] = (),
) -> DataFrame:
    """Add up purchases, and with ``returns: net`` also returns, per customer.

    Every sum is a conditional aggregate, which Spark combines before the shuffle: one pass, one shuffle, no sort.

    Args:
        purchases: one row per purchase or return used, none after `as_of`, no column null: ``customer_id`` string,
            ``purchase_date`` date, ``amount`` decimal in rupees, below zero for a return, ``category`` string.
        as_of: the day that everything is seen from.
        festive: which days are festive.
        config: the width of the window of the rule for Loyal, and whether there are returns.
        more: further aggregates.

    Returns:
        One row per customer: ``customer_id``, `more`, and those columns of `customer_metrics` that are counts, sums or
        days. A customer with returns alone has 0 ``total_purchases``, and null for the days.
    """
    sums = sums_of(as_of, festive.contains, config)
    grouped = purchases.repartition(CUSTOMER_ID).groupBy(CUSTOMER_ID)
    summed = grouped.agg(*[column.alias(name) for name, column in sums.items()], *more)
    none = {"returns": F.lit(0).cast("bigint"), "returned_amount": F.lit(0).cast(SPEND_TYPE)}
    return summed if config.returns == "net" else summed.withColumns(none)


def sums_of(
    as_of: date | Column, is_festive: Callable[[Column], Column], config: SegmentationConfig
) -> dict[str, Column]:
    """The aggregates of `customer_sums` by their names; without returns, there are none of these.

    Args:
        as_of: the day that everything is seen from.
        is_festive: date -> boolean, null for null.
        config: the width of the window of the rule for Loyal, and whether there are returns.
    """
    nets = config.returns == "net"
    is_purchase = F.col(AMOUNT) >= 0

    def of_purchases(value: Column) -> Column:
        return F.when(is_purchase, value) if nets else value

    day, category = of_purchases(F.col(PURCHASE_DATE)), of_purchases(F.col(CATEGORY))
    bought = exact_sum(of_purchases(F.col(AMOUNT)))
    returned = exact_sum(F.when(~is_purchase, -F.col(AMOUNT)))
    return {
        "total_purchases": F.count(of_purchases(F.lit(1))),
        "lifetime_spend": (bought - returned).cast(SPEND_TYPE) if nets else bought,
        "first_purchase": F.min(day),
        "last_purchase": F.max(day),
        "purchases_last_6_months": count_if(in_last_months(day, as_of, SHOWN_MONTHS)),
        "purchases_last_90_days": count_if(in_last_days(day, as_of, SHOWN_DAYS)),
        LOYAL_WINDOW: count_if(in_last_months(day, as_of, config.loyal_window_months)),
        "festive_purchases": count_if(is_festive(day)),
        **{category_count(name): count_if(category == name) for name in CATEGORIES},
        **({"returns": count_if(~is_purchase), "returned_amount": returned} if nets else {}),
    }


def customer_metrics(sums: DataFrame, as_of: date | Column, more: Sequence[str] = ()) -> DataFrame:
    """What follows from the sums of customers who have bought.

    Args:
        sums: what `customer_sums` makes.
        as_of: the same day.
        more: further columns of the sums.

    Returns:
        One row per customer with a purchase: ``customer_id``, `more`; ``total_purchases``, ``purchases_last_6_months``,
        ``purchases_last_90_days``, ``festive_purchases``, ``womens_``, ``mens_``, ``kids_`` and ``other_purchases``
        (bigint); ``lifetime_spend`` and ``average_order_value`` (decimal(28,2), rupees, less what was returned, the
        average rounded half away from zero); ``first_purchase`` and ``last_purchase`` (date);
        ``days_since_last_purchase`` (int); ``festive_share`` and a share per category (double in [0, 1], for show:
        rules compare the counts); ``average_days_between_purchases`` (double, days, null for a single purchase);
        ``returns`` (bigint) and ``returned_amount`` (decimal(28,2), rupees, not negative). Nothing else is null.
        ``purchases_in_loyal_window`` (bigint) is what the rule for Loyal looks at: the two windows above mean what
        their names say, whatever the configuration makes of that rule.
    """
    derived = derived_from_sums(as_of)
    columns = [derived[name].alias(name) if name in derived else name for name in METRICS_SCHEMA.names]
    return sums.select(*columns, *more)


def derived_from_sums(as_of: date | Column) -> dict[str, Column]:
    """The metrics of `customer_metrics` that are no sums themselves, by their names."""
    return {
        "average_order_value": average_half_away(F.col("lifetime_spend"), F.col("total_purchases")),
        "days_since_last_purchase": days_since_last_purchase(as_of),
        "festive_share": share_of_total("festive_purchases"),
        **{f"{category.lower()}_share": share_of_total(category_count(category)) for category in CATEGORIES},
        "average_days_between_purchases": average_gap(),
    }


def days_since_last_purchase(as_of: date | Column) -> Column:
    """From the last purchase to the as-of day, int."""
    return F.datediff(on(as_of), F.col("last_purchase")).cast("int")


def share_of_total(metric: str) -> Column:
    """`metric` as a share of the customer's purchases, double."""
    return F.col(metric).cast("double") / F.col("total_purchases").cast("double")


def average_gap() -> Column:
    """Mean days from one purchase to the next: the gaps add up to last minus first. Null for a single purchase."""
    days = F.datediff(F.col("last_purchase"), F.col("first_purchase")).cast("double")
    return F.when(F.col("total_purchases") > 1, days / (F.col("total_purchases") - 1).cast("double"))
