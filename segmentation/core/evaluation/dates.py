"""Days."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

from segmentation.core.evaluation.casts import day_of
from segmentation.core.evaluation.values import NULL, Typed, Unknown, strict

DAY, NUMBER = ("date", "string", NULL), ("int", NULL)


def _function(kind: str, function: Callable[..., Any], *takes: Sequence[str]) -> Callable[..., Typed]:
    def build(*args: Typed) -> Typed:
        if len(args) != len(takes) or any(one.kind not in which for one, which in zip(args, takes, strict=True)):
            raise Unknown(f"a function of days of {', '.join(one.kind for one in args)}")
        days = [strict("date", day_of, [one]) if one.kind == "string" else one for one in args]
        return strict(kind, function, days)

    return build


def _later(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        raise Unknown(f"{days} days from {day}") from None


@cache
def _months_later(day: date, months: int) -> date:
    """A missing day becomes the month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise Unknown(f"{months} months from {day}")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _last_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


_difference = _function("int", lambda one, other: (one - other).days, DAY, DAY)
_day_of_month = _function("int", lambda day: day.day, DAY)
_add = _function("date", _later, DAY, NUMBER)
DATES: Mapping[str, Callable[..., Typed]] = {
    "datediff": _difference,
    "date_diff": _difference,
    "date_add": _add,
    "date_sub": _function("date", lambda day, days: _later(day, -days), DAY, NUMBER),
    "add_months": _function("date", _months_later, DAY, NUMBER),
    "last_day": _function("date", _last_of_month, DAY),
    "year": _function("int", lambda day: day.year, DAY),
    "quarter": _function("int", lambda day: (day.month + 2) // 3, DAY),
    "month": _function("int", lambda day: day.month, DAY),
    "day": _day_of_month,
    "dayofmonth": _day_of_month,
    "dayofweek": _function("int", lambda day: day.isoweekday() % 7 + 1, DAY),
    "dayofyear": _function("int", lambda day: day.timetuple().tm_yday, DAY),
}
