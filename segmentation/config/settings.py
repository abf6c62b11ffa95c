"""Every setting of the job."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from segmentation.config.festive import DEFAULT_FESTIVE_PERIODS, FestivePeriod
from segmentation.config.mongodb import MongoConfig, MongoTarget
from segmentation.config.serving import ApiConfig
from segmentation.config.table import TableConfig
from segmentation.config.unattended import AlertsConfig, FreshnessConfig, LineageConfig, LogConfig, MonitoringConfig
from segmentation.config.values import (
    Amount,
    AsOf,
    Columns,
    DateFormat,
    Delimiter,
    Encoding,
    Mark,
    Model,
    Name,
    NullWord,
    Share,
    Timezone,
    by_name,
)
from segmentation.schemas import APOSTROPHES, EDGES, LINE_ID, Category

RESERVED_FILENAMES = (
    "automation_status.json",
    "segmentation_runs.log",
    "delta",
    "segmentation_report.html",
    "segmentation_report.md",
)
# What does not change the outcome, whatever it is.
NOT_IN_FINGERPRINT = {
    "output_dir",
    "output_filename",
    "report",
    "max_run_minutes",
    "freshness",
    "monitoring",
    "metrics",
    "alerts",
    "lineage",
    "log",
    "api",
    "report_actions",
    "packages",
    "engine",
    "embedded_max_bytes",
    "embedded_memory",
    "mode",
}
# What does not change how a purchase is read, nor which labels its customer has on a given day.
NOT_A_RULE = {*NOT_IN_FINGERPRINT, "as_of", "max_rejected_ratio", "publish_to_mongodb"}
# What hangs on a customer's metrics alone, and what the metrics hang on.
LABELLING = (
    "loyal_min_purchases",
    "lapsed_after_days",
    "seasonal_threshold",
    "frequency_order",
    "frequency_fallback",
    "high_aov_threshold",
    "high_lifetime_threshold",
    "low_lifetime_threshold",
    "dominant_threshold",
    "family_threshold",
    "category_fallback",
)
MEASURING = ("loyal_window_months", "festive_periods")
DEFAULT_ALIASES: Mapping[str, Category] = {
    **dict.fromkeys(("womens", "women", "woman", "ladies"), Category.WOMENS),
    **dict.fromkeys(("mens", "men", "man", "gents"), Category.MENS),
    **dict.fromkeys(("kids", "kid", "children", "child", "boys", "girls"), Category.KIDS),
}


class SegmentationConfig(Model):
    """Every setting of the job. The names are the keys of the YAML file; `conf/segmentation.yaml` explains them."""

    # Input
    timezone: Timezone = "Asia/Colombo"
    columns: Columns = {}
    encoding: Encoding = "utf-8"
    delimiter: Delimiter = ","
    skip_lines: int = Field(0, ge=0, le=1000)
    date_formats: tuple[DateFormat, ...] = ()
    decimal_separator: Mark = "."
    thousands_separator: Mark | None = None
    null_values: tuple[NullWord, ...] = ("NULL", "null", "\\N", "#N/A", "N/A", "nan", "NaN", "None")
    category_aliases: dict[str, Category | Literal["Other"]] = dict(DEFAULT_ALIASES)
    grain: Literal["order", "line"] = "order"
    returns: Literal["reject", "net"] = "reject"
    mongodb: MongoConfig | None = None
    table: TableConfig | None = None
    publish_to_mongodb: MongoTarget | None = None
    max_rejected_ratio: Share = Decimal("0.10")

    # The day that everything is seen from
    as_of: AsOf = "latest"

    # Purchase frequency
    loyal_min_purchases: int = Field(5, ge=1)
    loyal_window_months: int = Field(6, ge=1, le=1200)
    lapsed_after_days: int = Field(90, ge=0, le=36500)
    seasonal_threshold: Share = Decimal("0.8")
    frequency_order: tuple[Name, ...] = ("New", "Loyal", "Lapsed", "Seasonal")
    frequency_fallback: Name = "Regular"
    festive_periods: tuple[FestivePeriod, ...] = Field(DEFAULT_FESTIVE_PERIODS, validate_default=True)

    # Spending, in rupees
    high_aov_threshold: Amount = Decimal(15_000)
    high_lifetime_threshold: Amount = Decimal(150_000)
    low_lifetime_threshold: Amount = Decimal(10_000)

    # Category
    dominant_threshold: Share = Decimal("0.70")
    family_threshold: Share = Decimal("0.30")
    category_fallback: Name = "Mixed"

    # Output
    output_dir: Name = "output"
    output_filename: Annotated[str, Field(pattern=r"^[^/\\\s.][^/\\]*$")] = "customer_segmentation.json"

    # The report after a run, and what it suggests to do with customers of a label
    report: bool = True
    report_actions: dict[Name, str] = {}

    # When nobody watches
    max_run_minutes: Annotated[Decimal, Field(gt=0)] | None = Decimal(120)
    freshness: FreshnessConfig = FreshnessConfig()
    monitoring: MonitoringConfig = MonitoringConfig()
    metrics: bool = True
    alerts: AlertsConfig = AlertsConfig()
    lineage: LineageConfig | None = None
    log: LogConfig = LogConfig()
    api: ApiConfig = ApiConfig()

    # What is computed: everything, or what changed
    mode: Literal["full", "incremental"] = "full"

    # Engine
    engine: Literal["auto", "spark", "embedded"] = "auto"
    embedded_max_bytes: int = Field(4 << 30, ge=0)
    embedded_memory: Annotated[Share, Field(gt=0)] = Decimal("0.5")

    # Spark packages; by default those that fit the installed Spark (segmentation/engines/spark/versions.py)
    packages: dict[Literal["delta", "mongodb"], Name] = {}

    @model_validator(mode="after")
    def _consistent(self) -> SegmentationConfig:
        known = ("New", "Loyal", "Lapsed", "Seasonal")
        if sorted(self.frequency_order) != sorted(known):
            raise ValueError(
                f"frequency_order: expected each of {list(known)} once, found {list(self.frequency_order)}"
            )
        if self.thousands_separator == self.decimal_separator:
            raise ValueError(
                f"thousands_separator: {self.thousands_separator!r} is the decimal_separator already, so 1,234.50 and "
                "1.234,50 could not be told apart; set decimal_separator as well, or leave thousands_separator out"
            )
        if not set(Category).isdisjoint(self.null_values):
            raise ValueError(f"null_values: expected words for nothing, found one of {', '.join(Category)}")
        if self.frequency_fallback in known:
            raise ValueError(f"frequency_fallback: {self.frequency_fallback!r} is the label of a rule already")
        if self.output_filename in RESERVED_FILENAMES:
            raise ValueError(f"output_filename: {self.output_filename!r} is the name of another output")
        if self.publish_to_mongodb and not self.mongodb:
            raise ValueError("publish_to_mongodb: needs the server, expected mongodb: {host: ...} beside it")
        if self.grain == "order" and self.numbers_lines:
            raise ValueError("columns.line_id: only lines have one, expected grain: line beside it, found grain: order")
        if self.category_fallback in (*Category, "Family"):
            raise ValueError(f"category_fallback: {self.category_fallback!r} is the label of a rule already")
        if self.low_lifetime_threshold >= self.high_lifetime_threshold:
            raise ValueError(
                f"low_lifetime_threshold: {self.low_lifetime_threshold} must lie below "
                f"high_lifetime_threshold {self.high_lifetime_threshold}"
            )
        return self

    @property
    def named_columns(self) -> dict[str, str]:
        """`columns` for what has no order: a number is a name there."""
        return by_name(self.columns)

    def secrets(self) -> list[str]:
        """Texts that must appear nowhere."""
        parts = (self.mongodb, self.alerts, self.lineage)
        return [secret for part in parts if part for secret in part.secrets()]

    @property
    def zone(self) -> ZoneInfo:
        """`timezone` as an object."""
        return ZoneInfo(self.timezone)

    def day_of(self, moment: datetime) -> date:
        """The calendar day of a moment in `timezone`."""
        return moment.astimezone(self.zone).date()

    @property
    def aliases(self) -> dict[str, str]:
        """Category by normalised spelling; the canonical names always stand for themselves."""
        drop = str.maketrans("", "", APOSTROPHES)
        given = {
            spelling.strip(EDGES).lower().translate(drop): str(to) for spelling, to in self.category_aliases.items()
        }
        return {**given, **{category.lower(): str(category) for category in Category}}

    @property
    def numbers_lines(self) -> bool:
        """Does a column hold the number of a line in its order?"""
        return LINE_ID in {**self.table_columns, **(self.mongodb.columns if self.mongodb else {})}

    @property
    def table_columns(self) -> dict[str, str]:
        """What the table calls its columns; what is said of the table alone goes before `columns`."""
        return by_name({**self.columns, **(self.table.columns if self.table else {})})

    def fingerprint(self) -> str:
        """A short hash of everything that may change the outcome; where the output goes and secrets are left out."""
        return self._hash(NOT_IN_FINGERPRINT)

    def rules_fingerprint(self) -> str:
        """The same of what says how purchases are read and customers labelled, whatever the day."""
        return self._hash(NOT_A_RULE)

    def rules(self) -> dict[str, Any]:
        """The settings of `LABELLING` and `MEASURING`, as JSON has them and as `load_config` takes them."""
        content = self.model_dump(by_alias=True, include={*LABELLING, *MEASURING})
        return dict(json.loads(json.dumps(content, default=_plain)))

    def _hash(self, left_out: set[str]) -> str:
        content = self.model_dump(by_alias=True, exclude=left_out)
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=_plain).encode()).hexdigest()[:16]


def _plain(value: object) -> str:
    """One text for one value: 0.7 and 0.70 are the same number, and a secret is none."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
