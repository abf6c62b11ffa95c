"""Times as cron writes them, checked, and when they come next."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from segmentation.errors import ScheduleError, install

if TYPE_CHECKING:
    from apscheduler.triggers.base import BaseTrigger

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[0-9]{1,3}))?")


class Field(NamedTuple):
    """A field of cron: its numbers, and the names that stand for them."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


MINUTE = Field("minute", 0, 59)
HOUR = Field("hour", 0, 23)
DAY = Field("day of the month", 1, 31)
MONTH = Field("month", 1, 12, MONTHS)
# 7 is Sunday as well.
WEEKDAY = Field("day of the week", 0, 7, WEEKDAYS)
FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)


@dataclass(frozen=True)
class Times:
    """When a line of cron is due: the numbers of each field, None for each there is.

    Attributes:
        text: the five fields as they were written, with one blank between them.
        weekdays: 0 is Sunday.
        either: a day that fits one of day and weekday is enough, as cron has it where both are given.
    """

    text: str
    minutes: tuple[int, ...] | None
    hours: tuple[int, ...] | None
    days: tuple[int, ...] | None
    months: tuple[int, ...] | None
    weekdays: tuple[int, ...] | None
    either: bool


def times_of(text: str) -> Times:
    """What five fields of cron mean.

    Raises:
        ScheduleError: they are none, or name a day that never comes.
    """
    words = text.split()
    if len(words) != len(FIELDS):
        raise _refused(text, f"found {len(words)} fields")
    minutes, hours, days, months, weekdays = (
        _numbers(word, field, text) for word, field in zip(words, FIELDS, strict=True)
    )
    if weekdays is not None:
        weekdays = tuple(sorted({day % 7 for day in weekdays}))
    either = not words[2].startswith("*") and not words[4].startswith("*")
    return Times(" ".join(words), minutes, hours, days, months, weekdays, either)


def next_times(times: Times, now: datetime | None = None, count: int = 3) -> list[datetime]:
    """When it is due next, in the time zone of `now`, by default the machine's.

    Raises:
        ScheduleError: never, or APScheduler is not installed.
    """
    trigger = trigger_of(times, now.tzinfo if now else None)
    found: list[datetime] = []
    after = now or datetime.now().astimezone()
    while len(found) < count:
        due = trigger.get_next_fire_time(found[-1] if found else None, after)
        if due is None:
            raise _refused(times.text, "it never comes")
        found.append(due)
        after = due
    return found


def trigger_of(times: Times, zone: tzinfo | None = None) -> BaseTrigger:
    """The same for APScheduler, by default in the machine's time zone.

    It counts weekdays from Monday and wants both days to fit: it is told names, and each day alone.

    Raises:
        ScheduleError: APScheduler is not installed.
    """
    try:
        from apscheduler.triggers.combining import OrTrigger
        from apscheduler.triggers.cron import CronTrigger
    except ImportError:
        raise ScheduleError(f"Schedules need APScheduler, which is not installed: {install('automation')}.") from None
    days, weekdays = _listed(times.days), _listed(times.weekdays, WEEKDAYS)
    pairs = [(days, "*"), ("*", weekdays)] if times.either else [(days, weekdays)]
    found = [
        CronTrigger.from_crontab(
            f"{_listed(times.minutes)} {_listed(times.hours)} {day} {_listed(times.months)} {weekday}", timezone=zone
        )
        for day, weekday in pairs
    ]
    return found[0] if len(found) == 1 else OrTrigger(found)


def _refused(text: str, found: str) -> ScheduleError:
    return ScheduleError(
        f"The times {text!r} cannot be used: expected five fields of cron, minute hour day month weekday, like "
        f"'0 */6 * * *' for every six hours; {found}."
    )


def _numbers(word: str, field: Field, text: str) -> tuple[int, ...] | None:
    """The numbers that a field stands for; None for all of them."""
    if word == "*":
        return None
    found = sorted({number for part in word.split(",") for number in _part(part, field, text)})
    return tuple(found)


def _part(part: str, field: Field, text: str) -> range:
    """`*`, `3`, `1-5`, `*/2` or `1-5/2`."""
    match = PART.fullmatch(part)
    if match is None or (match["step"] and match["first"] and not match["last"]):
        raise _refused(text, f"the {field.name} is {part!r}")
    first = _number(match["first"], field, text) if match["first"] else field.low
    last = _number(match["last"], field, text) if match["last"] else first if match["first"] else field.high
    step = int(match["step"] or 1)
    if last < first or step < 1:
        raise _refused(text, f"the {field.name} is {part!r}")
    return range(first, last + 1, step)


def _number(word: str, field: Field, text: str) -> int:
    if word.lower() in field.names:
        return field.names.index(word.lower()) + field.low
    if not re.fullmatch("[0-9]{1,2}", word) or not field.low <= int(word) <= field.high:
        raise _refused(text, f"the {field.name} is {word!r}, and goes from {field.low} to {field.high}")
    return int(word)


def _listed(numbers: tuple[int, ...] | None, names: tuple[str, ...] = ()) -> str:
    return "*" if numbers is None else ",".join(names[number] if names else str(number) for number in numbers)
