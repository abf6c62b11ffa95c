"""Raw rows of a second input -> typed rows, each with its reason for rejection. Nothing is dropped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.config.inputs import SecondInput
from segmentation.config.own import InputConfig
from segmentation.core.days import on
from segmentation.core.extra import is_odd_extra, typed_extra, with_extra
from segmentation.core.metrics import count_if
from segmentation.core.quality import only_row
from segmentation.core.texts import word_or_null
from segmentation.errors import QualityGateError
from segmentation.schemas import CUSTOMER_ID, IS_ODD, KEPT, PLACE, RAW_RECORD, REASON, WHOSE


class Wrong(StrEnum):
    """Why a row of a second input is rejected; the first that applies."""

    MALFORMED_ROW = "malformed_row"
    MISSING_CUSTOMER_ID = "missing_customer_id"
    MISSING_DATE = "missing_date"
    INVALID_DATE = "invalid_date"
    MISSING_KEY = "missing_key"
    DUPLICATE_ROW = "duplicate_row"
    CONFLICTING_ROW = "conflicting_row"


@dataclass(frozen=True)
class Found:
    """What became of the rows of a second input.

    Attributes:
        rows_read: how many there were.
        rejected_by_reason: rows per `Wrong`.
        invalid_values: rows that are valid but for a value not of its type, which counts as none.
        rows_used: rows of customers, up to the as-of day.
        rows_after_as_of: valid rows after it.
        rows_of_others: valid rows up to it of those who are no customers, for they have no purchase.
        others: how many these are.
        customers: how many customers have a row that is used.
    """

    rows_read: int
    rejected_by_reason: Mapping[str, int]
    invalid_values: int
    rows_used: int = 0
    rows_after_as_of: int = 0
    rows_of_others: int = 0
    others: int = 0
    customers: int = 0

    @property
    def rows_rejected(self) -> int:
        """How many rows are rejected."""
        return sum(self.rejected_by_reason.values())

    def told(self) -> dict[str, int]:
        """The counts by name; those of reasons among them, where there are any."""
        names = ("rows_read", "rows_used", "rows_rejected", "rows_after_as_of", "rows_of_others")
        counts = {name: getattr(self, name) for name in (*names, "others", "customers", "invalid_values")}
        return {**counts, **self.rejected_by_reason}


def labelled(raw: DataFrame, second: SecondInput, config: SegmentationConfig) -> DataFrame:
    """Type every row and say why it cannot be used.

    Args:
        raw: one row per row read, all text: ``raw_record`` (the whole row where it is malformed, else null),
            ``customer_id``, and the columns of the input.
        second: the input.
        config: date formats, separators, words for nothing.

    Returns:
        The same rows: ``customer_id``; the columns, each null where the text is no value of its type; ``reason``
        (`Wrong`, null for a valid row); ``is_odd`` (boolean).
    """
    # Read as further columns of a purchase are.
    like = config.model_copy(update={"input": InputConfig(extra_columns=second.columns)})
    customer = word_or_null(F.col(CUSTOMER_ID), config.null_values)
    typed = with_extra(raw.withColumn(WHOSE, customer), like)
    rows = typed.select(
        F.col(WHOSE).alias(CUSTOMER_ID),
        *typed_extra(like),
        F.coalesce(
            _check(F.col(RAW_RECORD).isNotNull(), Wrong.MALFORMED_ROW),
            _check(F.col(WHOSE).isNull(), Wrong.MISSING_CUSTOMER_ID),
            *(
                [_check(word_or_null(F.col(second.date), config.null_values).isNull(), Wrong.MISSING_DATE)]
                if second.date
                else []
            ),
        ).alias(REASON),
        is_odd_extra(like).alias(IS_ODD),
    )
    late = {
        Wrong.INVALID_DATE: F.col(second.date).isNull() if second.date else None,
        Wrong.MISSING_KEY: F.col(second.key).isNull() if second.key else None,
    }
    checks = [_check(broken, wrong) for wrong, broken in late.items() if broken is not None]
    return rows.withColumn(REASON, F.coalesce(REASON, *checks)) if checks else rows


def _check(broken: Column, wrong: Wrong) -> Column:
    return F.when(broken, F.lit(wrong))


def settled(labelled: DataFrame, second: SecondInput) -> DataFrame:
    """Of several valid rows that are one, all but one are rejected: those of a customer, or of a key.

    The one kept has the smallest values in the order of the columns, a value before none: which one that is hangs on
    nothing but the rows. Equal ones are `Wrong.DUPLICATE_ROW`, others `Wrong.CONFLICTING_ROW`.
    """
    if second.identity is None:
        return labelled
    values = [CUSTOMER_ID, *second.columns]
    is_valid = F.col(REASON).isNull()
    valid, others = labelled.where(is_valid), labelled.where(~is_valid)
    ranks = Window.partitionBy(second.identity).orderBy(*[F.col(name).asc_nulls_last() for name in values])
    so_far = ranks.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    kept = {f"{KEPT}{name}": F.first(name).over(so_far) for name in values}
    same = F.lit(True)
    for name in values:
        same = same & F.col(name).eqNullSafe(F.col(f"{KEPT}{name}"))
    ranked = valid.withColumns({PLACE: F.row_number().over(ranks), **kept})
    lost = F.when(same, F.lit(Wrong.DUPLICATE_ROW)).otherwise(F.lit(Wrong.CONFLICTING_ROW))
    marked = ranked.withColumn(REASON, F.when(F.col(PLACE) > 1, lost)).select(*labelled.columns)
    return marked.unionByName(others)


def counted(rows: DataFrame) -> Found:
    """Count what was read, in one aggregate."""
    reasons = {wrong: count_if(F.col(REASON) == F.lit(wrong)).alias(wrong) for wrong in Wrong}
    is_odd = count_if(F.col(REASON).isNull() & F.col(IS_ODD)).alias(IS_ODD)
    found = only_row(rows.agg(F.count(F.lit(1)).alias("rows_read"), is_odd, *reasons.values()))
    return Found(found["rows_read"], {str(one): found[one] for one in Wrong if found[one]}, found[IS_ODD])


def told_by_day(found: Found, rows: DataFrame, customers: DataFrame, second: SecondInput, as_of: date) -> Found:
    """The rest of the counts, once it is known who is a customer, and as of when.

    Args:
        found: the counts so far.
        rows: the valid rows.
        customers: ``customer_id``, one row per customer.
        second: the input.
        as_of: the as-of day.
    """
    is_up_to = F.col(second.date) <= on(as_of) if second.date else F.lit(True)
    known = customers.select(F.col(CUSTOMER_ID).alias("who"))
    joined = rows.select(CUSTOMER_ID, is_up_to.alias("up_to")).join(known, F.col(CUSTOMER_ID) == F.col("who"), "left")
    up_to, is_known = F.col("up_to"), F.col("who").isNotNull()
    row: dict[str, Any] = only_row(
        joined.agg(
            count_if(up_to & is_known).alias("rows_used"),
            count_if(~up_to).alias("rows_after_as_of"),
            count_if(up_to & ~is_known).alias("rows_of_others"),
            F.count_distinct(F.when(up_to & ~is_known, F.col(CUSTOMER_ID))).alias("others"),
            F.count_distinct(F.when(up_to & is_known, F.col(CUSTOMER_ID))).alias("customers"),
        )
    )
    return Found(found.rows_read, found.rejected_by_reason, found.invalid_values, **row)


def refuse_broken(name: str, found: Found, max_rejected_ratio: Decimal) -> None:
    """Refuse an input of which more than the allowed share was rejected.

    Raises:
        QualityGateError: naming the input, the share and the reasons.
    """
    if found.rows_rejected <= max_rejected_ratio * found.rows_read:
        return
    why = ", ".join(f"{reason} {count}" for reason, count in found.rejected_by_reason.items())
    raise QualityGateError(
        f"inputs.{name}: {found.rows_rejected} of {found.rows_read} rows were rejected "
        f"({found.rows_rejected / found.rows_read:.1%}); max_rejected_ratio allows {max_rejected_ratio:.1%}: {why}. "
        f"Nothing was published. Correct them at their source, see whether inputs.{name}.columns names the right "
        "columns, or raise max_rejected_ratio."
    )


def remarks(name: str, found: Found) -> Sequence[str]:
    """What is worth a warning of an input, a sentence each."""
    told = []
    if found.rows_rejected:
        why = ", ".join(f"{reason} {count:,}" for reason, count in found.rejected_by_reason.items())
        told.append(f"inputs.{name}: rejected {found.rows_rejected:,} of {found.rows_read:,} rows: {why}")
    if found.invalid_values:
        told.append(f"inputs.{name}: rows with a value not of its type, which counts as none: {found.invalid_values:,}")
    if found.others:
        told.append(
            f"inputs.{name}: rows of those who have no purchase, and so are no customers: {found.rows_of_others:,} of "
            f"{found.others:,}"
        )
    if not found.customers:
        told.append(
            f"inputs.{name}: no customer has a row that is used; see whether customer_id names the right column"
        )
    return told
