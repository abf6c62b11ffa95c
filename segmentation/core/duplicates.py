"""Several valid rows with one purchase id: one is kept, the others are rejected, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.texts import word_or_null
from segmentation.schemas import (
    AMOUNT,
    CATEGORY,
    CUSTOMER_ID,
    LIKE_A_LINE,
    LINE_ID,
    PURCHASE_COLUMNS,
    PURCHASE_DATE,
    PURCHASE_ID,
    REASONS,
    SOURCE_ID,
    WARNING,
    Reason,
)

ID_HASH = "purchase_id_hash"


class Identity(NamedTuple):
    """What says that two rows are one: equal keys, among those that `can_repeat`."""

    keys: tuple[Column, ...]
    can_repeat: Column

    @property
    def hash(self) -> Column:
        """64 bits that stand for the keys: equal ones have equal hashes, and few others do."""
        return F.xxhash64(*self.keys)


def identity_of(config: SegmentationConfig, columns: list[str]) -> Identity | None:
    """What rows of the labelled frame are told by; None for lines without a number, which are all kept."""
    purchase, valid = F.col(PURCHASE_ID), F.col(REASONS).isNull()
    if config.grain == "line":
        line = word_or_null(F.col(LINE_ID), config.null_values)
        return Identity((purchase, line), valid & line.isNotNull()) if LINE_ID in columns else None
    # A purchase and its return may carry one id.
    return Identity((purchase, F.col(AMOUNT) < 0) if config.returns == "net" else (purchase,), valid)


def repeated_ids(labelled: DataFrame, identity: Identity) -> DataFrame:
    """Hashes of the identities that more than one valid row has, and of few others.

    Only eight bytes a row are shuffled. A hash that two different ids share is only a candidate too many: the full
    ids are compared afterwards.

    Args:
        labelled: the labelled frame.
        identity: what says that two rows are one.

    Returns:
        One row per candidate: ``purchase_id_hash`` (bigint).
    """
    hashes = labelled.where(identity.can_repeat).select(identity.hash.alias(ID_HASH))
    # Most ids are unique, so counting before the shuffle would double the work.
    return hashes.repartition(ID_HASH).groupBy(ID_HASH).count().where(F.col("count") > 1).select(ID_HASH)


def settle(labelled: DataFrame, candidates: DataFrame, identity: Identity, extra: Sequence[str] = ()) -> DataFrame:
    """Reject all but one of the valid rows that are one by their identity.

    The one kept has the latest date, then the highest amount, then the smallest customer id, then the smallest
    category. The others get ``duplicate_purchase`` where they equal it in all five columns, else
    ``conflicting_purchase``.

    Args:
        labelled: the labelled frame.
        candidates: what `repeated_ids` found in it.
        identity: what says that two rows are one.
        extra: columns that only a configuration knows. Of rows that are equal in the others, the one with the smallest
            values there is kept, a value before none.

    Returns:
        The same rows and columns; ``reasons`` is filled for the rows that lost. And ``like_a_line`` (boolean): does a
        row that conflicts have the customer and the day of the one that was kept? Null for others.
    """
    hashed = labelled.withColumn(ID_HASH, F.when(identity.can_repeat, identity.hash))
    repeated = hashed.join(candidates, on=ID_HASH, how="left_semi")
    # A rejected row has no hash, so an anti join keeps it.
    others = hashed.join(candidates, on=ID_HASH, how="left_anti")
    return nothing_settled(others).unionByName(_ranked(repeated, identity, extra)).drop(ID_HASH)


def nothing_settled(labelled: DataFrame) -> DataFrame:
    """What `settle` makes of rows that are all alone."""
    return labelled.withColumn(LIKE_A_LINE, F.lit(None).cast("boolean"))


def best_first(*keys: Column | str, extra: Sequence[str] = ()) -> WindowSpec:
    """The rows with one key, the one that is kept in front."""
    return Window.partitionBy(*keys).orderBy(
        F.col(PURCHASE_DATE).desc(),
        F.col(AMOUNT).desc(),
        F.col(CUSTOMER_ID).asc(),
        F.col(CATEGORY).asc(),
        *[F.col(name).asc_nulls_last() for name in extra],
        # Not of the contract: they settle which of equal rows counts with its warning and which is shown as rejected.
        F.col(WARNING).asc(),
        F.col(SOURCE_ID).asc(),
    )


def _ranked(repeated: DataFrame, identity: Identity, extra: Sequence[str]) -> DataFrame:
    ranks = best_first(*identity.keys, extra=extra)
    so_far = ranks.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    kept, lost = F.col("kept"), F.col("place") > 1
    is_same = kept == F.struct(*PURCHASE_COLUMNS)
    same_order = (kept[CUSTOMER_ID] == F.col(CUSTOMER_ID)) & (kept[PURCHASE_DATE] == F.col(PURCHASE_DATE))
    return (
        repeated.withColumns(
            {"place": F.row_number().over(ranks), "kept": F.first(F.struct(*PURCHASE_COLUMNS)).over(so_far)}
        )
        .withColumns(
            {
                REASONS: F.when(lost & is_same, only(Reason.DUPLICATE_PURCHASE)).when(
                    lost, only(Reason.CONFLICTING_PURCHASE)
                ),
                LIKE_A_LINE: F.when(lost & ~is_same, same_order),
            }
        )
        .drop("place", "kept")
    )


def only(reason: Reason) -> Column:
    """One reason as an array: split, because one of literals would be of another type to some engines than others."""
    return F.split(F.lit(reason), ",")
