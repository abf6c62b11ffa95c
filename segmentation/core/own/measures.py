"""Metrics by configuration: aggregates over a customer's purchases, and what is computed from a customer's metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.days import on
from segmentation.core.festive import FestiveCalendar
from segmentation.core.metrics import METRICS_SCHEMA, SHOWN_DAYS, SHOWN_MONTHS, in_last_days, in_last_months
from segmentation.core.own.kinds import DAY, TEXT, TRUTH, Kind, Sort, kind_named, kind_of
from segmentation.core.own.typed import Typed
from segmentation.schemas import AMOUNT, CATEGORY, CUSTOMER_ID, PURCHASE_DATE, PURCHASE_ID

AS_OF, IS_FESTIVE = "as_of", "is_festive"
# What is told of each purchase besides its columns.
TOLD: Mapping[str, Kind] = {
    AS_OF: DAY,
    "in_last_6_months": TRUTH,
    "in_last_90_days": TRUTH,
    "in_loyal_window": TRUTH,
    IS_FESTIVE: TRUTH,
    "first_purchase": DAY,
    "last_purchase": DAY,
}
# What is the same for all purchases of a customer.
SAME = frozenset({AS_OF, "first_purchase", "last_purchase"})

# What the day moves.
OF_DAYS = frozenset({AS_OF, "in_last_6_months", "in_last_90_days", "in_loyal_window"})


def customer_kinds() -> dict[str, Kind]:
    """What is known of every customer."""
    return {field.name: kind_of(field.dataType) for field in METRICS_SCHEMA.fields}


def purchase_kinds(config: SegmentationConfig) -> dict[str, Kind]:
    """What is known of every purchase."""
    extra = {name: kind_named(column.type) for name, column in config.input.extra_columns.items()}
    own = {PURCHASE_ID: TEXT, PURCHASE_DATE: DAY, AMOUNT: Kind(Sort.EXACT, 2), CATEGORY: TEXT}
    return {**own, **extra, **TOLD}


@dataclass(frozen=True)
class Measure:
    """A metric: over purchases, or the second input `of`, where it sums up, else from other metrics of the customer."""

    name: str
    typed: Typed
    of: str | None = None

    @cached_property
    def names(self) -> frozenset[str]:
        """The columns that it looks at."""
        return self.typed.names

    def column(self) -> Column:
        """Its values, of the type of their kind."""
        return self.typed.build().cast(self.typed.kind.type).alias(self.name)


def over_purchases(measures: Sequence[Measure]) -> list[Measure]:
    """Those that are aggregates."""
    return [one for one in measures if one.typed.sums_up and one.of is None]


def formulas(measures: Sequence[Measure]) -> list[Measure]:
    """Those that are computed from other metrics, each from earlier ones."""
    return [one for one in measures if not one.typed.sums_up]


def hang_on_the_day(measures: Sequence[Measure]) -> bool:
    """Does one change for everybody when the day moves?"""
    return any(AS_OF in one.names for one in over_purchases(measures))


def prepared(
    purchases: DataFrame,
    as_of: date | Column,
    festive: FestiveCalendar,
    config: SegmentationConfig,
    measures: Sequence[Measure],
) -> DataFrame:
    """Purchases and returns -> the same rows, with what the aggregates of `measures` look at.

    Args:
        purchases: ``customer_id``, ``purchase_date``, and the columns that are looked at.
        as_of: the day that everything is seen from.
        festive: which days are festive.
        config: the window of the rule for Loyal, and whether there are returns.
        measures: metrics.
    """
    aggregates = over_purchases(measures)
    used = frozenset[str]().union(*(one.names for one in aggregates))
    told = {name: column for name, column in _told(as_of, festive, config).items() if name in used}
    counted = {name: build() for one in aggregates for name, build in (one.typed.before or {}).items()}
    steps = [step for step in (told, counted) if step]
    return reduce(lambda frame, step: frame.withColumns(step), steps, purchases)


def _told(as_of: date | Column, festive: FestiveCalendar, config: SegmentationConfig) -> dict[str, Column]:
    day = F.col(PURCHASE_DATE)
    bought = F.when(F.col(AMOUNT) >= 0, day) if config.returns == "net" else day
    theirs = Window.partitionBy(CUSTOMER_ID)
    return {
        AS_OF: on(as_of),
        **in_windows(as_of, config),
        IS_FESTIVE: festive.contains(day),
        "first_purchase": F.min(bought).over(theirs),
        "last_purchase": F.max(bought).over(theirs),
    }


def in_windows(as_of: date | Column, config: SegmentationConfig) -> dict[str, Column]:
    """Of each purchase, whether the windows hold it."""
    day = F.col(PURCHASE_DATE)
    return {
        "in_last_6_months": in_last_months(day, as_of, SHOWN_MONTHS),
        "in_last_90_days": in_last_days(day, as_of, SHOWN_DAYS),
        "in_loyal_window": in_last_months(day, as_of, config.loyal_window_months),
    }


def with_formulas(metrics: DataFrame, measures: Sequence[Measure]) -> DataFrame:
    """The metrics of customers, and those that are computed from them."""
    return reduce(lambda frame, one: frame.withColumn(one.name, one.column()), formulas(measures), metrics)
