"""The dimensions of one configuration together: purchases -> customers."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import reduce
from importlib.metadata import version
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from segmentation.config import SegmentationConfig
from segmentation.core.changes import IS_THERE, TOUCHED, WAS_THERE, differ, form, prefixed
from segmentation.core.festive import FestiveCalendar, resolve
from segmentation.core.metrics import (
    LOYAL_WINDOW,
    METRICS_SCHEMA,
    SHOWN_MONTHS,
    count_if,
    customer_metrics,
    customer_sums,
    days_since_last_purchase,
)
from segmentation.core.own.in_python import see_types, told_of_code
from segmentation.core.own.markets import is_refused
from segmentation.core.own.measures import prepared, purchase_kinds, with_formulas
from segmentation.core.own.own import Own
from segmentation.core.own.scores import Cuts, cut_points, with_scores
from segmentation.core.own.seconds import all_joined, said_columns
from segmentation.core.segmenters import DEFAULT_SEGMENTERS, Segmenter
from segmentation.core.trial import computable, try_dates
from segmentation.core.types import struct
from segmentation.errors import ConfigError
from segmentation.schemas import CUSTOMER_ID

# Raised with every change of the program by which the same purchases get other metrics or labels.
RULES = 2
# Customers with their metrics -> the same with what second inputs say of them.
Beside = Callable[[DataFrame], DataFrame]


def as_they_are(customers: DataFrame) -> DataFrame:
    """Where there are no second inputs, or customers have what these say already."""
    return customers


class Segmentation:
    """What a customer is measured and labelled by.

    Args:
        config: thresholds, windows, festive periods; metrics, scores and dimensions of its own.
        segmenters: the dimensions that are there before the configuration changes them or adds to them, in the order of
            the output; None for frequency, spending and category.

    Raises:
        ConfigError: two dimensions have one name, or what is configured is wrong; naming where it stands, and why.
    """

    def __init__(self, config: SegmentationConfig, segmenters: Sequence[Segmenter] | None = None) -> None:
        self.config = config
        self.given = list(segmenters) if segmenters else [kind(config) for kind in DEFAULT_SEGMENTERS]
        names = [segmenter.dimension for segmenter in self.given]
        if len(set(names)) < len(names):
            raise ConfigError(f"Dimensions must differ, found {', '.join(names)}.")
        self.own = Own(config, self.given)
        self.segmenters = self.own.segmenters()
        self.dimensions = [segmenter.dimension for segmenter in self.segmenters]

    def with_config(self, config: SegmentationConfig) -> Segmentation:
        """The same dimensions, by another configuration."""
        given = [copy.copy(one) for one in self.given]
        for one in given:
            one.config = config
        return Segmentation(config, given)

    def segment(
        self, purchases: DataFrame, as_of: date | Column, festive: FestiveCalendar, beside: Beside = as_they_are
    ) -> DataFrame:
        """Purchases and returns used -> one row per customer: ``customer_id``, the labels, the metrics."""
        metrics = self.measured(self.sums(purchases, as_of, festive), as_of, beside)
        return self.customers(metrics, self.cut_points(metrics))

    def sums(self, purchases: DataFrame, as_of: date | Column, festive: FestiveCalendar) -> DataFrame:
        """Purchases and returns used -> what they add up to, `metrics.customer_sums`, and the aggregates of `own`."""
        told = self._told(purchases, as_of, festive)
        return customer_sums(told, as_of, festive, self.config, [one.column() for one in self.own.aggregates])

    def _told(self, purchases: DataFrame, as_of: date | Column, festive: FestiveCalendar) -> DataFrame:
        """With what the aggregates look at."""
        return prepared(purchases, as_of, festive, self.config, self.own.aggregates)

    def beside(self, rows: Mapping[str, DataFrame], as_of: date | Column) -> Beside:
        """What second inputs say of customers, by their rows."""
        return (lambda frame: all_joined(frame, self.own.seconds, rows, as_of)) if self.own.seconds else as_they_are

    def as_said(self, row: Mapping[str, Any]) -> Beside:
        """What second inputs said of one customer, as it was published: the same for every row."""
        columns = said_columns(self.own.seconds, row)
        return lambda customers: customers.withColumns(columns) if columns else customers

    def measured(self, sums: DataFrame, as_of: date | Column, beside: Beside = as_they_are) -> DataFrame:
        """`sums` -> one row per customer with a purchase: ``customer_id``, the metrics."""
        with_purchases = sums.where(F.col("total_purchases") > 0) if self.config.returns == "net" else sums
        metrics = customer_metrics(with_purchases, as_of, [one.name for one in self.own.aggregates])
        return with_formulas(beside(metrics), self.own.measures)

    def cut_points(self, metrics: DataFrame) -> Cuts:
        """Where the scores cut the customers of `measured`, all of whom are there."""
        return cut_points(metrics, self.own.scores)

    def customers(self, metrics: DataFrame, cuts: Cuts) -> DataFrame:
        """`measured` -> one row per customer: ``customer_id``, the labels, the metrics, the scores."""
        return self.labelled(metrics, cuts).select(*self._published)

    @property
    def _published(self) -> list[str]:
        # Where it is the same as another window, it is shown once.
        hidden = {CUSTOMER_ID, *([LOYAL_WINDOW] if self.config.loyal_window_months == SHOWN_MONTHS else [])}
        metrics = [name for name in METRICS_SCHEMA.names if name not in hidden]
        return [CUSTOMER_ID, *self.dimensions, *metrics, *self.own.names]

    @property
    def columns(self) -> dict[str, str]:
        """The columns of `customers`, and their types in the words of Spark's SQL."""
        schema = self.customer_schema
        return {name: schema[name].dataType.simpleString() for name in self._published}

    def measured_on(self, customers: DataFrame, as_of: date, beside: Beside = as_they_are) -> DataFrame:
        """What `customers` made, seen from a day on which every window holds the same purchases: the metrics.

        Args:
            customers: as they were published, and other columns.
            as_of: the day.
            beside: what second inputs say now; by default, what they said then.
        """
        window = LOYAL_WINDOW if LOYAL_WINDOW in customers.columns else "purchases_last_6_months"
        moved = {"days_since_last_purchase": days_since_last_purchase(as_of), LOYAL_WINDOW: F.col(window)}
        return with_formulas(beside(customers.drop(*self.dimensions).withColumns(moved)), self.own.measures)

    def on_another_day(self, customers: DataFrame, as_of: date, cuts: Cuts) -> DataFrame:
        """The same, labelled.

        Returns:
            The same rows and columns, those of the day: ``days_since_last_purchase``, what is computed from it, the
            labels. A dimension or score that was not there comes behind.
        """
        new = [name for name in (*self.dimensions, *self.own.names) if name not in customers.columns]
        return self.labelled(self.measured_on(customers, as_of), cuts).select(*customers.columns, *new)

    def relabelled_by_the_day(self, customers: DataFrame, as_of: date) -> DataFrame:
        """Whose labels are others on another day, of `on_another_day`, where there are no scores: `changes.form`."""
        now = self.on_another_day(customers.withColumns(prefixed("from_", self.dimensions)), as_of, {})
        there = {WAS_THERE: F.lit(True), IS_THERE: F.lit(True), TOUCHED: F.lit(False)}
        facts = {**prefixed("to_", self.dimensions), **there}
        return now.withColumns(facts).where(differ(self.dimensions)).select(*form(self.dimensions))

    def labelled(self, metrics: DataFrame, cuts: Cuts) -> DataFrame:
        """The metrics frame, a column per score, and one per dimension."""
        scored = with_scores(metrics, self.own.scores, cuts)
        return reduce(lambda frame, segmenter: segmenter.segment_customers(frame), self.segmenters, scored)

    @property
    def purchase_schema(self) -> StructType:
        """What metrics can look at of each purchase."""
        kinds = {
            name: kind for name, kind in purchase_kinds(self.config).items() if name in self.config.purchase_columns
        }
        return struct(customer_id="string", **{name: kind.json_type for name, kind in kinds.items()})

    @property
    def measured_schema(self) -> StructType:
        """The columns of `measured`."""
        own = struct(**{name: kind.json_type for name, kind in self.own.measured.items()})
        return StructType([*METRICS_SCHEMA.fields, *own.fields])

    @property
    def customer_schema(self) -> StructType:
        """What a rule can look at: metrics, scores, labels of earlier dimensions."""
        scores = {score.name: score.kind.json_type for score in self.own.scores}
        more = struct(**scores, **dict.fromkeys(self.dimensions, "string"))
        return StructType([*self.measured_schema.fields, *more.fields])

    def check(self, empty: Callable[[StructType], DataFrame]) -> None:
        """See that every metric and rule can be computed and every holiday, zone and pattern is known, before anything
        is read.

        Args:
            empty: makes a frame without rows.

        Raises:
            ConfigError: a metric, a rule or a holiday is wrong, or the engine does not know a zone or a pattern.
        """
        day = date(2024, 1, 1)
        festive = resolve(self.config.festive_periods, day, day)
        metrics = empty(self.measured_schema)
        if self.own.measured:
            self._try(empty, metrics, day, festive)
        labelled = self.labelled(metrics, {})
        for one in [one for one in self._in_code if one.dimension in self.dimensions]:
            one.try_rules(labelled)
        try_dates(metrics.sparkSession, self.config)

    def _try(
        self, empty: Callable[[StructType], DataFrame], metrics: DataFrame, day: date, festive: FestiveCalendar
    ) -> None:
        purchases, rows = empty(self.purchase_schema), {one.name: empty(one.schema) for one in self.own.seconds}
        with computable(self.own.measured):
            # Some engines look at an expression only when its outcome is asked for.
            _ = self.sums(purchases, day, festive).schema, self.beside(rows, day)(metrics).schema
            see_types(self._told(purchases, day, festive), self.own.aggregates)

    @property
    def labels(self) -> list[tuple[str, str]]:
        """Every (dimension, label) that a customer can get, in the order of the rules."""
        return [(segmenter.dimension, label) for segmenter in self.segmenters for label in segmenter.build().labels]

    @property
    def said(self) -> dict[str, Any]:
        """What a publication says of its labels: ``rules``, their fingerprint; ``settings``; ``dimensions``."""
        return {"rules": self.fingerprint, "settings": self.config.rules(), "dimensions": self.dimensions}

    @property
    def fingerprint(self) -> str:
        """What labels hang on besides purchases and day: configuration, labels, the calendar's package, the program."""
        code = told_of_code(self._in_code, self.segmenters, self.own.aggregates)
        parts = [RULES, self.config.rules_fingerprint(), version("holidays"), self.labels, code]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    @property
    def _in_code(self) -> list[Segmenter]:
        """The dimensions that are somebody's own, before a configuration changes them."""
        return [one for one in self.given if type(one) not in DEFAULT_SEGMENTERS]

    def counts(self) -> list[Column]:
        """Aggregates over customers: how many, their purchases, returns, spend, those of a refused market, by label."""
        return [
            F.count(F.lit(1)),
            F.coalesce(F.sum("total_purchases"), F.lit(0)),
            F.coalesce(F.sum("returns"), F.lit(0)),
            F.sum("lifetime_spend"),
            count_if(is_refused(self.config.per)),
            *[count_if(F.col(dimension) == label) for dimension, label in self.labels],
        ]
