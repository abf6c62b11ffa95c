"""Amounts in several currencies: where a row says which, and what each is worth on which day."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, model_validator

from segmentation.config.rates import Rates, read_rates
from segmentation.config.values import Model, Name
from segmentation.locations import local_path
from segmentation.schemas import CURRENCY

Code = Annotated[str, Field(pattern="^[A-Z]{3}$")]


class CurrenciesConfig(Model):
    """A table of daily rates, by which every amount becomes one of the base currency.

    Attributes:
        base: the currency of thresholds and of all that is published.
        column: what the source calls the column with the currency of a row; `columns` may say it, too.
        rates: a local CSV file with date, currency and rate: how many units of the base one unit is worth.
        max_rate_age_days: so many days after its own, a rate still holds where there is no newer one.
    """

    base: Code = "LKR"
    column: Name | Annotated[int, Field(ge=1, strict=True)] | None = None
    rates: Name
    max_rate_age_days: int = Field(7, ge=0, le=366)

    _table: Rates = PrivateAttr()

    @model_validator(mode="after")
    def _read(self) -> CurrenciesConfig:
        path = local_path(self.rates)
        if path is None:
            raise ValueError(f"rates: expected a local file, found {self.rates}")
        self._table = read_rates(path, self.base)
        self._table.see_days(self.max_rate_age_days)
        return self

    @property
    def others(self) -> tuple[str, ...]:
        """The currencies that can be converted."""
        return self._table.currencies

    @property
    def scale(self) -> int:
        """How many decimals the rates have at most."""
        return self._table.scale

    def daily(self) -> Iterator[tuple[str, date, Decimal]]:
        """Currency, day, rate: of every day on which there is one."""
        return self._table.daily(self.max_rate_age_days)

    def content(self) -> dict[str, Any]:
        """What amounts hang on, in whatever file it stands."""
        return {"base": self.base, "rates": self._table.digest, "max_rate_age_days": self.max_rate_age_days}


def unfitting(
    currencies: CurrenciesConfig | None,
    columns: Mapping[str, str | int],
    others: Mapping[str, str | int],
    extra: Collection[str],
) -> Iterator[str]:
    """What does not fit together.

    Args:
        currencies: the table of rates, None where there is but one currency.
        columns: what is said of columns.
        others: the same for tables and collections.
        extra: further columns of a purchase.
    """
    if currencies is None:
        if CURRENCY in (*columns, *others):
            yield "columns.currency: needs to know what each is worth, expected currencies: {rates: ...} beside it"
        return
    told = columns.get(CURRENCY, currencies.column)
    if CURRENCY in extra:
        yield (
            f"input.extra_columns.{CURRENCY}: currencies reads a column of this name, expected another one, such as "
            f"paid_in: {{from: {told or CURRENCY}}}"
        )
    if currencies.column not in (None, told):
        yield (
            f"currencies.column: columns.currency says {told!r}, expected one of the two, found {currencies.column!r}"
        )
