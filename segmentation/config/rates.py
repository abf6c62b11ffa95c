"""A file of daily rates: what a unit of each currency is worth in the base one. Checked before anything is read."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

COLUMNS = ("date", "currency", "rate")
CODE = re.compile(r"[A-Z]{3}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
# An amount has sixteen digits and four decimals at most, and a product of more than 38 digits would be rounded twice.
MOST_DIGITS = 17
MOST_LINES = 200_000
# They go to every worker along with the plan.
MOST_DAYS = 400_000


class Rate(NamedTuple):
    """What a unit of a currency is worth on a day, and the line that says so."""

    currency: str
    day: date
    worth: Decimal
    line: int


class Rates(NamedTuple):
    """All of a file, by currency and day.

    Attributes:
        rates: those of other currencies than the base.
        scale: how many decimals they have at most.
    """

    rates: tuple[Rate, ...]
    scale: int

    @property
    def currencies(self) -> tuple[str, ...]:
        """What can be converted."""
        return tuple(sorted({rate.currency for rate in self.rates}))

    @property
    def digest(self) -> str:
        """The same for the same rates, in whatever order and form a file gives them."""
        told = [f"{rate.currency} {rate.day} {rate.worth:f}" for rate in self.rates]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]

    def daily(self, max_age_days: int) -> Iterator[tuple[str, date, Decimal]]:
        """Every day on which a currency has a rate: its own, or the last one before, up to `max_age_days` old."""
        for rate, days in self._lasting(max_age_days):
            yield from ((rate.currency, rate.day + timedelta(days=number), rate.worth) for number in range(days))

    def see_days(self, max_age_days: int) -> None:
        """See that `daily` is not too much.

        Raises:
            ValueError: it is.
        """
        days = sum(days for _, days in self._lasting(max_age_days))
        if days > MOST_DAYS:
            raise ValueError(
                f"rates: with max_rate_age_days: {max_age_days} they hold for {days:,} days of all currencies together,"
                f" expected up to {MOST_DAYS:,}: let them hold for fewer days, or leave out currencies and years "
                "without purchases"
            )

    def _lasting(self, max_age_days: int) -> Iterator[tuple[Rate, int]]:
        for rate, after in pairwise([*self.rates, None]):
            assert rate is not None  # only the last one is nothing
            days = min(max_age_days, (date.max - rate.day).days) + 1
            if after is not None and after.currency == rate.currency:
                days = min(days, (after.day - rate.day).days)
            yield rate, days


def read_rates(path: Path, base: str) -> Rates:
    """The rates of a CSV file with the columns date, currency and rate, in any order, beside others.

    Args:
        path: the file.
        base: the currency that rates are in.

    Raises:
        ValueError: naming the file and the line, what was expected and what was found.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            found = [rate for rate in _rates(lines, path) if not _is_base(rate, base, path)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"{path} cannot be read: {reason}") from None
    if not found:
        raise ValueError(f"{path} has no rates, expected a line per day and currency below date,currency,rate")
    found.sort(key=lambda rate: (rate.currency, rate.day, rate.line))
    _see_once(found, path)
    return Rates(tuple(found), _scale(found, path))


def _rates(lines: Iterator[str], path: Path) -> Iterator[Rate]:
    records = csv.reader(lines, strict=True)
    header = [name.strip().lower() for name in next(records, [])]
    if any(header.count(name) != 1 for name in COLUMNS):
        raise ValueError(f"{path}, line 1: expected the columns {','.join(COLUMNS)}, found {','.join(header)[:100]!r}")
    for record in records:
        if not any(cell.strip() for cell in record):
            continue
        where = f"{path}, line {records.line_num}"
        if len(record) != len(header):
            raise ValueError(f"{where}: expected {len(header)} fields, found {len(record)}")
        if records.line_num > MOST_LINES:
            raise ValueError(f"{path} has more than {MOST_LINES:,} lines: leave out days without purchases")
        cells = {name: cell.strip() for name, cell in zip(header, record, strict=True)}
        yield _rate(cells, records.line_num, where)


def _rate(cells: Mapping[str, str], line: int, where: str) -> Rate:
    code, number = cells["currency"].upper(), cells["rate"]
    if not CODE.fullmatch(code):
        raise ValueError(f"{where}: expected a currency of three letters such as USD, found {cells['currency']!r}")
    if not NUMBER.fullmatch(number) or Decimal(number) == 0:
        raise ValueError(f"{where}: expected a rate above 0 such as 301.25, found {number!r}")
    whole, _, decimals = number.partition(".")
    # Not Decimal.normalize, which knows 28 digits.
    return Rate(code, _day(cells["date"], where), Decimal(f"{whole}.{decimals.rstrip('0')}"), line)


def _day(text: str, where: str) -> date:
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"{where}: expected a date as YYYY-MM-DD, found {text!r}")


def _is_base(rate: Rate, base: str, path: Path) -> bool:
    if rate.currency == base and rate.worth != 1:
        raise ValueError(f"{path}, line {rate.line}: {base} is the base, so its rate is 1, found {rate.worth}")
    return rate.currency == base


def _see_once(rates: list[Rate], path: Path) -> None:
    for one, other in pairwise(rates):
        if one[:2] == other[:2]:
            raise ValueError(
                f"{path}, line {other.line}: {other.currency} has a rate for {other.day} already, on line {one.line}"
            )


def _scale(rates: list[Rate], path: Path) -> int:
    """The decimals that all need together, where they and the digits before the point are not too many."""
    finest = max(rates, key=lambda rate: _decimals(rate.worth))
    largest = max(rates, key=lambda rate: rate.worth)
    scale, whole = _decimals(finest.worth), len(str(int(largest.worth)))
    if scale + whole > MOST_DIGITS:
        advice = f"round them to {MOST_DIGITS - whole} decimals" if whole <= MOST_DIGITS else "none is as large"
        raise ValueError(
            f"{path}: expected rates of up to {MOST_DIGITS} digits together, found {whole} before the point on line "
            f"{largest.line} and {scale} behind it on line {finest.line}: {advice}"
        )
    return scale


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
