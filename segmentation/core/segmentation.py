"""The dimensions of one configuration together: purchases -> customers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from functools import reduce
from importlib.metadata import version
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.changes import IS_THERE, TOUCHED, WAS_THERE, differ, form, prefixed
from segmentation.core.festive import FestiveCalendar, resolve
from segmentation.core.metrics import (
    LOYAL_WINDOW,
    SHOWN_MONTHS,
    count_if,
    customer_metrics,
    customer_sums,
    days_since_last_purchase,
)
from segmentation.core.segmenters import DEFAULT_SEGMENTERS, Segmenter
from segmentation.core.trial import try_dates
from segmentation.errors import ConfigError
from segmentation.schemas import CUSTOMER_ID

# Raised with every change of the program by which the same purchases get other metrics or labels.
RULES = 1


class Segmentation:
    """What a customer is measured and labelled by.

    Args:
        config: thresholds, windows, festive periods.
        segmenters: the dimensions, in the order of the output; None for frequency, spending and category.

    Raises:
        ConfigError: two dimensions have one name.
    """

    def __init__(self, config: SegmentationConfig, segmenters: Sequence[Segmenter] | None = None) -> None:
        self.config = config
        self.segmenters = list(segmenters) if segmenters else [kind(config) for kind in DEFAULT_SEGMENTERS]
        self.dimensions = [segmenter.dimension for segmenter in self.segmenters]
        if len(set(self.dimensions)) < len(self.dimensions):
            raise ConfigError(f"Dimensions must differ, found {', '.join(self.dimensions)}.")

    def segment(self, purchases: DataFrame, as_of: date | Column, festive: FestiveCalendar) -> DataFrame:
        """Purchases and returns used -> one row per customer: ``customer_id``, the labels, the metrics."""
        return self.customers(self.sums(purchases, as_of, festive), as_of)

    def sums(self, purchases: DataFrame, as_of: date | Column, festive: FestiveCalendar) -> DataFrame:
        """Purchases and returns used -> what they add up to, `metrics.customer_sums`."""
        return customer_sums(purchases, as_of, festive, self.config)

    def customers(self, sums: DataFrame, as_of: date | Column) -> DataFrame:
        """`sums` -> one row per customer with a purchase: ``customer_id``, the labels, the metrics."""
        with_purchases = sums.where(F.col("total_purchases") > 0) if self.config.returns == "net" else sums
        metrics = customer_metrics(with_purchases, as_of)
        # Where it is the same as another window, it is shown once.
        hidden = {CUSTOMER_ID, *([LOYAL_WINDOW] if self.config.loyal_window_months == SHOWN_MONTHS else [])}
        published = [name for name in metrics.columns if name not in hidden]
        return self.labelled(metrics).select(CUSTOMER_ID, *self.dimensions, *published)

    def on_another_day(self, customers: DataFrame, as_of: date) -> DataFrame:
        """What `customers` made, seen from a day on which every window holds the same purchases.

        Args:
            customers: as they were published, and other columns.
            as_of: the day.

        Returns:
            The same rows and columns: ``days_since_last_purchase`` and the labels are those of the day.
        """
        window = LOYAL_WINDOW if LOYAL_WINDOW in customers.columns else "purchases_last_6_months"
        moved = {"days_since_last_purchase": days_since_last_purchase(as_of), LOYAL_WINDOW: F.col(window)}
        return self.labelled(customers.drop(*self.dimensions).withColumns(moved)).select(*customers.columns)

    def relabelled_by_the_day(self, customers: DataFrame, as_of: date) -> DataFrame:
        """Whose labels are others on another day, of `on_another_day`: `changes.form`."""
        now = self.on_another_day(customers.withColumns(prefixed("from_", self.dimensions)), as_of)
        facts = {
            **prefixed("to_", self.dimensions),
            WAS_THERE: F.lit(True),
            IS_THERE: F.lit(True),
            TOUCHED: F.lit(False),
        }
        return now.withColumns(facts).where(differ(self.dimensions)).select(*form(self.dimensions))

    def labelled(self, metrics: DataFrame) -> DataFrame:
        """The metrics frame, and a column per dimension."""
        return reduce(lambda frame, segmenter: segmenter.segment_customers(frame), self.segmenters, metrics)

    def check(self, no_metrics: DataFrame) -> None:
        """See that every rule can be computed and every holiday, zone and pattern is known, before anything is read.

        Args:
            no_metrics: a frame of `metrics.METRICS_SCHEMA`; it is not computed.

        Raises:
            ConfigError: a rule or a holiday is wrong, or the engine does not know a zone or a pattern.
        """
        day = date(2024, 1, 1)
        resolve(self.config.festive_periods, day, day)
        self.labelled(no_metrics)
        try_dates(no_metrics.sparkSession, self.config)

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
        kinds = [type(segmenter) for segmenter in self.segmenters]
        # Rules in code are no configuration.
        own = (
            [] if kinds == list(DEFAULT_SEGMENTERS) else [str(rule) for one in self.segmenters for rule in one.rules()]
        )
        parts = [RULES, self.config.rules_fingerprint(), version("holidays"), self.labels, own]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def counts(self) -> list[Column]:
        """Aggregates over customers: how many, their purchases, returns and spend, how many by label."""
        return [
            F.count(F.lit(1)),
            F.coalesce(F.sum("total_purchases"), F.lit(0)),
            F.coalesce(F.sum("returns"), F.lit(0)),
            F.sum("lifetime_spend"),
            *[count_if(F.col(dimension) == label) for dimension, label in self.labels],
        ]
