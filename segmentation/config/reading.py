"""How purchases are read."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from segmentation.config.currencies import CurrenciesConfig
from segmentation.config.defaults import DEFAULT_ALIASES
from segmentation.config.inputs import Inputs
from segmentation.config.mongodb import MongoConfig, MongoTarget
from segmentation.config.own import InputConfig
from segmentation.config.table import TableConfig
from segmentation.config.values import (
    Columns,
    DateFormat,
    Delimiter,
    Encoding,
    Mark,
    Model,
    NullWord,
    OwnSources,
    Share,
    Timezone,
    by_name,
)
from segmentation.schemas import APOSTROPHES, CURRENCY, EDGES, LINE_ID, PURCHASE_COLUMNS, Category


class ReadingConfig(Model):
    """Where purchases are and what they look like there; part of `SegmentationConfig`."""

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
    sources: OwnSources = {}
    publish_to_mongodb: MongoTarget | None = None
    max_rejected_ratio: Share = Decimal("0.1")
    input: InputConfig = InputConfig()
    inputs: Inputs = {}
    currencies: CurrenciesConfig | None = None

    @model_validator(mode="after")
    def _readable(self) -> ReadingConfig:
        if self.thousands_separator == self.decimal_separator:
            raise ValueError(
                f"thousands_separator: {self.thousands_separator!r} is the decimal_separator already, so 1,234.50 and "
                "1.234,50 could not be told apart; set decimal_separator as well, or leave thousands_separator out"
            )
        if not set(Category).isdisjoint(self.null_values):
            raise ValueError(f"null_values: expected words for nothing, found one of {', '.join(Category)}")
        if self.publish_to_mongodb and not self.mongodb:
            raise ValueError("publish_to_mongodb: needs the server, expected mongodb: {host: ...} beside it")
        if self.grain == "order" and self.numbers_lines:
            raise ValueError("columns.line_id: only lines have one, expected grain: line beside it, found grain: order")
        return self

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

    @property
    def marks(self) -> dict[str, str]:
        """How the point of a number is written, by column that is read as one."""
        extra = [name for name, one in self.input.extra_columns.items() if one.is_number]
        return dict.fromkeys(["amount", *extra], self.decimal_separator)

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
