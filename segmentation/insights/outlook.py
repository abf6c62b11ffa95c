"""What becomes of a customer's labels if nothing more is bought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise, takewhile
from typing import Any, NamedTuple

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation.core.days import on
from segmentation.core.festive import resolve
from segmentation.core.metrics import LOYAL_WINDOW, SHOWN_DAYS, SHOWN_MONTHS
from segmentation.core.own.scores import Cuts
from segmentation.core.quality import only_row
from segmentation.core.segmentation import Segmentation
from segmentation.schemas import CUSTOMER_ID, PURCHASE_DATE

# More days than any month has.
MONTH = 31
WINDOWS = (LOYAL_WINDOW, "purchases_last_6_months", "purchases_last_90_days")


class Outlook(NamedTuple):
    """What comes next.

    Attributes:
        changes: by day, ``day``, ``dimension``, ``from_label``, ``to_label``.
        stands_until: per window the last day on which it holds as many purchases as now.
    """

    changes: list[dict[str, Any]]
    stands_until: dict[str, date]


def outlook(
    segmentation: Segmentation,
    purchases: DataFrame,
    as_of: date,
    row: Mapping[str, Any],
    silence: int = 0,
    cuts: Cuts | None = None,
) -> Outlook:
    """The days on which labels change, were the job run on each of them with the purchases that are known now.

    Every day is segmented as if it were a customer of its own, by the rules and metrics of every run.

    Args:
        segmentation: the rules.
        purchases: one customer's, ``customer_id``, ``purchase_date``, ``amount``, ``category``.
        as_of: the day that the labels are seen from.
        row: the customer then, with the labels and metrics.
        silence: the most days since the last purchase that a rule asks for.
        cuts: where the scores cut, which stays as it is here.
    """
    known = only_row(purchases.agg(F.min(PURCHASE_DATE).alias("first"), F.max(PURCHASE_DATE).alias("last")))
    if known["last"] is None:
        return Outlook([], {})
    days = _days(segmentation, purchases.sparkSession, as_of, known["last"], silence)
    seen = (
        purchases.drop(CUSTOMER_ID)
        .crossJoin(days)
        .where(F.col(PURCHASE_DATE) <= F.col("day"))
        .withColumn(CUSTOMER_ID, F.col("day").cast("string"))
    )
    festive = resolve(segmentation.config.festive_periods, known["first"], known["last"])
    sums = segmentation.sums(seen, F.col(CUSTOMER_ID).cast("date"), festive)
    # A rule may look at the id, so each day has the customer's again; the day follows from the metrics.
    theirs = sums.withColumn("day", F.col(CUSTOMER_ID).cast("date")).withColumn(CUSTOMER_ID, F.lit(row[CUSTOMER_ID]))
    day = F.date_add("last_purchase", "days_since_last_purchase").cast("string")
    metrics = segmentation.measured(theirs, F.col("day"), segmentation.as_said(row))
    labelled = segmentation.customers(metrics, cuts or {}).withColumn(CUSTOMER_ID, day)
    windows = [name for name in WINDOWS if name in row and name in labelled.columns]
    found = labelled.select(CUSTOMER_ID, *segmentation.dimensions, *windows).collect()
    rows = [{**row, CUSTOMER_ID: as_of.isoformat()}, *sorted((one.asDict() for one in found), key=_day)]
    changes = [
        {"day": _day(after), "dimension": name, "from_label": before[name], "to_label": after[name]}
        for before, after in pairwise(rows)
        for name in segmentation.dimensions
        if before[name] != after[name]
    ]
    return Outlook(changes, {name: _stands_until(rows, name) for name in windows if row[name]})


def _days(segmentation: Segmentation, session: SparkSession, as_of: date, last: date, silence: int) -> DataFrame:
    """``day``: each until nothing that is known can change any more."""
    config = segmentation.config
    longest = max(silence, SHOWN_DAYS, MONTH * max(SHOWN_MONTHS, config.loyal_window_months))
    latest = max(as_of, last)
    end = latest + min(timedelta(days=longest + 1), date.max - latest)
    if end == as_of:
        return session.createDataFrame([], "day date")
    every = F.explode(F.sequence(on(as_of + timedelta(days=1)), on(end)))
    return session.range(1).select(every.alias("day"))


def _day(row: Mapping[str, Any]) -> str:
    return str(row[CUSTOMER_ID])


def _stands_until(rows: Sequence[Mapping[str, Any]], name: str) -> date:
    standing = takewhile(lambda one: one[name] == rows[0][name], rows)
    return max(date.fromisoformat(_day(one)) for one in standing)
