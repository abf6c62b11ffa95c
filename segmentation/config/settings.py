"""Every setting of the job."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from segmentation.config.currencies import unfitting
from segmentation.config.defaults import RESERVED_FILENAMES
from segmentation.config.effects import LABELLING, MEASURING, NOT_A_RULE, NOT_IN_FINGERPRINT, as_json, short_hash
from segmentation.config.festive import DEFAULT_FESTIVE_PERIODS, FestivePeriod, unknown_columns
from segmentation.config.files import Places, place_of
from segmentation.config.markets import Markets
from segmentation.config.own import Dimensions, Metrics, ScoreSetting
from segmentation.config.reading import ReadingConfig
from segmentation.config.serving import ApiConfig
from segmentation.config.unattended import AlertsConfig, FreshnessConfig, LineageConfig, LogConfig, MonitoringConfig
from segmentation.config.values import (
    Amount,
    AsOf,
    ClassName,
    Name,
    Share,
)
from segmentation.schemas import Category


class SegmentationConfig(ReadingConfig):
    """Every setting of the job. The names are the keys of the YAML file; `conf/segmentation.yaml` explains them."""

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
    dominant_threshold: Share = Decimal("0.7")
    family_threshold: Share = Decimal("0.3")
    category_fallback: Name = "Mixed"
    segmenters: tuple[ClassName, ...] = ()

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
    api: ApiConfig = ApiConfig()

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
        if self.frequency_fallback in known:
            raise ValueError(f"frequency_fallback: {self.frequency_fallback!r} is the label of a rule already")
        if self.output_filename in RESERVED_FILENAMES:
            raise ValueError(f"output_filename: {self.output_filename!r} is the name of another output")
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
        known = place_of(key, self._places)
        return (f"{known}: " if known else "") + ".".join(key)

    def secrets(self) -> list[str]:
        """Texts that must appear nowhere."""
        parts = (self.mongodb, self.alerts, self.lineage)
        return [secret for part in parts if part for secret in part.secrets()]

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
        # Where a second input lies is part of what is seen of sources.
        excluded: dict[str, Any] = {**dict.fromkeys(left_out, True), "inputs": {"__all__": {"path"}}}
        content = self.model_dump(by_alias=True, exclude=excluded)
        # The rates themselves, not where they stand.
        content["currencies"] = self.currencies and self.currencies.content()
        return short_hash(content)
