"""Purchases that earlier runs took in, and rows that come to them.

Of all rows of a purchase, in whatever order they arrive, the first by the contract's precedence is kept. Keeping the
best is the same whether all come at once or some today and some tomorrow, so an incremental run ends where a full one
does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.days import on
from segmentation.core.duplicates import Identity, identity_of, only
from segmentation.core.metrics import window_days
from segmentation.schemas import (
    AMOUNT,
    CATEGORY,
    CUSTOMER_ID,
    LIKE_A_LINE,
    LINE_ID,
    PURCHASE_COLUMNS,
    PURCHASE_DATE,
    PURCHASE_ID,
    RAW,
    REASONS,
    SOURCE,
    SOURCE_ID,
    WARNING,
    Reason,
)

# Of a row: is it, or does it now become, what is kept of its purchase?
IS_NEW = "is_new"
# Of a row: was it set aside by an earlier run, until its day came? It is none of this run's rows.
WAITED = "waited"


def kept_columns(config: SegmentationConfig) -> list[str]:
    """What is kept of every purchase, besides the run that took it in."""
    return [*config.purchase_columns, *([LINE_ID] if config.numbers_lines else []), WARNING, SOURCE]


def match_of(config: SegmentationConfig) -> str:
    """When a row ``s`` stands for the same purchase as ``t``, as an SQL condition."""
    same = f"t.{PURCHASE_ID} = s.{PURCHASE_ID}"
    return f"{same} AND (t.{AMOUNT} < 0) = (s.{AMOUNT} < 0)" if config.returns == "net" else same


def is_early(reasons: Column) -> Column:
    """Is a row rejected for nothing but its day, which lies in the future?"""
    return (F.size(reasons) == 1) & (reasons[0] == F.lit(Reason.FUTURE_PURCHASE_DATE))


def together(read: DataFrame | None, due: DataFrame | None) -> DataFrame:
    """Rows that were read, and purchases that waited for their day, in one labelled frame with ``waited``.

    Args:
        read: the labelled frame with ``source``, None where nothing was read.
        due: purchases, `kept_columns`, None where none waited.
    """
    mine = None if read is None else read.withColumn(WAITED, F.lit(False))
    if due is None:
        assert mine is not None  # there is something
        return mine
    nothing = F.lit(None).cast("array<string>")
    waited = due.drop("run_id").withColumns(
        {SOURCE_ID: F.lit(0).cast("bigint"), WAITED: F.lit(True), REASONS: nothing, RAW: nothing}
    )
    return waited if mine is None else mine.unionByName(waited)


def near(known: DataFrame, rows: DataFrame, *, are_few: bool) -> DataFrame:
    """The known purchases that valid rows are about, told by their purchase id.

    Where the rows are few, every task is given all ids: the known purchases, which are many, stay where they are.
    """
    ids = rows.where(F.col(REASONS).isNull()).select(PURCHASE_ID)
    return known.join(F.broadcast(ids) if are_few else ids, on=PURCHASE_ID, how="left_semi")


def met(rows: DataFrame, known: DataFrame, config: SegmentationConfig) -> DataFrame:
    """Settle rows against what is known of their purchases.

    Args:
        rows: the labelled frame with ``source``, settled: no two valid rows are about one purchase.
        known: purchases by the same identity, at least those that the rows are about, `kept_columns`.
        config: whether a purchase and its return may carry one id.

    Returns:
        The same rows. ``is_new`` (boolean): valid, and better than what was known, or nothing was. A valid row that is
        not new is the known one once more if it equals it and comes from the same source; else it is rejected, as
        ``duplicate_purchase`` if it equals it, as ``conflicting_purchase`` if not. ``known_`` and a name: the customer,
        id, day and amount of what was known, null for other rows.
    """
    identity = identity_of(config, rows.columns)
    assert identity is not None  # lines are not settled here
    keys = [f"key_{number}" for number in range(len(identity.keys))]
    mine = rows.withColumns({key: F.when(identity.can_repeat, each) for key, each in _keyed(keys, identity)})
    old = known.select(
        *[each.alias(f"old_{key}") for key, each in _keyed(keys, identity)],
        *[F.col(name).alias(_known(name)) for name in (*config.purchase_columns, SOURCE)],
    )
    same_purchase = [F.col(key) == F.col(f"old_{key}") for key in keys]
    has_known, is_valid = F.col(_known(PURCHASE_ID)).isNotNull(), F.col(REASONS).isNull()
    is_same = _all([F.col(name) == F.col(_known(name)) for name in PURCHASE_COLUMNS])
    is_beaten = has_known & ~F.col(IS_NEW)
    is_again = is_same & (F.col(SOURCE) == F.col(_known(SOURCE)))
    same_order = _all([F.col(name) == F.col(_known(name)) for name in (CUSTOMER_ID, PURCHASE_DATE)])
    return (
        mine.join(old, on=_all(same_purchase), how="left")
        .withColumn(IS_NEW, is_valid & (~has_known | _is_better(config.extra_columns)))
        .withColumn(LIKE_A_LINE, F.coalesce(LIKE_A_LINE, F.when(is_beaten & ~is_same, same_order)))
        .withColumn(
            REASONS,
            F.when(is_beaten & is_same & ~is_again, only(Reason.DUPLICATE_PURCHASE))
            .when(is_beaten & ~is_same, only(Reason.CONFLICTING_PURCHASE))
            .otherwise(F.col(REASONS)),
        )
        .drop(*keys, *[f"old_{key}" for key in keys])
    )


def without_replaced(known: DataFrame, rows: DataFrame, config: SegmentationConfig) -> DataFrame:
    """The known purchases that stay what they were.

    Args:
        known: purchases, each once.
        rows: what `met` made.
        config: as for `met`.
    """
    replaced = replacing(rows).select(*[F.col(_known(name)).alias(name) for name in (PURCHASE_ID, AMOUNT)])
    return known.alias("t").join(replaced.alias("s"), on=F.expr(match_of(config)), how="left_anti")


def replacing(rows: DataFrame) -> DataFrame:
    """The rows that take the place of a known purchase, of what `met` made."""
    return rows.where(is_replacing())


def is_replacing() -> Column:
    """Does a row take the place of a known purchase?"""
    return F.col(IS_NEW) & F.col(_known(PURCHASE_ID)).isNotNull()


def customers_of(rows: DataFrame) -> DataFrame:
    """Whose purchases the rows of `met` change: ``customer_id``, not each once."""
    new = rows.where(IS_NEW)
    return new.select(CUSTOMER_ID).unionByName(replacing(rows).select(F.col(_known(CUSTOMER_ID)).alias(CUSTOMER_ID)))


def lost(known: DataFrame, read: DataFrame, extra: Sequence[str] = ()) -> DataFrame:
    """Known purchases that are not among the rows of their source any more, which was read again.

    Args:
        known: those of that source.
        read: the labelled frame of all of it, with ``source``, nothing settled.
        extra: columns that only a configuration knows.
    """
    columns = (*PURCHASE_COLUMNS, *extra, SOURCE)
    found = read.where(F.col(REASONS).isNull()).select(*[F.col(name).alias(_known(name)) for name in columns])
    same = [F.col(name) == F.col(_known(name)) for name in (*PURCHASE_COLUMNS, SOURCE)]
    # These may be null.
    same += [F.col(name).eqNullSafe(F.col(_known(name))) for name in extra]
    return known.join(found, on=_all(same), how="left_anti")


def crossing(purchases: DataFrame, before: date, now: date, config: SegmentationConfig) -> DataFrame:
    """The customers with a purchase that enters or leaves a window when the as-of day moves: ``customer_id``."""
    edges = [_between(F.col(PURCHASE_DATE), *sorted((before, now)))]
    day, starts = F.col(PURCHASE_DATE), window_days(now, config)
    for name, old in window_days(before, config).items():
        new = starts[name]
        edges.append((day >= F.least(old, new)) & (day < F.greatest(old, new)))
    return purchases.where(reduce(lambda one, other: one | other, edges)).select(CUSTOMER_ID)


def _between(day: Column, first: date, last: date) -> Column:
    return (day > on(first)) & (day <= on(last))


def _is_better(extra: Sequence[str]) -> Column:
    """Does a row come before what is known of its purchase? See `duplicates.settle`."""
    better: Column = F.lit(False)
    for name in reversed(extra):
        value, known = F.col(name), F.col(_known(name))
        is_smaller = F.coalesce(value < known, value.isNotNull() & known.isNull())
        better = is_smaller | (value.eqNullSafe(known) & better)
    for name, is_higher in ((CATEGORY, False), (CUSTOMER_ID, False), (AMOUNT, True), (PURCHASE_DATE, True)):
        value, known = F.col(name), F.col(_known(name))
        better = ((value > known) if is_higher else (value < known)) | ((value == known) & better)
    return better


def _keyed(keys: list[str], identity: Identity) -> list[tuple[str, Column]]:
    return list(zip(keys, identity.keys, strict=True))


def _all(conditions: list[Column]) -> Column:
    return reduce(lambda one, other: one & other, conditions)


def _known(name: str) -> str:
    return f"known_{name}"
