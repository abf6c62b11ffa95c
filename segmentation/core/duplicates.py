"""Several valid rows with one purchase id: one is kept, the others are rejected, each with its reason."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from segmentation.schemas import (
    AMOUNT,
    CATEGORY,
    CUSTOMER_ID,
    PURCHASE_COLUMNS,
    PURCHASE_DATE,
    PURCHASE_ID,
    REASONS,
    SOURCE_ID,
    WARNING,
    Reason,
)

ID_HASH = "purchase_id_hash"


def id_hash() -> Column:
    """64 bits that stand for a purchase id: equal ids have equal hashes, and few others do."""
    return F.xxhash64(PURCHASE_ID)


def repeated_ids(labelled: DataFrame) -> DataFrame:
    """Hashes of the purchase ids that more than one valid row carries, and of few others.

    Only eight bytes a row are shuffled. A hash that two different ids share is only a candidate too many: the full
    ids are compared afterwards.

    Args:
        labelled: the labelled frame.

    Returns:
        One row per candidate: ``purchase_id_hash`` (bigint).
    """
    hashes = labelled.where(F.col(REASONS).isNull()).select(id_hash().alias(ID_HASH))
    # Most ids are unique, so counting before the shuffle would double the work.
    return hashes.repartition(ID_HASH).groupBy(ID_HASH).count().where(F.col("count") > 1).select(ID_HASH)


def settle(labelled: DataFrame, candidates: DataFrame) -> DataFrame:
    """Reject all but one of the valid rows that share a purchase id.

    The one kept has the latest date, then the highest amount, then the smallest customer id, then the smallest
    category. The others get ``duplicate_purchase`` where they equal it in all five columns, else
    ``conflicting_purchase``.

    Args:
        labelled: the labelled frame.
        candidates: what `repeated_ids` found in it.

    Returns:
        The same rows and columns; ``reasons`` is filled for the rows that lost.
    """
    valid = F.col(REASONS).isNull()
    hashed = labelled.withColumn(ID_HASH, F.when(valid, id_hash()))
    repeated = hashed.join(candidates, on=ID_HASH, how="left_semi")
    # A rejected row has no hash, so an anti join keeps it.
    others = hashed.join(candidates, on=ID_HASH, how="left_anti")
    return others.unionByName(_ranked(repeated)).drop(ID_HASH)


def _ranked(repeated: DataFrame) -> DataFrame:
    best_first = Window.partitionBy(PURCHASE_ID).orderBy(
        F.col(PURCHASE_DATE).desc(),
        F.col(AMOUNT).desc(),
        F.col(CUSTOMER_ID).asc(),
        F.col(CATEGORY).asc(),
        # Not of the contract: they settle which of equal rows counts with its warning and which is shown as rejected.
        F.col(WARNING).asc(),
        F.col(SOURCE_ID).asc(),
    )
    kept = F.first(F.struct(*PURCHASE_COLUMNS)).over(
        best_first.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    )
    # Split, because an array of literals would be of another type to some engines than the reasons of other rows.
    reason = F.when(F.col("kept") == F.struct(*PURCHASE_COLUMNS), F.lit(Reason.DUPLICATE_PURCHASE)).otherwise(
        F.lit(Reason.CONFLICTING_PURCHASE)
    )
    return (
        repeated.withColumns({"place": F.row_number().over(best_first), "kept": kept})
        .withColumn(REASONS, F.when(F.col("place") > 1, F.split(reason, ",")))
        .drop("place", "kept")
    )
