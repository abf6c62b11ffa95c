"""What was sold, added up by month and half-year: rows that are as many as months, never as many as customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.core.days import on
from segmentation.core.metrics import count_if
from segmentation.core.quality import only_row
from segmentation.schemas import AMOUNT, CUSTOMER_ID, PURCHASE_DATE

Row = Mapping[str, Any]
PERIOD = timedelta(days=182)


@dataclass(frozen=True)
class Sales:
    """Sales up to a day, in rupees.

    Attributes:
        first: the day of the first purchase.
        months: one row per month of a customer's first purchase and month of purchases: ``cohort``, ``month`` (dates,
            the first of the month), ``customers``, ``purchases``, ``sales``.
        periods: ``customers``, ``purchases`` and ``sales`` of the last `PERIOD` but one, and of the last; None where
            less is known.
    """

    first: date
    months: Sequence[Row]
    periods: tuple[Row, Row] | None


def sales_of(purchases: DataFrame, first: date, as_of: date) -> Sales:
    """Add up what was sold.

    Args:
        purchases: ``customer_id``, ``purchase_date``, ``amount``; returns and what is after `as_of` do not count.
        first: the day of the first of them.
        as_of: the last day that counts.
    """
    bought = purchases.where((F.col(PURCHASE_DATE) <= on(as_of)) & (F.col(AMOUNT) >= 0))
    is_known = first <= as_of - 2 * PERIOD
    periods = _of_periods(bought, as_of - 2 * PERIOD, as_of - PERIOD, as_of) if is_known else None
    return Sales(first, _by_month(bought), periods)


def _by_month(bought: DataFrame) -> list[Row]:
    """One row per month of a customer's first purchase and month of purchases: ``cohort``, ``month`` (dates, the first
    of the month), ``customers``, ``purchases``, ``sales``.

    Args:
        bought: purchases that count, returns left out.
    """
    theirs = bought.groupBy(CUSTOMER_ID, month_of(F.col(PURCHASE_DATE)).alias("month")).agg(
        F.count(F.lit(1)).alias("purchases"), F.sum(AMOUNT).alias("sales")
    )
    first = bought.groupBy(CUSTOMER_ID).agg(month_of(F.min(PURCHASE_DATE)).alias("cohort"))
    found = (
        theirs.join(first, on=CUSTOMER_ID)
        .groupBy("cohort", "month")
        .agg(F.count(F.lit(1)).alias("customers"), F.sum("purchases").alias("purchases"), F.sum("sales").alias("sales"))
    )
    rows = [{**row.asDict(), **{name: _first_of(row[name]) for name in ("cohort", "month")}} for row in found.collect()]
    return sorted(rows, key=lambda row: (row["cohort"], row["month"]))


def month_of(day: Column) -> Column:
    """The year times a hundred and the month, int: engines lose days of early centuries when they round them."""
    return F.year(day) * 100 + F.month(day)


def _first_of(month: int) -> date:
    """The first day of a month of `month_of`."""
    return date(month // 100, month % 100, 1)


def _of_periods(bought: DataFrame, start: date, middle: date, end: date) -> tuple[Row, Row]:
    """``customers``, ``purchases`` and ``sales`` of two periods: after `start` to `middle`, and after that to `end`."""
    periods = {"before": (start, middle), "now": (middle, end)}
    inside = {
        name: (F.col(PURCHASE_DATE) > on(after)) & (F.col(PURCHASE_DATE) <= on(last))
        for name, (after, last) in periods.items()
    }
    theirs = bought.groupBy(CUSTOMER_ID).agg(
        *[count_if(one).alias(f"{name} purchases") for name, one in inside.items()],
        *[F.sum(F.when(one, F.col(AMOUNT))).alias(f"{name} sales") for name, one in inside.items()],
    )
    found = only_row(
        theirs.agg(
            *[count_if(F.col(f"{name} purchases") > 0).alias(f"{name} customers") for name in periods],
            *[F.sum(f"{name} purchases").alias(f"{name} purchases") for name in periods],
            *[F.sum(f"{name} sales").alias(f"{name} sales") for name in periods],
        )
    )
    before, now = (
        {what: found[f"{name} {what}"] or 0 for what in ("customers", "purchases", "sales")} for name in periods
    )
    return before, now
