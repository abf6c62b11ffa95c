"""Festive periods, of three kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from segmentation.config.own import InputConfig, OwnName
from segmentation.config.values import Model, Name

DEFAULT_FESTIVE_PERIODS: tuple[Mapping[str, Any], ...] = (
    {"name": "Sinhala and Tamil New Year", "holiday": "Sinhala and Tamil New Year", "country": "LK", "days_before": 14},
    {"name": "Vesak", "holiday": "Vesak Full Moon Poya Day", "country": "LK", "days_before": 7, "days_after": 1},
    {"name": "Eid al-Fitr", "holiday": "Eid al-Fitr", "country": "LK", "days_before": 14},
    {"name": "Diwali", "holiday": "Diwali", "country": "LK", "days_before": 14},
    {"name": "December", "from": "12-01", "to": "12-31"},
)


def _month_day(value: str) -> str:
    try:
        date.fromisoformat(f"2024-{value}")
    except ValueError:
        raise ValueError(f"expected month and day as 'MM-DD', found {value!r}") from None
    return value


MonthDay = Annotated[str, AfterValidator(_month_day)]


def _period_kind(value: object) -> object:
    """Choose the kind of a festive period by its keys, so that an error speaks of that kind alone."""
    if not isinstance(value, Mapping):
        return value
    kinds: dict[str, type[Model]] = {"from": AnnualPeriod, "start": OncePeriod, "holiday": HolidayPeriod}
    found = [kind for key, kind in kinds.items() if key in value]
    if len(found) != 1:
        raise ValueError("expected either 'from' and 'to', or 'start' and 'end', or 'holiday' and 'country'")
    return found[0].model_validate(value)


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Values = Annotated[tuple[Name, ...], Field(min_length=1), BeforeValidator(_several)]


class Period(Model):
    """What all kinds have.

    Attributes:
        name: for people.
        where: extra columns of a purchase, and the values of which it must have one; empty: it holds for all.
    """

    name: Name
    where: dict[OwnName, Values] = {}


class AnnualPeriod(Period):
    """The same days every year, both ends inside; a period that ends before it starts wraps over New Year."""

    from_: MonthDay = Field(alias="from")
    to: MonthDay


class OncePeriod(Period):
    """A stretch of days, once, both ends inside."""

    start: date
    end: date

    @model_validator(mode="after")
    def _in_order(self) -> OncePeriod:
        if self.end < self.start:
            raise ValueError(f"'end' {self.end} lies before 'start' {self.start}")
        return self


class HolidayPeriod(Period):
    """The days around a holiday of the `holidays` package, in every year it knows."""

    holiday: Name
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    days_before: int = Field(0, ge=0, le=180)
    days_after: int = Field(0, ge=0, le=180)


FestivePeriod = Annotated[AnnualPeriod | OncePeriod | HolidayPeriod, BeforeValidator(_period_kind)]


def unknown_columns(periods: Sequence[Period], given: InputConfig) -> Iterator[str]:
    """What is said of columns that purchases do not have, or not as text."""
    for number, period in enumerate(periods):
        for column in period.where:
            found, place = given.extra_columns.get(column), f"festive_periods.{number}.where.{column}"
            if found is None:
                names = ", ".join(given.extra_columns) or "none there"
                yield f"{place}: expected a column of input.extra_columns, found {names}"
            elif found.type != "string":
                yield f"{place}: expected a column of the type string, found {found.type}"
