"""The shape of texts that are no dates to the configuration -> the pattern that reads them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MARK = r"([-/. ])"
TIME = r"(?P<time>(?P<gap> |, )9:9(?P<seconds>:9)?(?P<half> ?a)?)?"
YEAR_FIRST = re.compile(rf"Y{MARK}9{MARK}9{TIME}")
YEAR_LAST = re.compile(rf"9{MARK}9{MARK}(?P<year>Y|9){TIME}")
WORDED = re.compile(rf"9{MARK}a{MARK}(?P<year>Y|9){TIME}")
WORD_FIRST = re.compile(rf"a 9(?P<comma>,?) (?P<year>Y){TIME}")
WITHOUT_MARKS = "YY"
ANY_TIME = re.compile(r",? 9:9(:9)?( ?a)?$")
STANDARD = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
LAST_DAY = 31
# Of dates that tell, so few in the other order are slips.
SLIPS = 20


class Shape(NamedTuple):
    """Texts that look alike.

    Attributes:
        form: four digits as ``Y``, fewer as ``9``, letters as ``a``, the rest as it is.
        rows: how many.
        example: one of them.
        one_is_day: in how many the first of the two numbers that are no year must be the day.
        other_is_day: in how many the second must.
        year_first: of eight digits, in how many the first four are a year.
        third: the largest third number.
    """

    form: str
    rows: int
    example: str
    one_is_day: int = 0
    other_is_day: int = 0
    year_first: int = 0
    third: int = 0


class Proposal(NamedTuple):
    """Patterns that read a shape, what is unsure about them, and the pattern that reads days for months."""

    patterns: tuple[str, ...]
    doubt: str | None = None
    opposite: str | None = None


def together(shapes: Sequence[Shape]) -> list[Shape]:
    """What one shape tells of days and months holds for those that differ in the time behind the date."""
    one, other = Counter[str](), Counter[str]()
    for shape in shapes:
        date = ANY_TIME.sub("", shape.form)
        one[date] += shape.one_is_day
        other[date] += shape.other_is_day
    dates = [ANY_TIME.sub("", shape.form) for shape in shapes]
    return [
        shape._replace(one_is_day=one[date], other_is_day=other[date])
        for shape, date in zip(shapes, dates, strict=True)
    ]


def proposed(shape: Shape) -> Proposal | None:
    """The patterns for a shape, None where it is not known or cannot be told."""
    return next(filter(None, _proposals(shape)), None)


def what_of(shape: Shape) -> str:
    """What to do about a shape that is not proposed for."""
    if shape.example.isdigit() and shape.form != WITHOUT_MARKS:
        return "a number of seconds or days is no date; export it as one"
    if STANDARD.match(shape.example):
        return "there may be no such day, or what stands behind it is no time"
    return "no pattern known here reads it for sure; if it is a date, add its pattern to date_formats"


def _proposals(shape: Shape) -> Iterator[Proposal | None]:
    if (found := YEAR_FIRST.fullmatch(shape.form)) and _has_time(shape, found) and not STANDARD.match(shape.example):
        # Whoever writes the year first writes the month second, unless the numbers say otherwise.
        told = shape if shape.one_is_day else shape._replace(other_is_day=max(shape.other_is_day, 1))
        yield _by_numbers(told, "yyyy" + found[1], found[2], _time(found))
    last = YEAR_LAST.fullmatch(shape.form)
    if last and _has_time(shape, last) and not _may_start_with_year(shape, last):
        yield _by_numbers(shape, "", last[1], f"{last[2]}{_year(last)}{_time(last)}")
    if (found := WORDED.fullmatch(shape.form)) and _has_time(shape, found) and _month(shape):
        yield Proposal((f"d{found[1]}{_month(shape)}{found[2]}{_year(found)}{_time(found)}",))
    if (found := WORD_FIRST.fullmatch(shape.form)) and _has_time(shape, found) and _month(shape):
        yield Proposal((f"{_month(shape)} d{found['comma']} {_year(found)}{_time(found)}",))
    if shape.form == WITHOUT_MARKS:
        is_year_first = 2 * shape.year_first > shape.rows
        yield Proposal(("yyyyMMdd",)) if is_year_first else _by_numbers(shape, "", "", "yyyy", "dd", "MM")


def _by_numbers(shape: Shape, before: str, mark: str, after: str, day: str = "d", month: str = "M") -> Proposal | None:
    """Which of the two numbers is the day, told by those above 12."""
    day_first, month_first = f"{before}{day}{mark}{month}{after}", f"{before}{month}{mark}{day}{after}"
    few, many = sorted((shape.one_is_day, shape.other_is_day))
    if few * SLIPS > many:
        both = f"in {shape.one_is_day:,} the day must come first, in {shape.other_is_day:,} the month; all others are"
        return Proposal((day_first, month_first), f"{both} read with the day first")
    if shape.other_is_day > shape.one_is_day:
        return Proposal((month_first,), None, day_first)
    doubt = None if shape.one_is_day else f"no day above 12 tells, so it may be {month_first}"
    return Proposal((day_first,), doubt, month_first)


def _may_start_with_year(shape: Shape, found: re.Match[str]) -> bool:
    """Three numbers of two digits, the first above 12 throughout and the last never above a day: 24/01/13."""
    return found["year"] == "9" and shape.rows > 1 and shape.one_is_day >= shape.rows and shape.third <= LAST_DAY


def _year(found: re.Match[str]) -> str:
    return "yyyy" if found["year"] == "Y" else "yy"


def _month(shape: Shape) -> str | None:
    """The letters for a month that is written out, None where the word is no English month."""
    word = next(iter(re.findall("[A-Za-z]+", shape.example)), "").lower()
    if word in MONTHS and word != "may":
        return "MMMM"
    return "MMM" if word in [name[:3] for name in MONTHS] else None


def _has_time(shape: Shape, found: re.Match[str]) -> bool:
    """Is what stands behind the time, if anything does, AM or PM?"""
    return not found["half"] or shape.example.lower().endswith(("am", "pm"))


def _time(found: re.Match[str]) -> str:
    if not found["time"]:
        return ""
    seconds, half = ":ss" if found["seconds"] else "", found["half"] or ""
    return f"{found['gap']}{'h' if half else 'H'}:mm{seconds}{half}"
