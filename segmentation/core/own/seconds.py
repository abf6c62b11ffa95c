"""Second inputs: what a customer's rows there come to, and what they say of a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from segmentation.config import SegmentationConfig
from segmentation.config.inputs import SecondInput
from segmentation.core.days import on
from segmentation.core.metrics import SHOWN_DAYS, SHOWN_MONTHS, in_last_days, in_last_months
from segmentation.core.own.kinds import DAY, TRUTH, Kind, kind_named
from segmentation.core.own.measures import AS_OF, Measure
from segmentation.core.types import struct
from segmentation.schemas import CUSTOMER_ID

# Is a row one of the input, and not one that stands for a customer who may have none?
IS_THERE = "is_there_"
WINDOWS = ("in_last_6_months", "in_last_90_days")


def kinds_of(setting: SecondInput) -> dict[str, Kind]:
    """What is known of every row of a second input."""
    columns = {name: kind_named(column.type) for name, column in setting.columns.items()}
    return {**columns, AS_OF: DAY, **(dict.fromkeys(WINDOWS, TRUTH) if setting.date else {})}


def is_there() -> Column:
    """Does a row count? Those that stand for customers do not."""
    return F.col(IS_THERE)


@dataclass(frozen=True)
class Second:
    """A second input, checked.

    Attributes:
        name: what the configuration calls it.
        setting: what it says of it.
        measures: the metrics over its rows.
    """

    name: str
    setting: SecondInput
    measures: Sequence[Measure]

    @property
    def columns(self) -> dict[str, Kind]:
        """What it says of a customer by itself: its columns, where a customer has one row."""
        if self.setting.grain == "many":
            return {}
        return {name: kind_named(column.type) for name, column in self.setting.columns.items()}

    @property
    def kinds(self) -> dict[str, Kind]:
        """The columns that customers get from it."""
        return {**self.columns, **{one.name: one.typed.kind for one in self.measures}}

    @property
    def schema(self) -> StructType:
        """Of its rows: ``customer_id``, and what is read of it."""
        return struct(customer_id="string", **{name: one.json_type for name, one in self.setting.columns.items()})

    def used(self, rows: DataFrame, as_of: date | Column) -> DataFrame:
        """Its rows up to a day."""
        return rows.where(F.col(self.setting.date) <= on(as_of)) if self.setting.date else rows

    def joined(self, metrics: DataFrame, rows: DataFrame, as_of: date | Column) -> DataFrame:
        """Customers -> the same with what the input says of each; who has no rows there has what no rows come to.

        Args:
            metrics: ``customer_id`` and other columns, one row per customer.
            rows: of the input, `schema`, any of them.
            as_of: the day that everything is seen from.
        """
        found = metrics
        if self.columns:
            theirs = rows.select(CUSTOMER_ID, *self.columns)
            found = found.join(theirs, on=CUSTOMER_ID, how="left")
        if self.measures:
            customers = metrics.select(CUSTOMER_ID)
            found = found.join(self._summed(customers, self.used(rows, as_of), as_of), on=CUSTOMER_ID, how="left")
        return found

    def _summed(self, customers: DataFrame, rows: DataFrame, as_of: date | Column) -> DataFrame:
        """One row per customer, and others: ``customer_id``, the measures."""
        typed = [one.typed for one in self.measures]
        wanted = frozenset[str]().union(*(one.names for one in typed))
        columns = {
            name: column.sql_type
            for name, column in self.setting.columns.items()
            if name in wanted or name == self.setting.date
        }
        # So that aggregates over none are what SQL says: 0 where they count, else nothing.
        for_each = customers.select(
            CUSTOMER_ID,
            *[F.lit(None).cast(kind).alias(name) for name, kind in columns.items()],
            F.lit(False).alias(IS_THERE),
        )
        every = rows.select(CUSTOMER_ID, *columns, F.lit(True).alias(IS_THERE)).unionByName(for_each)
        before = {name: build() for one in typed for name, build in (one.before or {}).items()}
        steps = [step for step in ({n: c for n, c in self._told(as_of).items() if n in wanted}, before) if step]
        told = reduce(lambda frame, step: frame.withColumns(step), steps, every)
        return told.groupBy(CUSTOMER_ID).agg(*[one.column() for one in self.measures])

    def _told(self, as_of: date | Column) -> dict[str, Column]:
        told = {AS_OF: on(as_of)}
        if self.setting.date is None:
            return told
        day = F.col(self.setting.date)
        return {
            **told,
            "in_last_6_months": in_last_months(day, as_of, SHOWN_MONTHS),
            "in_last_90_days": in_last_days(day, as_of, SHOWN_DAYS),
        }


def seconds_of(config: SegmentationConfig, measures: Sequence[Measure]) -> list[Second]:
    """The second inputs of a configuration, each with the metrics over it."""
    return [
        Second(name, setting, [one for one in measures if one.of == name]) for name, setting in config.inputs.items()
    ]


def all_joined(
    metrics: DataFrame, seconds: Sequence[Second], rows: Mapping[str, DataFrame], as_of: date | Column
) -> DataFrame:
    """Customers -> the same with what all second inputs say of each; what was said before is said anew."""
    old = {name for one in seconds for name in one.kinds} & {*metrics.columns}
    bare = metrics.drop(*old)
    return reduce(lambda frame, one: one.joined(frame, rows[one.name], as_of), seconds, bare)


def said_columns(seconds: Sequence[Second], row: Mapping[str, Any]) -> dict[str, Column]:
    """What second inputs said of one customer, by name, as it was published."""
    kinds = {name: kind for one in seconds for name, kind in one.kinds.items()}
    return {name: F.lit(_text(row.get(name))).cast(kind.type) for name, kind in kinds.items()}


def _text(value: Any) -> str | None:
    """A value as engines read it; as what it is, PySpark would send a day through the zone of the machine."""
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)
