"""Lines of orders -> purchases: the valid lines of one purchase id are one purchase, or one return.

One aggregate by purchase id does it all where each purchase has one customer, as almost all have. Only those with
several are looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from segmentation.core.duplicates import best_first, only
from segmentation.core.metrics import CATEGORIES, count_if
from segmentation.schemas import (
    AMOUNT,
    CATEGORY,
    CUSTOMER_ID,
    LINES,
    PURCHASE_DATE,
    PURCHASE_ID,
    REASONS,
    SPEND_TYPE,
    WARNING,
    Reason,
    Warn,
)

LAST_CUSTOMER = "last_customer"


def gathered(settled: DataFrame, extra: Sequence[str] = ()) -> DataFrame:
    """Add up the lines of every purchase.

    Args:
        settled: the labelled frame, lines with one number settled.
        extra: columns that only a configuration knows.

    Returns:
        One row per purchase id with a valid line: ``customer_id`` and ``last_customer``, which differ where it has
        several; ``purchase_id``; ``purchase_date``, the earliest; ``amount`` (decimal(28,2)), the sum; ``category``,
        the one with the largest sum; the extra columns, those of the line with the largest amount of those that have a
        value there (equal: the largest value), null where none has; ``lines`` (bigint), how many; per `Warn` a column
        of its name (bigint), how many lines show it. Nothing else is null.
    """
    sums = {category: F.sum(F.when(F.col(CATEGORY) == category, F.col(AMOUNT))) for category in CATEGORIES}
    summed = (
        settled.where(F.col(REASONS).isNull())
        .repartition(PURCHASE_ID)
        .groupBy(PURCHASE_ID)
        .agg(
            F.min(CUSTOMER_ID).alias(CUSTOMER_ID),
            F.max(CUSTOMER_ID).alias(LAST_CUSTOMER),
            F.min(PURCHASE_DATE).alias(PURCHASE_DATE),
            F.sum(AMOUNT).cast(SPEND_TYPE).alias(AMOUNT),
            *[total.alias(_sum_of(category)) for category, total in sums.items()],
            *[_of_largest(name).alias(name) for name in extra],
            F.count(F.lit(1)).alias(LINES),
            *[count_if(F.col(WARNING) == warning).alias(warning) for warning in Warn],
        )
    )
    return summed.withColumn(CATEGORY, _largest()).drop(*map(_sum_of, CATEGORIES))


def several_customers(purchases: DataFrame) -> DataFrame:
    """The ids of the purchases whose lines name several customers: ``purchase_id``."""
    return purchases.where(F.col(CUSTOMER_ID) != F.col(LAST_CUSTOMER)).select(PURCHASE_ID)


def reject_other_customers(settled: DataFrame, mixed: DataFrame) -> DataFrame:
    """Reject the valid lines of other customers than the one of the purchase's first line, by the order of `settle`.

    Args:
        settled: the labelled frame, lines with one number settled.
        mixed: what `several_customers` found.

    Returns:
        The same rows and columns; these lines have the reason ``conflicting_purchase``.
    """
    so_far = best_first(PURCHASE_ID).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    keyed = settled.withColumn("valid_id", F.when(F.col(REASONS).isNull(), F.col(PURCHASE_ID)))
    ids = mixed.select(F.col(PURCHASE_ID).alias("valid_id"))
    of_one, of_several = (keyed.join(ids, on="valid_id", how=how) for how in ("left_anti", "left_semi"))
    is_other = F.col(CUSTOMER_ID) != F.col("first_customer")
    conflicting = of_several.withColumn("first_customer", F.first(CUSTOMER_ID).over(so_far)).withColumn(
        REASONS, F.when(is_other, only(Reason.CONFLICTING_PURCHASE))
    )
    return of_one.unionByName(conflicting.drop("first_customer")).drop("valid_id")


def gathered_again(purchases: DataFrame, settled: DataFrame, mixed: DataFrame, extra: Sequence[str] = ()) -> DataFrame:
    """`gathered(settled)`, of which those are known that are not among `mixed`."""
    lines = settled.join(mixed, on=PURCHASE_ID, how="left_semi")
    return purchases.where(F.col(CUSTOMER_ID) == F.col(LAST_CUSTOMER)).unionByName(gathered(lines, extra))


def _of_largest(name: str) -> Column:
    value = F.col(name)
    return F.max(F.when(value.isNotNull(), F.struct(F.col(AMOUNT).alias("by"), value.alias("value"))))["value"]


def _largest() -> Column:
    """The category with the largest sum, the first of equal ones; a category without a line has none."""
    largest = F.greatest(*[F.col(_sum_of(category)) for category in CATEGORIES])
    return F.coalesce(*[F.when(F.col(_sum_of(category)) == largest, F.lit(str(category))) for category in CATEGORIES])


def _sum_of(category: str) -> str:
    return f"sum_of_{category}"
