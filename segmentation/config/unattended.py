"""What matters when nobody watches: when to be worried, whom to tell, what to keep of logs."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import quote, unquote

from pydantic import Field, SecretStr, model_validator

from segmentation.config.values import Model


class Age(Model):
    """A span of time, as dbt writes it."""

    count: int = Field(ge=1)
    period: Literal["minute", "hour", "day"]

    @property
    def span(self) -> timedelta:
        """The same as an object."""
        return timedelta(**{f"{self.period}s": self.count})


class FreshnessConfig(Model):
    """How old what is published may grow before a monitor is worried."""

    warn_after: Age | None = Age(count=12, period="hour")
    error_after: Age | None = Age(count=24, period="hour")


class MonitoringConfig(Model):
    """What of a new publication is unusual; see `run.shift`.

    Attributes:
        warn_above: population stability index, or drop of customers, purchases or spend, that is told.
        refuse_above: the same, not to be published; None for never.
        baseline_runs: publications before it is known what is usual, and anything refused.
        min_customers: fewer say nothing.
        newest_purchase_within_days: of today, where `as_of` is the latest purchase; None for any.
    """

    warn_above: Annotated[Decimal, Field(gt=0)] = Decimal("0.1")
    refuse_above: Annotated[Decimal, Field(gt=0)] | None = Decimal("0.25")
    baseline_runs: int = Field(10, ge=1)
    min_customers: int = Field(1000, ge=1)
    newest_purchase_within_days: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> MonitoringConfig:
        if self.refuse_above is not None and self.refuse_above < self.warn_above:
            raise ValueError(f"refuse_above: {self.refuse_above} lies below warn_above {self.warn_above}")
        return self


class AlertsConfig(Model):
    """Whom to tell, by addresses of the library apprise; they hold secrets, and are never shown."""

    urls: tuple[SecretStr, ...] = ()
    timeout_seconds: int = Field(10, ge=1, le=120)

    def secrets(self) -> list[str]:
        """Texts that must appear nowhere: the addresses, and what is in them beyond their kind."""
        addresses = [url.get_secret_value() for url in self.urls]
        inside = [address.partition("://")[2] for address in addresses]
        return [text for one in (*addresses, *inside) for text in {one, unquote(one), quote(one, safe="")} if text]


class LineageConfig(Model):
    """Where OpenLineage events go."""

    namespace: str = "customer-segmentation"
    url: str | None = None
    file: str | None = None
    api_key: SecretStr | None = None

    def secrets(self) -> list[str]:
        """Texts that must appear nowhere: the key, and what stands before the host."""
        in_url = (self.url or "").partition("://")[2].rpartition("@")[0]
        return [text for text in (self.api_key.get_secret_value() if self.api_key else "", in_url) if text]

    @model_validator(mode="after")
    def _one_place(self) -> LineageConfig:
        if (self.url is None) == (self.file is None):
            raise ValueError("expected url or file, one of the two")
        return self


class LogConfig(Model):
    """The log of runs.

    Attributes:
        format: ``text``, or ``json``: an object a line.
        max_megabytes: a log that would grow larger is set aside, as ``.1``, ``.2`` and so on.
        keep: how many of these are kept.
    """

    format: Literal["text", "json"] = "text"
    max_megabytes: Annotated[Decimal, Field(gt=0)] = Decimal(10)
    keep: int = Field(5, ge=1, le=1000)
