"""Labelled rows -> what of them is used: duplicates settled, lines put together, everything counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.days import on
from segmentation.core.duplicates import identity_of, nothing_settled, repeated_ids, settle
from segmentation.core.lines import gathered, gathered_again, reject_other_customers, several_customers
from segmentation.core.quality import Profile, profile
from segmentation.engines.base import Engine
from segmentation.errors import NoDataError
from segmentation.locations import join
from segmentation.schemas import PURCHASE_DATE, REASONS


class Settled(NamedTuple):
    """Every row with its reasons, the valid purchases and returns, and the counts of both."""

    rows: DataFrame
    purchases: DataFrame
    found: Profile

    def used(self, as_of: date) -> DataFrame:
        """The purchases and returns up to a day."""
        return self.purchases.where(F.col(PURCHASE_DATE) <= on(as_of))

    def days(self, as_of: date | str) -> tuple[date, date]:
        """The first and the last day of a purchase or return.

        Raises:
            NoDataError: there is no purchase to use.
        """
        found = self.found
        if found.first_day is None or found.last_day is None or found.purchases == 0:
            raise NoDataError(
                f"none of {found.rows_read} rows can be used: {found.rows_rejected} rejected, "
                f"{found.purchases_after_as_of} after the as-of day {as_of}, {found.returns_used} of returns without "
                "any purchase. What was published stays."
            )
        return found.first_day, found.last_day


def settled(
    engine: Engine, labelled: DataFrame, config: SegmentationConfig, as_of: date | None, folder: str
) -> Settled:
    """Settle the rows of a run.

    Args:
        engine: keeps what is needed more than once.
        labelled: the labelled frame, staged.
        config: the grain, and whether there are returns.
        as_of: the as-of day, or None for the latest.
        folder: for what is kept.
    """
    rows = each_once(engine, labelled, config, join(folder, "repeated"))
    if config.grain == "order":
        return Settled(rows, rows.where(F.col(REASONS).isNull()), profile(rows, as_of))
    lines = put_together(engine, rows, folder, config.extra_columns)
    return Settled(*lines, profile(lines.rows, as_of, lines.purchases))


class Lines(NamedTuple):
    """Lines with their reasons, and the purchases that the valid ones make."""

    rows: DataFrame
    purchases: DataFrame


def put_together(engine: Engine, rows: DataFrame, folder: str, extra: Sequence[str] = ()) -> Lines:
    """Make purchases of lines, lines with one number settled; reject those of other customers."""
    purchases = engine.keep(gathered(rows, extra), join(folder, "gathered"))
    mixed = engine.keep(several_customers(purchases), join(folder, "mixed"))
    if mixed.count():
        rows = reject_other_customers(rows, mixed)
        purchases = engine.keep(gathered_again(purchases, rows, mixed, extra), join(folder, "gathered_again"))
    return Lines(rows, purchases)


def fixed_as_of(config: SegmentationConfig, today: date) -> date | None:
    """The as-of day where it does not hang on the data."""
    if isinstance(config.as_of, date):
        return config.as_of
    return today if config.as_of == "today" else None


def refuse_nothing(found: Profile, paths: Sequence[str]) -> None:
    """See that there are rows.

    Raises:
        NoDataError: there are none.
    """
    if found.rows_read == 0:
        raise NoDataError(f"there are no rows in {', '.join(paths)}.")


def each_once(engine: Engine, labelled: DataFrame, config: SegmentationConfig, folder: str) -> DataFrame:
    """Settle rows that are about one purchase, or one line."""
    identity = identity_of(config, labelled.columns if config.grain == "line" else [])
    if identity is None:
        return nothing_settled(labelled)
    candidates = engine.keep(repeated_ids(labelled, identity), folder)
    return (
        settle(labelled, candidates, identity, config.extra_columns)
        if candidates.count()
        else nothing_settled(labelled)
    )
