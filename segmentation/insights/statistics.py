"""What a report counts: everything that grows with the customers is added up by the engine, in few passes.

Each function makes rows that are as many as labels, months or buckets, never as many as customers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.core.metrics import category_count, count_if
from segmentation.core.quality import only_row
from segmentation.core.sales import Row
from segmentation.schemas import CUSTOMER_ID, OTHER

SPEND = "lifetime_spend"
# The lower ends of buckets; the last has no upper end.
EDGES: Mapping[str, Sequence[int]] = {
    "days_since_last_purchase": (0, 15, 30, 45, 60, 75, 90, 120, 150, 180, 270, 365, 545, 730),
    "total_purchases": (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100),
    SPEND: (0, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 150_000, 250_000, 500_000, 1_000_000),
}
# The shares of customers whose share of spend is told.
TOP = (Decimal("0.01"), Decimal("0.05"), Decimal("0.10"), Decimal("0.20"), Decimal("0.50"))


def by_labels(customers: DataFrame, dimensions: Sequence[str]) -> list[Row]:
    """One row per combination of labels: the labels, ``customers``, ``spend``, ``purchases``, ``days`` (since the last
    purchase, summed), ``unknown`` (purchases in no known category), and per metric of `EDGES` counts per bucket.
    """
    buckets = {f"{name} {at}": count_if(_in_bucket(name, at)) for name in EDGES for at in range(len(EDGES[name]))}
    sums = {
        "customers": F.count(F.lit(1)),
        "spend": F.sum(SPEND),
        "purchases": F.sum("total_purchases"),
        "days": F.sum("days_since_last_purchase"),
        "unknown": F.sum(category_count(OTHER)),
    }
    found = customers.groupBy(*dimensions).agg(*[column.alias(name) for name, column in {**sums, **buckets}.items()])
    return [_with_lists(row.asDict()) for row in found.collect()]


def _in_bucket(name: str, at: int) -> Column:
    edges = EDGES[name]
    above = F.col(name) >= edges[at] if at else F.lit(True)
    return above & (F.col(name) < edges[at + 1]) if at + 1 < len(edges) else above


def _with_lists(row: dict[str, Any]) -> Row:
    lists = {name: [row.pop(f"{name} {at}") for at in range(len(edges))] for name, edges in EDGES.items()}
    return {**row, **lists}


def concentration(customers: DataFrame) -> list[Row]:
    """One row per share of `TOP`: ``share`` of the customers, the ``spend`` of those who spend most, and ``least``,
    what the last of them has spent. Of those who have spent as much as the last, as many count as there is room for.
    """
    cuts = only_row(customers.agg(*[F.percentile_approx(SPEND, float(1 - share)).alias(f"{share}") for share in TOP]))
    if any(cut is None for cut in cuts.values()):
        return []
    sums = [F.count(F.lit(1)).alias("all")]
    for share in TOP:
        is_above = F.col(SPEND) > F.lit(Decimal(str(cuts[f"{share}"])))
        sums += [
            count_if(is_above).alias(f"above {share}"),
            F.sum(F.when(is_above, F.col(SPEND))).alias(f"spend {share}"),
        ]
    found = only_row(customers.agg(*sums))
    return [_top(share, Decimal(str(cuts[f"{share}"])), found) for share in TOP]


def _top(share: Decimal, least: Decimal, found: Row) -> Row:
    room = found["all"] * share - found[f"above {share}"]
    return {"share": share, "spend": (found[f"spend {share}"] or Decimal(0)) + room * least, "least": least}


def moves(changes: DataFrame, customers: DataFrame) -> list[Row]:
    """Changes of labels by dimension, labels and cause: ``customers``, and the ``spend`` that moved with them."""
    spend = customers.select(CUSTOMER_ID, SPEND)
    keys = ("dimension", "from_label", "to_label", "cause")
    found = (
        changes.join(spend, on=CUSTOMER_ID, how="left")
        .groupBy(*keys)
        .agg(F.count(F.lit(1)).alias("customers"), F.coalesce(F.sum(SPEND), F.lit(Decimal(0))).alias("spend"))
    )
    rows = [row.asDict() for row in found.collect()]
    return sorted(rows, key=lambda row: (row["dimension"], -row["customers"], str(row)))
