"""Every setting of the job."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr, model_validator

from segmentation.config.currencies import CurrenciesConfig, unfitting
from segmentation.config.defaults import DEFAULT_ALIASES, RESERVED_FILENAMES
from segmentation.config.effects import LABELLING, MEASURING, NOT_A_RULE, NOT_IN_FINGERPRINT, as_json, short_hash
from segmentation.config.festive import DEFAULT_FESTIVE_PERIODS, FestivePeriod, unknown_columns
from segmentation.config.files import Places
from segmentation.config.markets import Markets
from segmentation.config.mongodb import MongoConfig, MongoTarget
from segmentation.config.own import Dimensions, InputConfig, Metrics, ScoreSetting
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
from segmentation.schemas import APOSTROPHES, CURRENCY, EDGES, LINE_ID, PURCHASE_COLUMNS, Category


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
    input: InputConfig = InputConfig()
    currencies: CurrenciesConfig | None = None

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

    # What differs from these by market
    per: Markets = Markets()

    # What a business adds, see `config.own`
    metrics: Metrics = ()
    scores: tuple[ScoreSetting, ...] = ()
    dimensions: Dimensions = ()

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
    prometheus: bool = True
    alerts: AlertsConfig = AlertsConfig()
    lineage: LineageConfig | None = None
    log: LogConfig = LogConfig()

    # What is computed: everything, or what changed
    mode: Literal["full", "incremental"] = "full"

    # Engine
    engine: Literal["auto", "spark", "embedded"] = "auto"
    embedded_max_bytes: int = Field(4 << 30, ge=0)
    embedded_memory: Annotated[Share, Field(gt=0)] = Decimal("0.5")

    # Spark packages; by default those that fit the installed Spark (segmentation/engines/spark/versions.py)
    packages: dict[Literal["delta", "mongodb"], Name] = {}

    # Path of a setting -> where it stands in files, of those that are from files
    _places: Places = PrivateAttr(default_factory=Places)

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
        return self

    @model_validator(mode="after")
    def _fitting(self) -> SegmentationConfig:
        of_markets = self.per.problems(self.low_lifetime_threshold, self.high_lifetime_threshold)
        of_currencies = unfitting(self.currencies, self.columns, self.columns_of_others, self.extra_columns)
        for problem in (*of_markets, *of_currencies, *unknown_columns(self.festive_periods, self.input)):
            raise ValueError(problem)
        return self

    def place(self, *path: str | int) -> str:
        """Where a setting stands, for messages: file and line, where it is from a file, and its path."""
        key = tuple(map(str, path))
        known = next((self._places[key[:end]] for end in range(len(key), 0, -1) if key[:end] in self._places), None)
        return (f"{known}: " if known else "") + ".".join(key)

    @property
    def extra_columns(self) -> tuple[str, ...]:
        """What a purchase has besides `PURCHASE_COLUMNS`."""
        return tuple(self.input.extra_columns)

    @property
    def purchase_columns(self) -> tuple[str, ...]:
        """All that a purchase has."""
        return (*PURCHASE_COLUMNS, *self.extra_columns)

    @property
    def further_names(self) -> dict[str, str | int]:
        """What files and tables call what else is read: extra columns, and the currency where there are several."""
        own = {CURRENCY: self.currencies.column or self.columns.get(CURRENCY, CURRENCY)} if self.currencies else {}
        return {**self.input.names, **own}

    @property
    def raw_columns(self) -> tuple[str, ...]:
        """What is read of a purchase."""
        return (*self.purchase_columns, *([CURRENCY] if self.currencies else []))

    @property
    def file_columns(self) -> dict[str, str | int]:
        """`columns`, with the further ones."""
        return {**self.columns, **self.further_names}

    @property
    def named_columns(self) -> dict[str, str]:
        """The same for what has no order: a number is a name there."""
        return by_name(self.file_columns)

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
        return LINE_ID in {**self.columns, **self.columns_of_others}

    @property
    def columns_of_others(self) -> dict[str, str | int]:
        """What is said of columns for tables and collections alone."""
        parts = (self.table, self.mongodb)
        return {column: name for part in parts if part for column, name in part.columns.items()}

    @property
    def table_columns(self) -> dict[str, str]:
        """What the table calls its columns; what is said of the table alone goes before `columns`."""
        return by_name({**self.file_columns, **(self.table.columns if self.table else {})})

    def fingerprint(self) -> str:
        """A short hash of everything that may change the outcome; where the output goes and secrets are left out."""
        return self._hash(NOT_IN_FINGERPRINT)

    def rules_fingerprint(self) -> str:
        """The same of what says how purchases are read and customers labelled, whatever the day."""
        return self._hash(NOT_A_RULE)

    def rules(self) -> dict[str, Any]:
        """The settings of `LABELLING` and `MEASURING`, as JSON has them and as `load_config` takes them."""
        content = self.model_dump(by_alias=True, include={*LABELLING, *MEASURING})
        return as_json(content)

    def _hash(self, left_out: set[str]) -> str:
        content = self.model_dump(by_alias=True, exclude=left_out)
        # The rates themselves, not where they stand.
        content["currencies"] = self.currencies and self.currencies.content()
        return short_hash(content)
