"""The counts that prove that no row is lost, and the gate that refuses input that is too bad."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.console import LOGGER
from segmentation.core.days import on
from segmentation.core.metrics import count_if
from segmentation.errors import QualityGateError
from segmentation.schemas import AMOUNT, LIKE_A_LINE, LINES, PURCHASE_DATE, REASONS, WARNING, Reason, Warn


@dataclass(frozen=True)
class Profile:
    """What is to be said of all rows.

    Attributes:
        rows_read: every row.
        rows_rejected: rows with a reason.
        purchases_after_as_of: valid rows of purchases and returns after the as-of day.
        purchases_used: valid rows of the others.
        returns_used: those among them that are of returns.
        purchases: how many purchases they make, returns left out.
        returns: how many returns they make.
        rejected_by_reason: rows per reason; a row with two reasons counts in both.
        warnings_by_reason: rows used per warning.
        first_day: the earliest day of a purchase or return, None without one.
        last_day: the latest, None without one.
        rows_like_lines: where a row is an order, those that conflict with one of the same customer and day, as lines
            of an order do.
    """

    rows_read: int
    rows_rejected: int
    purchases_after_as_of: int
    purchases_used: int
    returns_used: int
    purchases: int
    returns: int
    rejected_by_reason: dict[str, int]
    warnings_by_reason: dict[str, int]
    first_day: date | None
    last_day: date | None
    rows_like_lines: int = 0

    @property
    def nothing_is_lost(self) -> bool:
        """Every row that was read is used, rejected, or after the as-of day."""
        return self.rows_read == self.purchases_used + self.rows_rejected + self.purchases_after_as_of


# Of a run that had nothing to read.
NOTHING = Profile(0, 0, 0, 0, 0, 0, 0, {}, {}, None, None)


def profile(settled: DataFrame, as_of: date | None, purchases: DataFrame | None = None) -> Profile:
    """Count everything in one aggregate a frame, one row of which reaches the driver.

    Args:
        settled: the labelled frame, duplicates settled.
        as_of: the as-of day, or None for the latest valid day, after which there is nothing.
        purchases: what `lines.gathered` made of the valid rows, None where each of them is a purchase.
    """
    if purchases is None:
        found = _counted(settled, [*_of_rows(), *_of_purchases(as_of)])
    else:
        found = {**_counted(settled, _of_rows()), **_counted(purchases, _of_gathered(as_of))}
    return Profile(
        **{name: value for name, value in found.items() if name not in (*Reason, *Warn)},
        rejected_by_reason={str(reason): found[reason] for reason in Reason if found[reason]},
        warnings_by_reason={str(warning): found[warning] for warning in Warn if found[warning]},
    )


def _counted(frame: DataFrame, counts: list[Column]) -> dict[str, Any]:
    return only_row(frame.agg(*counts))


def purchases_and_returns(rows: DataFrame, prefix: str, as_of: date) -> tuple[int, int]:
    """How many of each there are up to a day; `prefix` stands before the names of the columns."""
    is_used, is_return = F.col(prefix + PURCHASE_DATE) <= on(as_of), F.col(prefix + AMOUNT) < 0
    counts = count_if(is_used & ~is_return).alias("purchases"), count_if(is_used & is_return).alias("returns")
    row = only_row(rows.agg(*counts))
    return row["purchases"], row["returns"]


def only_row(aggregate: DataFrame) -> dict[str, Any]:
    """What an aggregate without groups, which has one row, came to."""
    row = aggregate.first()
    assert row is not None
    return row.asDict()


def _of_rows() -> list[Column]:
    return [
        F.count(F.lit(1)).alias("rows_read"),
        count_if(F.col(REASONS).isNotNull()).alias("rows_rejected"),
        *[count_if(F.array_contains(REASONS, F.lit(reason))).alias(reason) for reason in Reason],
    ]


def _of_purchases(as_of: date | None) -> list[Column]:
    """Of rows each of which is a purchase or a return, where it is valid."""
    valid = F.col(REASONS).isNull()

    def warned(used: Column, warning: Warn) -> Column:
        return count_if(used & (F.col(WARNING) == warning))

    return [count_if(F.col(LIKE_A_LINE)).alias("rows_like_lines"), *_of_days(valid, as_of, count_if, warned)]


def _of_gathered(as_of: date | None) -> list[Column]:
    """Of purchases and returns that are made of rows."""

    def rows(condition: Column) -> Column:
        return _sum(F.when(condition, F.col(LINES)))

    def warned(used: Column, warning: Warn) -> Column:
        return _sum(F.when(used, F.col(warning)))

    return _of_days(F.lit(True), as_of, rows, warned)


def _of_days(
    valid: Column,
    as_of: date | None,
    rows: Callable[[Column], Column],
    warned: Callable[[Column, Warn], Column],
) -> list[Column]:
    """What is to be counted of purchases and returns: `rows` they are made of, `warned` ones among these."""
    inside = F.lit(True) if as_of is None else F.col(PURCHASE_DATE) <= on(as_of)
    used, is_return = valid & inside, F.col(AMOUNT) < 0
    return [
        rows(valid & ~inside).alias("purchases_after_as_of"),
        rows(used).alias("purchases_used"),
        rows(used & is_return).alias("returns_used"),
        count_if(used & ~is_return).alias("purchases"),
        count_if(used & is_return).alias("returns"),
        F.min(F.when(valid, F.col(PURCHASE_DATE))).alias("first_day"),
        F.max(F.when(valid, F.col(PURCHASE_DATE))).alias("last_day"),
        *[warned(used, warning).alias(warning) for warning in Warn],
    ]


def _sum(count: Column) -> Column:
    return F.coalesce(F.sum(count), F.lit(0))


def enforce_gate(found: Profile, max_rejected_ratio: Decimal, earlier: tuple[int, int] = (0, 0)) -> None:
    """Refuse input of which more than the allowed share was rejected.

    Args:
        found: the counts of the rows that were read.
        max_rejected_ratio: the share.
        earlier: the rows that earlier runs have read and rejected, where this one goes on from them.

    Raises:
        QualityGateError: naming the share, the most frequent reasons and where the rows are.
    """
    if found.rows_rejected <= max_rejected_ratio * found.rows_read:
        return
    if found.rows_rejected + earlier[1] <= max_rejected_ratio * (found.rows_read + earlier[0]):
        LOGGER.warning(
            "%d of the %d rows that are new were rejected, more than max_rejected_ratio allows; of all that was read "
            "so far it is less. Look at them: segmentation rejected.",
            found.rows_rejected,
            found.rows_read,
        )
        return
    worst = sorted(found.rejected_by_reason.items(), key=lambda item: -item[1])[:5]
    raise QualityGateError(
        f"{found.rows_rejected} of {found.rows_read} rows were rejected "
        f"({found.rows_rejected / found.rows_read:.1%}); max_rejected_ratio allows {max_rejected_ratio:.1%}. "
        f"Most frequent: {', '.join(f'{reason} {count}' for reason, count in worst)}. Nothing was published. "
        "The rejected rows are kept in the table rejected_purchases (unless this was a dry run): "
        "correct them at their source, "
        f"or raise max_rejected_ratio.{_hint_at_lines(found)}"
    )


def _hint_at_lines(found: Profile) -> str:
    """What to do where most rows seem to be rejected because each is a line of an order."""
    if 2 * found.rows_like_lines <= found.rows_rejected:
        return ""
    return (
        f" {found.rows_like_lines} of the conflicting rows have the customer and the day of the row that was kept with "
        "their purchase id: where a row is a line of an order and has the amount of that line, set grain: line."
    )
