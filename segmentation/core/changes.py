"""From one publication to the next: whose row changed, whose labels changed, and why."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.core.joined import all_of, any_of
from segmentation.schemas import CUSTOMER_ID

# What says when a row changed, and by which run.
CHANGED_BY = ("run_id", "updated_at")
# Metrics that purchases alone move, never the day; the second also hang on the rules.
OF_PURCHASES = ("total_purchases", "lifetime_spend", "first_purchase", "last_purchase", "returns", "returned_amount")
OF_RULES = ("festive_purchases", "womens_purchases", "mens_purchases", "kids_purchases", "other_purchases")
# Of a customer: have their purchases changed, boolean?
TOUCHED = "touched"
# Of a customer: were they published before, and are they now? Null for no.
WAS_THERE, IS_THERE = "was_there", "is_there"


class Cause(StrEnum):
    """Why a label changed."""

    FIRST_SEEN = "first_seen"
    GONE = "gone"
    INPUT = "input"
    NEW_PURCHASE = "new_purchase"
    OTHERS = "others"
    RESTORED = "restored"
    RULES = "rules"
    TIME = "time"


def carried_over(customers: DataFrame, before: DataFrame) -> DataFrame:
    """Let a row that is what it was keep its ``run_id`` and ``updated_at``.

    Args:
        customers: what is to be published, one row per customer.
        before: what was published before.

    Returns:
        The same rows and columns.
    """
    if set(before.columns) != set(customers.columns):
        return customers
    old = before.select(*[F.col(name).alias(_old(name)) for name in before.columns])
    values = [name for name in customers.columns if name not in CHANGED_BY]
    is_same = all_of([F.col(name).eqNullSafe(F.col(_old(name))) for name in values])
    kept = {name: F.when(is_same, F.col(_old(name))).otherwise(F.col(name)) for name in CHANGED_BY}
    return (
        customers.join(old, on=F.col(CUSTOMER_ID) == F.col(_old(CUSTOMER_ID)), how="left")
        .withColumns(kept)
        .select(*customers.columns)
    )


def relabelled(
    customers: DataFrame, before: DataFrame, dimensions: Sequence[str], more: Sequence[str] = ()
) -> DataFrame:
    """The customers whose labels are not what they were.

    Args:
        customers: what is to be published: ``customer_id``, the labels, and what of `OF_PURCHASES` and `OF_RULES` tells
            `touched_by_metrics`.
        before: the same of what was published before; a dimension may be missing.
        dimensions: the label columns.
        more: further metrics that tell it.

    Returns:
        One row per customer who is new, gone, or has another label: ``customer_id``; ``from_`` and ``to_`` per
        dimension, null where there was or is none; ``was_there`` and ``is_there`` (boolean, null for no).
    """
    # A dimension that was not there before had no labels.
    none = [name for name in dimensions if name not in before.columns]
    old = before.withColumns({name: F.lit(None).cast("string") for name in none}) if none else before
    before_and_now = ((old, "from_", WAS_THERE), (customers, "to_", IS_THERE))
    old, new = (_side(frame, prefix, [*dimensions, *more], mark) for frame, prefix, mark in before_and_now)
    return new.join(old, on=CUSTOMER_ID, how="full").where(differ(dimensions))


def form(dimensions: Sequence[str]) -> list[str]:
    """The columns of customers with other labels, as `causes` takes them."""
    return [CUSTOMER_ID, *prefixed("from_", dimensions), *prefixed("to_", dimensions), WAS_THERE, IS_THERE, TOUCHED]


def prefixed(prefix: str, names: Sequence[str]) -> dict[str, Column]:
    """Columns under names with a prefix."""
    return {f"{prefix}{name}": F.col(name) for name in names}


def differ(names: Sequence[str]) -> Column:
    """Is one of these columns another one than before?"""
    changes = [~F.col(f"from_{name}").eqNullSafe(F.col(f"to_{name}")) for name in names]
    return any_of(changes) if changes else F.lit(False)


def touched_by_metrics(columns: Sequence[str], more: Sequence[str] = (), *, same_rules: bool) -> Column:
    """Have a customer's purchases changed, told by the metrics of `relabelled`, `more` among them?"""
    names = (*OF_PURCHASES, *OF_RULES, *more) if same_rules else OF_PURCHASES
    return differ([name for name in names if f"from_{name}" in columns and f"to_{name}" in columns])


def causes(changed: DataFrame, *, same_rules: bool, same_inputs: bool, same_day: bool) -> DataFrame:
    """Add ``cause``: why the labels of customers changed, `form`.

    Args:
        changed: whose labels did.
        same_rules: has the configuration stayed what it was?
        same_inputs: and the second inputs?
        same_day: and the as-of day? Then others have moved where a score cuts.
    """
    of_all = Cause.OTHERS if same_day else Cause.TIME
    other = Cause.RULES if not same_rules else of_all if same_inputs else Cause.INPUT
    return changed.withColumn(
        "cause",
        F.when(F.col(WAS_THERE).isNull(), F.lit(Cause.FIRST_SEEN))
        .when(F.col(IS_THERE).isNull(), F.lit(Cause.GONE))
        .when(F.col(TOUCHED), F.lit(Cause.NEW_PURCHASE))
        .otherwise(F.lit(other)),
    )


def by_dimension(caused: DataFrame, dimensions: Sequence[str]) -> DataFrame:
    """What `causes` made -> one row per customer, dimension and change: ``customer_id``, ``dimension``, ``from_label``,
    ``to_label``, ``cause``.
    """
    parts = [
        caused.where(differ([name])).select(
            CUSTOMER_ID,
            F.lit(name).alias("dimension"),
            F.col(f"from_{name}").alias("from_label"),
            F.col(f"to_{name}").alias("to_label"),
            "cause",
        )
        for name in dimensions
    ]
    return reduce(DataFrame.unionByName, parts)


def _old(name: str) -> str:
    return f"{name}_before_"


def _side(frame: DataFrame, prefix: str, dimensions: Sequence[str], mark: str) -> DataFrame:
    """Customers as they were or are: labels and metrics under a prefix, and that they are there."""
    known = [name for name in (*dimensions, *OF_PURCHASES, *OF_RULES) if name in frame.columns]
    columns = {**prefixed(prefix, known), mark: F.lit(True)}
    return frame.select(CUSTOMER_ID, *[column.alias(name) for name, column in columns.items()])
