"""The counts that prove that no row is lost, and the gate that refuses input that is too bad."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.core.metrics import count_if
from segmentation.errors import QualityGateError
from segmentation.schemas import PURCHASE_DATE, REASONS, WARNING, Reason, Warn


@dataclass(frozen=True)
class Profile:
    """What one pass over the labelled rows says of them.

    Attributes:
        rows_read: every row.
        rows_rejected: rows with a reason.
        purchases_after_as_of: valid rows after the as-of day.
        rejected_by_reason: rows per reason; a row with two reasons counts in both.
        warnings_by_reason: purchases used per warning.
        first_day: the earliest valid purchase date, None without one.
        last_day: the latest valid purchase date, None without one.
    """

    rows_read: int
    rows_rejected: int
    purchases_after_as_of: int
    rejected_by_reason: dict[str, int]
    warnings_by_reason: dict[str, int]
    first_day: date | None
    last_day: date | None

    @property
    def purchases_used(self) -> int:
        """What is left; the pipeline compares it with what the customers' metrics add up to."""
        return self.rows_read - self.rows_rejected - self.purchases_after_as_of


def profile(labelled: DataFrame, as_of: date | None) -> Profile:
    """Count everything in one aggregate, one row of which reaches the driver.

    Args:
        labelled: the labelled frame, duplicates settled.
        as_of: the as-of day, or None for the latest valid day, after which there is nothing.
    """
    valid = F.col(REASONS).isNull()
    inside = F.lit(True) if as_of is None else F.col(PURCHASE_DATE) <= F.lit(as_of)
    row = labelled.agg(
        F.count(F.lit(1)).alias("rows_read"),
        count_if(~valid).alias("rows_rejected"),
        count_if(valid & ~inside).alias("purchases_after_as_of"),
        F.min(F.when(valid, F.col(PURCHASE_DATE))).alias("first_day"),
        F.max(F.when(valid, F.col(PURCHASE_DATE))).alias("last_day"),
        *[count_if(F.array_contains(REASONS, F.lit(reason))).alias(reason) for reason in Reason],
        *[count_if(valid & inside & (F.col(WARNING) == warning)).alias(warning) for warning in Warn],
    ).first()
    assert row is not None  # an aggregate without groups has one row
    return Profile(
        rows_read=row["rows_read"],
        rows_rejected=row["rows_rejected"],
        purchases_after_as_of=row["purchases_after_as_of"],
        rejected_by_reason={str(reason): row[reason] for reason in Reason if row[reason]},
        warnings_by_reason={str(warning): row[warning] for warning in Warn if row[warning]},
        first_day=row["first_day"],
        last_day=row["last_day"],
    )


def enforce_gate(found: Profile, max_rejected_ratio: Decimal) -> None:
    """Refuse input of which more than the allowed share was rejected.

    Raises:
        QualityGateError: naming the share, the most frequent reasons and where the rows are.
    """
    if found.rows_rejected <= max_rejected_ratio * found.rows_read:
        return
    worst = sorted(found.rejected_by_reason.items(), key=lambda item: -item[1])[:5]
    raise QualityGateError(
        f"{found.rows_rejected} of {found.rows_read} rows were rejected "
        f"({found.rows_rejected / found.rows_read:.1%}); max_rejected_ratio allows {max_rejected_ratio:.1%}. "
        f"Most frequent: {', '.join(f'{reason} {count}' for reason, count in worst)}. Nothing was published. "
        "The rejected rows are kept in the table rejected_purchases (unless this was a dry run): "
        "correct them at their source, "
        "or raise max_rejected_ratio."
    )
