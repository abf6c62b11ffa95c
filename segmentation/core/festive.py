"""Festive days: which days count as festive, as a Column and as a list for people."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, reduce
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from segmentation.config import AnnualPeriod, FestivePeriod, HolidayPeriod, OncePeriod
from segmentation.core.days import on
from segmentation.errors import ConfigError

Where = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class FestiveDays:
    """A stretch of festive days, both ends inside.

    Attributes:
        where: by column of a purchase, the values of which it must have one; empty: it holds for all purchases.
    """

    name: str
    start: date
    end: date
    where: Where = field(default_factory=dict)


@dataclass(frozen=True)
class FestiveCalendar:
    """The configured periods, resolved for the days from `first` to `last`.

    Attributes:
        annual: periods that need no resolution.
        days: stretches of days, by start, of the periods that hold once or hang on a holiday.
        unknown_years: per holiday, the years between `first` and `last` that the `holidays` package does not know.
    """

    annual: tuple[AnnualPeriod, ...]
    days: tuple[FestiveDays, ...]
    unknown_years: dict[str, tuple[int, ...]]

    def contains(self, day: Column) -> Column:
        """Date -> boolean: is it festive? Null stays null. The columns that periods ask for stand beside it."""
        month_day = F.month(day) * 100 + F.dayofmonth(day)
        found: list[tuple[Where, Column]] = [
            (period.where, _within_year(month_day, _number(period.from_), _number(period.to))) for period in self.annual
        ]
        found += [(stretch.where, day.between(on(stretch.start), on(stretch.end))) for stretch in self.days]
        groups: dict[tuple[tuple[str, Sequence[str]], ...], list[Column]] = {}
        for where, condition in found:
            groups.setdefault(tuple(sorted(where.items())), []).append(condition)
        conditions = [_all([*map(_has, where), _any(inside)]) for where, inside in groups.items()]
        return _any([F.lit(False), *conditions])

    def has(self, day: date, beside: Mapping[str, Any]) -> bool:
        """The same of one day and the columns that stand beside it, without an engine."""
        number = day.month * 100 + day.day
        inside: list[Where] = [
            period.where for period in self.annual if _within_year(number, _number(period.from_), _number(period.to))
        ]
        inside += [stretch.where for stretch in self.days if stretch.start <= day <= stretch.end]
        return any(all(beside[column] in values for column, values in where.items()) for where in inside)

    def gaps(self) -> list[str]:
        """One line a holiday of which years of the data are not known, for the log."""
        return [
            f"{name} is not known for {', '.join(map(str, years[-5:]))}: its days count as ordinary there; "
            "add them with 'start' and 'end'."
            for name, years in self.unknown_years.items()
        ]

    def describe(self) -> list[str]:
        """One line a stretch of days, for people and for the run record."""
        return [f"{p.name}: every year {p.from_} to {p.to}{_only(p.where)}" for p in self.annual] + [
            f"{stretch.name}: {stretch.start} to {stretch.end}{_only(stretch.where)}" for stretch in self.days
        ]


def resolve(periods: Sequence[FestivePeriod], first: date, last: date) -> FestiveCalendar:
    """The calendar of `periods` for the days from `first` to `last`.

    Raises:
        ConfigError: a country or a holiday that the `holidays` package does not know.
    """
    days: list[FestiveDays] = []
    unknown: dict[str, tuple[int, ...]] = {}
    for period in periods:
        if isinstance(period, OncePeriod):
            days.append(FestiveDays(period.name, period.start, period.end, period.where))
        elif isinstance(period, HolidayPeriod):
            found = list(_holiday_days(period, first.year - 1, last.year + 1))
            days += [stretch for stretch in found if stretch.end >= first and stretch.start <= last]
            start, end = _known_years(period)
            missing = tuple(year for year in range(first.year, last.year + 1) if not start <= year <= end)
            if missing:
                unknown[period.name] = missing
    annual = tuple(period for period in periods if isinstance(period, AnnualPeriod))
    return FestiveCalendar(annual, tuple(sorted(days, key=lambda stretch: stretch.start)), unknown)


def _any(conditions: Sequence[Column]) -> Column:
    """One of them at least, in pairs of pairs: a row of a century of holidays is deeper than engines take."""
    if len(conditions) == 1:
        return conditions[0]
    half = len(conditions) // 2
    return _any(conditions[:half]) | _any(conditions[half:])


def _all(conditions: Sequence[Column]) -> Column:
    return reduce(lambda one, other: one & other, conditions)


def _has(asked: tuple[str, Sequence[str]]) -> Column:
    """Has a purchase one of the values? Without any it has none, and is an ordinary one."""
    column, values = asked
    return F.coalesce(F.col(column).isin(*values), F.lit(False))


def _only(where: Where) -> str:
    return "".join(f", {column} {' or '.join(values)}" for column, values in where.items())


def _number(month_day: str) -> int:
    return int(month_day.replace("-", ""))


def _within_year(month_day: Any, start: int, end: int) -> Any:
    """Of a Column as of a number."""
    inside = (month_day >= start, month_day <= end)
    return inside[0] & inside[1] if start <= end else inside[0] | inside[1]


def _known_years(period: HolidayPeriod) -> tuple[int, int]:
    import holidays

    try:
        country = holidays.country_holidays(period.country)
    except NotImplementedError:
        raise ConfigError(
            f"festive_periods: {period.name!r}: the holidays package does not know the country {period.country!r}; "
            "give its two-letter ISO code, for example LK, or state the days with 'start' and 'end'."
        ) from None
    return country.start_year, country.end_year


def _holiday_days(period: HolidayPeriod, first_year: int, last_year: int) -> Iterator[FestiveDays]:
    known = _known_years(period)
    named = _named_days(period, max(first_year, known[0]), min(last_year, known[1]))
    if not named:
        _refuse_unknown_name(period, known)
    for day in named:
        yield FestiveDays(
            period.name, day - timedelta(days=period.days_before), day + timedelta(days=period.days_after), period.where
        )


def _holidays(period: HolidayPeriod, first_year: int, last_year: int) -> dict[date, str]:
    years = range(first_year, last_year + 1)
    return {day: label for year in years for day, label in _holidays_of(period.country, year).items()}


@cache
def _holidays_of(country: str, year: int) -> Mapping[date, str]:
    """The days of a country that carry a name in a year; who explains customers asks again and again."""
    import holidays

    known = holidays.country_holidays(country)
    language = "en_US" if "en_US" in known.supported_languages else None
    return dict(holidays.country_holidays(country, years=year, language=language).items())


def _names(label: str) -> list[str]:
    """One day may carry several names, and a lunar one may be an estimate."""
    return [name.removesuffix(" (estimated)") for name in label.split("; ")]


def _named_days(period: HolidayPeriod, first_year: int, last_year: int) -> list[date]:
    found = _holidays(period, first_year, last_year)
    return sorted(day for day, label in found.items() if period.holiday in _names(label))


def _refuse_unknown_name(period: HolidayPeriod, known: tuple[int, int]) -> None:
    """A name that exists, but in no year asked for, is fine; one that never exists is a mistake."""
    names = {name for label in _holidays(period, *known).values() for name in _names(label)}
    if period.holiday not in names:
        close = difflib.get_close_matches(period.holiday, names, 3) or sorted(names)[:10]
        raise ConfigError(
            f"festive_periods: {period.name!r}: the holidays package has no holiday {period.holiday!r} for "
            f"{period.country}; it has for example {', '.join(close)}."
        )
