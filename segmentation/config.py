"""Configuration: a YAML file or a dict in, one frozen, checked object out."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from segmentation.errors import ConfigError
from segmentation.schemas import APOSTROPHES, PURCHASE_COLUMNS, Category

RESERVED_FILENAMES = ("automation_status.json", "segmentation_runs.log", "delta")
DEFAULT_ALIASES: Mapping[str, Category] = {
    **dict.fromkeys(("womens", "women", "woman", "ladies"), Category.WOMENS),
    **dict.fromkeys(("mens", "men", "man", "gents"), Category.MENS),
    **dict.fromkeys(("kids", "kid", "children", "child", "boys", "girls"), Category.KIDS),
}
DEFAULT_FESTIVE_PERIODS: tuple[Mapping[str, Any], ...] = (
    {"name": "Sinhala and Tamil New Year", "holiday": "Sinhala and Tamil New Year", "country": "LK", "days_before": 14},
    {"name": "Vesak", "holiday": "Vesak Full Moon Poya Day", "country": "LK", "days_before": 7, "days_after": 1},
    {"name": "Eid al-Fitr", "holiday": "Eid al-Fitr", "country": "LK", "days_before": 14},
    {"name": "Diwali", "holiday": "Diwali", "country": "LK", "days_before": 14},
    {"name": "December", "from": "12-01", "to": "12-31"},
)


def _exact(value: object) -> object:
    """YAML reads 0.7 as a float; its shortest text is the number that was written."""
    return Decimal(str(value)) if isinstance(value, float) else value


def _month_day(value: str) -> str:
    try:
        date.fromisoformat(f"2024-{value}")
    except ValueError:
        raise ValueError(f"expected month and day as 'MM-DD', found {value!r}") from None
    return value


def _timezone(value: str) -> str:
    if value not in available_timezones():
        close = difflib.get_close_matches(value, available_timezones(), 1)
        raise ValueError(f"unknown time zone {value!r}" + (f", did you mean {close[0]!r}?" if close else ""))
    return value


def _as_of(value: object) -> object:
    if isinstance(value, str) and value not in ("latest", "today"):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"expected 'latest', 'today' or a day as YYYY-MM-DD, found {value!r}") from None
    return value


def _period_kind(value: object) -> object:
    """Choose the kind of a festive period by its keys, so that an error speaks of that kind alone."""
    if not isinstance(value, Mapping):
        return value
    kinds: dict[str, type[_Model]] = {"from": AnnualPeriod, "start": OncePeriod, "holiday": HolidayPeriod}
    found = [kind for key, kind in kinds.items() if key in value]
    if len(found) != 1:
        raise ValueError("expected either 'from' and 'to', or 'start' and 'end', or 'holiday' and 'country'")
    return found[0].model_validate(value)


def _columns(value: object) -> object:
    """Accept ``customer_id: theirs`` and, as a renaming is often written, ``theirs: customer_id``."""
    if not isinstance(value, Mapping):
        return value
    mapped = {}
    for one, other in value.items():
        canonical, theirs = (one, other) if one in PURCHASE_COLUMNS else (other, one)
        if canonical not in PURCHASE_COLUMNS:
            raise ValueError(f"unknown purchase column {one!r}, expected one of {', '.join(PURCHASE_COLUMNS)}")
        if canonical in mapped:
            raise ValueError(f"{canonical!r} is mapped twice")
        mapped[canonical] = theirs
    return mapped


def _date_format(value: str) -> str:
    letters = {letter for letter in "".join(value.split("'")[::2]) if letter.isalpha()}
    strange = sorted(letters - set("GyuDMLdQqEFahKkHmsSVzOXxZ"))
    if strange or not (letters & set("yu") and letters & set("MLD")):
        raise ValueError(f"expected a pattern such as dd/MM/yyyy (lower-case y and d, upper-case M), found {value!r}")
    return value


Amount = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, max_digits=18, decimal_places=2)]
Share = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=1, max_digits=7, decimal_places=6)]
MonthDay = Annotated[str, AfterValidator(_month_day)]
AsOf = Annotated[Literal["latest", "today"] | date, BeforeValidator(_as_of)]
Name = Annotated[str, Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)


class AnnualPeriod(_Model):
    """The same days every year, both ends inside; a period that ends before it starts wraps over New Year."""

    name: Name
    from_: MonthDay = Field(alias="from")
    to: MonthDay


class OncePeriod(_Model):
    """A stretch of days, once, both ends inside."""

    name: Name
    start: date
    end: date

    @model_validator(mode="after")
    def _in_order(self) -> OncePeriod:
        if self.end < self.start:
            raise ValueError(f"'end' {self.end} lies before 'start' {self.start}")
        return self


class HolidayPeriod(_Model):
    """The days around a holiday of the `holidays` package, in every year it knows."""

    name: Name
    holiday: Name
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    days_before: int = Field(0, ge=0, le=180)
    days_after: int = Field(0, ge=0, le=180)


FestivePeriod = Annotated[AnnualPeriod | OncePeriod | HolidayPeriod, BeforeValidator(_period_kind)]


class MongoConfig(_Model):
    """Where the purchases lie in MongoDB. Secrets are never shown."""

    uri: SecretStr | None = None
    host: Name = "localhost"
    port: int = Field(27017, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    auth_source: str | None = None
    tls: bool = False
    password_file: Name | None = None
    database: Name = "retail"
    collection: Name = "purchases"
    columns: Annotated[dict[str, Name], BeforeValidator(_columns)] = {}
    filter: dict[str, Any] | None = None
    read_preference: Literal["primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest"] | None = None
    partitioner: Name | None = None
    partitioner_options: dict[str, str | int] = {}

    @model_validator(mode="after")
    def _one_password(self) -> MongoConfig:
        if self.password is not None and self.password_file is not None:
            raise ValueError("give either 'password' or 'password_file', not both")
        return self

    def secret_password(self) -> str | None:
        """The password, from where it is kept.

        Raises:
            ConfigError: the file cannot be read.
        """
        if self.password_file is None:
            return self.password.get_secret_value() if self.password else None
        try:
            return Path(self.password_file).read_text().strip("\r\n")
        except OSError as error:
            reason = f"{self.password_file} cannot be read: {error.strerror}"
            raise ConfigError(f"mongodb.password_file: {reason}.") from None


class MongoTarget(_Model):
    """A collection that segments are written to, for applications that live on MongoDB."""

    database: Name
    collection: Name


class SegmentationConfig(_Model):
    """Every setting of the job. The names are the keys of the YAML file; `conf/segmentation.yaml` explains them."""

    # Input
    timezone: Annotated[str, AfterValidator(_timezone)] = "Asia/Colombo"
    columns: Annotated[dict[str, Name], BeforeValidator(_columns)] = {}
    date_formats: tuple[Annotated[str, AfterValidator(_date_format)], ...] = ()
    thousands_separator: Annotated[str, Field(pattern=r"^[^0-9+\-.A-Za-z]$")] | None = None
    category_aliases: dict[str, Category | Literal["Other"]] = dict(DEFAULT_ALIASES)
    mongodb: MongoConfig | None = None
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

    # Spark packages; by default those that fit the installed Spark (segmentation/versions.py)
    packages: dict[Literal["delta", "mongodb"], Name] = {}

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
        if self.publish_to_mongodb and not self.mongodb:
            raise ValueError("publish_to_mongodb: needs the server, expected mongodb: {host: ...} beside it")
        if self.category_fallback in (*Category, "Family"):
            raise ValueError(f"category_fallback: {self.category_fallback!r} is the label of a rule already")
        if self.low_lifetime_threshold >= self.high_lifetime_threshold:
            raise ValueError(
                f"low_lifetime_threshold: {self.low_lifetime_threshold} must lie below "
                f"high_lifetime_threshold {self.high_lifetime_threshold}"
            )
        return self

    def secrets(self) -> list[str]:
        """Texts that must appear nowhere: passwords, plain and percent-encoded, and connection strings with one."""
        if self.mongodb is None:
            return []
        uri = self.mongodb.uri.get_secret_value() if self.mongodb.uri else ""
        # Not urlsplit, whose errors quote what they cannot read.
        in_uri = uri.partition("://")[2].rpartition("@")[0].partition(":")[2]
        passwords = [text for text in (self.mongodb.secret_password(), in_uri, unquote(in_uri)) if text]
        return [
            text
            for text in ([uri] if in_uri else []) + passwords + [quote(text, safe="") for text in passwords]
            if text
        ]

    @property
    def zone(self) -> ZoneInfo:
        """`timezone` as an object."""
        return ZoneInfo(self.timezone)

    @property
    def aliases(self) -> dict[str, str]:
        """Category by normalised spelling; the canonical names always stand for themselves."""
        drop = str.maketrans("", "", APOSTROPHES)
        given = {spelling.strip().lower().translate(drop): str(to) for spelling, to in self.category_aliases.items()}
        return {**given, **{category.lower(): str(category) for category in Category}}

    def fingerprint(self) -> str:
        """A short hash of everything that may change the outcome; where the output goes and secrets are left out."""
        content = self.model_dump(by_alias=True, exclude={"output_dir", "output_filename", "packages"})
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=_plain).encode()).hexdigest()[:16]


def _plain(value: object) -> str:
    """One text for one value: 0.7 and 0.70 are the same number, and a secret is none."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def load_config(given: SegmentationConfig | Mapping[str, Any] | str | Path | None = None) -> SegmentationConfig:
    """Read, fill in and check a configuration.

    Args:
        given: a YAML file's path, a dict, a ready object, or None for the defaults.

    Raises:
        ConfigError: the file cannot be read, or a key is unknown or has an impossible value.
    """
    if isinstance(given, SegmentationConfig):
        return given
    where = f"configuration {given}" if isinstance(given, str | Path) else "configuration"
    content = _read_yaml(Path(given)) if isinstance(given, str | Path) else dict(given or {})
    try:
        return SegmentationConfig.model_validate(_resolve(content, ()))
    except ValidationError as error:
        raise ConfigError(f"The {where} is not valid: " + "; ".join(map(_explain, error.errors()))) from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"The configuration {path} cannot be read: {error.strerror}. Check --config.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"The configuration {path} is not valid YAML: {reason}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(
            f"The configuration {path} must be a mapping of keys to values, found {type(content).__name__}."
        )
    return content


_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _resolve(value: Any, path: tuple[str, ...]) -> Any:
    """Replace every ``${NAME}`` by the environment's value."""
    if isinstance(value, Mapping):
        return {str(key): _resolve(item, (*path, str(key))) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_resolve(item, (*path, str(number))) for number, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def lookup(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ConfigError(
                f"{'.'.join(path)}: the environment variable {match[1]} is not set; export it and run again."
            )
        return os.environ[match[1]]

    return _REFERENCE.sub(lookup, value)


def _explain(error: Any) -> str:
    """One problem as ``key.path: what was expected``."""
    path = ".".join(str(part) for part in error["loc"] if not str(part).startswith(("function-", "literal[")))
    if error["type"] == "extra_forbidden":
        key = str(error["loc"][-1])
        known = SegmentationConfig.model_fields if len(error["loc"]) == 1 else MongoConfig.model_fields
        close = difflib.get_close_matches(key, known, 1)
        return f"{path}: unknown key" + (f", did you mean {close[0]!r}?" if close else "")
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{path}: {message}" if path else message
