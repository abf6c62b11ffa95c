"""An independent reading of the contract in plain Python: the reference the tests compare the Spark job with.

Nothing here comes from the package under test and nothing here is fast: purchases are read into memory and judged
one by one, in the order in which the contract states its rules. Numbers are compared as integers (cents, counts) and
fractions, never as floats.

Typical use::

    outcome = evaluate(read_csv([Path("purchases.csv")]), today=date(2024, 7, 1), config={"as_of": "2024-06-30"})
    assert published_bytes == as_json(outcome)
"""

import calendar
import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

DOCUMENT_NAMES = {
    "customer_id": "Customer_ID",
    "purchase_id": "Order_ID",
    "purchase_date": "Date",
    "amount": "Total_Amount_LKR",
    "category": "Product_Category",
}
REASONS = (
    "malformed_row",
    "missing_customer_id",
    "missing_purchase_id",
    "missing_purchase_date",
    "invalid_purchase_date",
    "future_purchase_date",
    "missing_amount",
    "invalid_amount",
    "negative_amount",
    "duplicate_purchase",
    "conflicting_purchase",
)
WARNINGS = ("missing_category", "unknown_category", "spreadsheet_id", "ancient_date")
NULL_WORDS = ("NULL", "null", "\\N", "#N/A", "N/A", "nan", "NaN", "None")
INVISIBLE = {0xAD, *range(0x200B, 0x2010), 0x2060, 0xFEFF}
CATEGORIES = ("Womens", "Mens", "Kids")
OTHER = "Other"
DEFAULT_ALIASES = {
    **dict.fromkeys(("women", "woman", "womens", "ladies"), "Womens"),
    **dict.fromkeys(("men", "man", "mens", "gents"), "Mens"),
    **dict.fromkeys(("kid", "kids", "children", "child", "boys", "girls"), "Kids"),
}
DEFAULTS: dict[str, Any] = {
    "as_of": "latest",
    "timezone": "Asia/Colombo",
    "date_formats": (),
    "thousands_separator": None,
    "decimal_separator": ".",
    "null_values": NULL_WORDS,
    "category_aliases": DEFAULT_ALIASES,
    "festive_periods": (),
    "high_aov_threshold": 15_000,
    "high_lifetime_threshold": 150_000,
    "low_lifetime_threshold": 10_000,
    "dominant_threshold": 0.70,
    "family_threshold": 0.30,
    "loyal_min_purchases": 5,
    "loyal_window_months": 6,
    "lapsed_after_days": 90,
    "seasonal_threshold": 0.8,
    "frequency_order": ("New", "Loyal", "Lapsed", "Seasonal"),
    "frequency_fallback": "Regular",
    "category_fallback": "Mixed",
    "grain": "order",
    "returns": "reject",
    "columns": {},
}

_APOSTROPHES = str.maketrans("", "", "'\u2019\u2018\u02bc`\u00b4")
_LINE_END = re.compile(r"\r\n|\r|\n")
_QUOTED = re.compile(r'"((?:[^"]|"")*+)"')
_ISO_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?"
    r"(?: ?(?:(?P<utc>Z|UTC|GMT)|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?))?)?",
    re.ASCII,
)
_DATE_FORMATS = {
    "dd/MM/yyyy": re.compile(r"(?P<day>\d\d)/(?P<month>\d\d)/(?P<year>\d{4})", re.ASCII),
    "MM/dd/yyyy": re.compile(r"(?P<month>\d\d)/(?P<day>\d\d)/(?P<year>\d{4})", re.ASCII),
    "yyyyMMdd": re.compile(r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)", re.ASCII),
}
_MAX_OFFSET = timedelta(hours=14)
_PLAIN_AMOUNT = re.compile(r"[+-]?(?:\d{1,16}(?:\.\d*)?|\.\d+)", re.ASCII)
_CENT = Decimal("0.01")
_MAX_CENTS = 10**18 - 1
_JSON_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_JSON_ESCAPED = re.compile(r'["\\\x00-\x1f]')


@dataclass(frozen=True)
class RawRow:
    """A row as it was read; `malformed` holds the text of a record that could not be taken apart, else None."""

    source: str
    malformed: str | None
    customer_id: str | None
    purchase_id: str | None
    purchase_date: str | None
    amount: str | None
    category: str | None
    line_id: str | None = None


@dataclass(frozen=True)
class Customer:
    """The labels and the metrics of one customer."""

    purchase_frequency: str
    spending: str
    category: str
    total_purchases: int
    lifetime_spend: Decimal
    average_order_value: Decimal
    first_purchase: date
    last_purchase: date
    days_since_last_purchase: int
    purchases_last_6_months: int
    purchases_last_90_days: int
    festive_purchases: int
    festive_share: float
    womens_purchases: int
    mens_purchases: int
    kids_purchases: int
    other_purchases: int
    womens_share: float
    mens_share: float
    kids_share: float
    other_share: float
    average_days_between_purchases: float | None
    returns: int
    returned_amount: Decimal


@dataclass(frozen=True)
class Outcome:
    """What one run makes of its rows; `rejected` keeps the order of reading, the counts leave zeros out."""

    rows_read: int
    purchases_used: int
    rows_rejected: int
    purchases_after_as_of: int
    rejected: list[tuple[RawRow, list[str]]]
    rejected_by_reason: dict[str, int]
    warnings_by_reason: dict[str, int]
    as_of: date | None
    customers: dict[str, Customer]
    purchases: int
    returns_used: int
    customers_without_purchases: int


@dataclass(frozen=True)
class _Purchase:
    """A valid row in canonical form, with its place in the input and its warning."""

    position: int
    customer_id: str
    purchase_id: str
    day: date
    cents: int
    category: str
    warning: str | None
    line_id: str = ""

    @property
    def columns(self) -> tuple[str, str, date, int, str]:
        """The five canonical columns, by which two purchases are equal."""
        return self.customer_id, self.purchase_id, self.day, self.cents, self.category

    @property
    def rank(self) -> tuple[int, int, bytes, bytes, int]:
        """The smallest rank among the rows of one purchase_id is kept; equal rows: the one read first."""
        return -self.day.toordinal(), -self.cents, self.customer_id.encode(), self.category.encode(), self.position


@dataclass(frozen=True)
class _Order:
    """What counts as one: a purchase, or a return where it is below zero; `rows` are what it was read from."""

    customer_id: str
    day: date
    cents: int
    category: str
    rows: tuple[_Purchase, ...]


# ---------------------------------------------------------------------------------------------------------------- CSV


def read_csv(
    paths: list[Path],
    columns: dict[str, str] | None = None,
    encoding: str = "utf-8",
    delimiter: str = ",",
    skip_lines: int = 0,
) -> list[RawRow]:
    """Read CSV files, each by its own header; `columns` maps a canonical name to the name in the file."""
    return [row for path in paths for row in _read_file(Path(path), columns or {}, encoding, delimiter, skip_lines)]


def _read_file(path: Path, columns: Mapping[str, str], encoding: str, delimiter: str, skip_lines: int) -> list[RawRow]:
    """Read one file; without any line that says something it has no rows."""
    lines = _LINE_END.split(_text(path, encoding))
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    said = re.fullmatch("sep=(.)", lines[first], re.IGNORECASE)
    if said:
        delimiter, lines = said[1], lines[first + 1 :]
    groups = _assemble(lines[skip_lines:], delimiter)
    if not groups:
        return []
    header = _fields("\n".join(groups[0]), delimiter)
    body = groups[1:]
    if header is None:
        header = _fields(groups[0][0], delimiter)
        body = _assemble(lines[lines.index(groups[0][0], skip_lines) + 1 :], delimiter)
    if header is None:
        raise ValueError(f"{path}: broken quoting in the header")
    places = _places(path, header, columns)
    return [
        _raw_row(str(path), _shown(text, encoding), fields, places)
        for text, fields in _records(body, len(header), delimiter)
    ]


def _text(path: Path, encoding: str) -> str:
    """Return the text of a file, unpacked and without byte order mark; a byte that means nothing is a surrogate."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    if data.startswith(b"\xef\xbb\xbf"):
        encoding = "utf-8-sig"
    return data.decode(encoding, errors="surrogateescape")


def _shown(text: str, encoding: str) -> str:
    """Return a record as people see it: bytes that mean nothing are U+FFFD."""
    if not any("\udc80" <= mark <= "\udcff" for mark in text):
        return text
    return text.encode(encoding, "surrogateescape").decode(encoding, "replace")


def _says_nothing(field: str) -> bool:
    """Is there nothing but blanks and control characters?"""
    return all(mark <= " " for mark in field)


def _assemble(lines: Iterable[str], delimiter: str) -> list[list[str]]:
    """Group physical lines into records: a record goes on while the number of its quotes so far is odd."""
    groups: list[list[str]] = []
    is_open = False
    for line in lines:
        if is_open:
            groups[-1].append(line)
        elif not all(_says_nothing(field) for field in _fields(line, delimiter) or [line]):
            groups.append([line])
        else:
            continue
        is_open ^= line.count('"') % 2 == 1
    return groups


def _records(groups: Iterable[list[str]], width: int, delimiter: str) -> list[tuple[str, list[str] | None]]:
    """Take records apart: text and fields, or None for a malformed one.

    A malformed record of several lines is split into them again, and each one that is not blank is judged by itself.
    A record whose fields are all empty is none.
    """
    records: list[tuple[str, list[str] | None]] = []
    for lines in groups:
        text = "\n".join(lines)
        fields = _fields_of_width(text, width, delimiter)
        whole = [(text, fields)] if fields is not None or len(lines) == 1 else []
        records.extend(whole or [(line, _fields_of_width(line, width, delimiter)) for line in lines])
    return [
        (text, fields)
        for text, fields in records
        if not all(_says_nothing(field) for field in _fields(text, delimiter) or [text])
    ]


def _fields_of_width(text: str, width: int, delimiter: str) -> list[str] | None:
    """Return the fields of a record, or None if quoting is broken or their number is not the header's."""
    fields = _fields(text, delimiter)
    return fields if fields is not None and len(fields) == width else None


def _fields(text: str, delimiter: str) -> list[str] | None:
    """Return the fields of one record by RFC 4180, or None if its quoting is broken.

    Blanks around a quoted field are dropped, and a field that reads ``="text"`` stands for ``text``.

    Broken: a field that starts with a quote and is never closed, or goes on after its closing quote. A quote in a
    field that does not start with one is a plain character. A line break outside quotes is no part of a record.
    """
    fields: list[str] = []
    position = 0
    while True:
        blanks = " " if delimiter == "\t" else " \t"
        start = position
        while text[start : start + 1] and text[start] in blanks:
            start += 1
        if text.startswith('"', start):
            quoted = _QUOTED.match(text, start)
            if quoted is None:
                return None
            fields.append(_unformulated(quoted[1].replace('""', '"')))
            position = quoted.end()
            while text[position : position + 1] and text[position] in blanks:
                position += 1
        else:
            end = text.find(delimiter, position)
            end = len(text) if end < 0 else end
            if "\n" in text[position:end]:
                return None
            field = text[position:end]
            bare = field.strip(" \t")
            fields.append(_unformulated(bare) if _unformulated(bare) != bare else field)
            position = end
        if position == len(text):
            return fields
        if text[position] != delimiter:
            return None
        position += 1


def _unformulated(field: str) -> str:
    """Return what Excel's way to write a text as a formula stands for."""
    found = re.fullmatch('="(.*)"', field, re.DOTALL)
    return found[1].replace('""', '"') if found else field


def _places(path: Path, header: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Return where each canonical column stands: by its mapped, its document or its canonical name."""
    names = [name.strip().lower() for name in header]
    places: dict[str, int] = {}
    for canonical, document_name in DOCUMENT_NAMES.items():
        accepted = (columns.get(canonical, document_name), document_name, canonical)
        found = [names.index(name.strip().lower()) for name in accepted if name.strip().lower() in names]
        if found:
            places[canonical] = found[0]
    if "line_id" in columns:
        places["line_id"] = names.index(columns["line_id"].strip().lower())
    missing = [canonical for canonical in DOCUMENT_NAMES if canonical not in places]
    if missing:
        raise ValueError(f"{path}: Missing required columns {missing}, found {header}")
    return places


def _raw_row(source: str, text: str, fields: list[str] | None, places: Mapping[str, int]) -> RawRow:
    """Build the row of a record; a malformed one has its text and no values."""
    if fields is None:
        return RawRow(source, text, **dict.fromkeys(DOCUMENT_NAMES))
    values = {name: fields[place] for name, place in places.items()}
    if any("\udc80" <= mark <= "\udcff" for value in values.values() for mark in value):
        return RawRow(source, text, **dict.fromkeys(DOCUMENT_NAMES))
    return RawRow(source, None, **values)


# ------------------------------------------------------------------------------------------------------------- values


def _trimmed(value: str | None) -> str:
    """Return the value without surrounding white space; nothing at all is the empty string."""
    return (value or "").strip()


def _id(value: str | None, null_words: Iterable[str]) -> str:
    """Return an id or a category without blanks and invisible characters around it, empty if it stands for nothing."""
    text = list(value or "")
    for at in (0, -1):
        while text and (text[at].isspace() or ord(text[at]) in INVISIBLE):
            text.pop(at)
    found = "".join(text)
    return "" if found in null_words else found


def _day(text: str, zone: ZoneInfo, formats: Iterable[str]) -> date | None:
    """Return the calendar day a text stands for, or None if it stands for none."""
    try:
        iso = _ISO_DATE.fullmatch(text)
        if iso is not None:
            return _iso_day(iso, zone)
        for name in formats:
            found = _DATE_FORMATS[name].fullmatch(text)
            day = _date_or_none(found) if found else None
            if day is not None:
                return day
    except (ValueError, OverflowError):
        return None
    return None


def _date_or_none(found: re.Match[str]) -> date | None:
    """Return the date of a match with the groups year, month and day, or None for an impossible one."""
    try:
        return date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return None


def _iso_day(found: re.Match[str], zone: ZoneInfo) -> date:
    """Return the day of an ISO date; with an offset, the day it is in `zone`. ValueError for an impossible one."""
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    local = datetime.combine(date(year, month, day), time(hour, minute, second))
    if found["utc"]:
        return local.replace(tzinfo=UTC).astimezone(zone).date()
    if not found["sign"]:
        return local.date()
    hours, minutes = int(found["hours"]), int(found["minutes"] or 0)
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > _MAX_OFFSET:
        raise ValueError("offset out of range")
    return local.replace(tzinfo=timezone(-offset if found["sign"] == "-" else offset)).astimezone(zone).date()


def _cents(text: str, separator: str | None, decimal: str) -> int | None:
    """Return an amount in cents, rounded half up (away from zero), or None if the text is no amount."""
    whole, *decimals = text.split(decimal)
    if len(decimals) > 1 or (decimal != "." and "." in text.replace(separator or "", "")):
        return None
    if separator:
        first, *groups = whole.lstrip("+-").split(separator)
        lengths = [len(group) for group in groups]
        if groups and not (1 <= len(first) <= 3 and set(lengths) <= {2, 3} and lengths[-1] == 3):
            return None
        whole = whole.replace(separator, "")
    text = grouped = ".".join([whole, *decimals])
    if _PLAIN_AMOUNT.fullmatch(text):
        number = text
    elif _PLAIN_AMOUNT.fullmatch(grouped):
        number = grouped
    else:
        return None
    exact = Context(prec=len(number) + 4, rounding=ROUND_HALF_UP)
    rounded = Decimal(number).quantize(_CENT, context=exact)
    cents = int(rounded.scaleb(2, context=exact))
    return cents if abs(cents) <= _MAX_CENTS else None


def _category_key(text: str) -> str:
    """Return a category as it is looked up: trimmed, in lower case, without apostrophes."""
    return text.strip().lower().translate(_APOSTROPHES)


def _alias_table(aliases: Mapping[str, str]) -> dict[str, str]:
    """Return category by key; the three names always stand for themselves."""
    strange = set(aliases.values()) - {*CATEGORIES, OTHER}
    if strange:
        raise ValueError(f"category_aliases leads to labels that are no categories: {sorted(strange)}")
    table = {_category_key(alias): category for alias, category in aliases.items()}
    return table | {category.lower(): category for category in CATEGORIES}


def _category(text: str, table: Mapping[str, str]) -> tuple[str, str | None]:
    """Return the normalised category of a trimmed value and the warning it earns."""
    if not text:
        return OTHER, "missing_category"
    category = table.get(_category_key(text))
    return (OTHER, "unknown_category") if category is None else (category, None)


def _as_date(value: date | str) -> date:
    """Return a configured day, given as a date or as YYYY-MM-DD."""
    return value if isinstance(value, date) else date.fromisoformat(value)


def _money(cents: int) -> Decimal:
    """Return cents as a decimal with two places."""
    sign = "-" if cents < 0 else ""
    return Decimal(f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}")


def _average(cents: int, total: int) -> Decimal:
    """Return cents by a count, rounded half away from zero."""
    away = (2 * abs(cents) + total) // (2 * total)
    return _money(-away if cents < 0 else away)


def _fraction(value: float | str | Decimal) -> Fraction:
    """Return a configured number as it is written: 0.7 is seven tenths, not the nearest binary float."""
    return Fraction(str(value))


# --------------------------------------------------------------------------------------------------------- validation


def _judge(
    position: int, row: RawRow, today: date, settings: Mapping[str, Any], zone: ZoneInfo, table: Mapping[str, str]
) -> _Purchase | list[str]:
    """Return the purchase a row stands for, or the reasons against it in the contract's order."""
    if row.malformed is not None:
        return ["malformed_row"]
    nothing = settings["null_values"]
    customer_id, purchase_id = _id(row.customer_id, nothing), _id(row.purchase_id, nothing)
    day_text, amount_text = _trimmed(row.purchase_date), _trimmed(row.amount)
    day = _day(day_text, zone, settings["date_formats"])
    cents = _cents(amount_text, settings["thousands_separator"], settings["decimal_separator"])
    problems = {
        "missing_customer_id": not customer_id,
        "missing_purchase_id": not purchase_id,
        "missing_purchase_date": not day_text,
        "invalid_purchase_date": bool(day_text) and day is None,
        "future_purchase_date": day is not None and day > today,
        "missing_amount": not amount_text,
        "invalid_amount": bool(amount_text) and cents is None,
        "negative_amount": settings["returns"] == "reject" and cents is not None and cents < 0,
    }
    reasons = [reason for reason in REASONS if problems.get(reason)]
    if reasons or day is None or cents is None:
        return reasons
    category, warning = _category(_id(row.category, nothing), table)
    if warning is None and any(re.fullmatch(r"\d([.,]\d+)?[Ee]\+\d+", one, re.A) for one in (customer_id, purchase_id)):
        warning = "spreadsheet_id"
    elif warning is None and day.year < 1970:
        warning = "ancient_date"
    line_id = _id(row.line_id, nothing)
    return _Purchase(position, customer_id, purchase_id, day, cents, category, warning, line_id)


def _settle_duplicates(
    valid: Iterable[_Purchase], identity: Callable[[_Purchase], object]
) -> tuple[list[_Purchase], dict[int, list[str]]]:
    """Keep one row of each identity; return the kept ones and the reason of each other one by position."""
    by_id: dict[object, list[_Purchase]] = defaultdict(list)
    for purchase in valid:
        by_id[identity(purchase)].append(purchase)
    kept: list[_Purchase] = []
    rejected: dict[int, list[str]] = {}
    for rows in by_id.values():
        first, *others = sorted(rows, key=lambda row: row.rank)
        kept.append(first)
        for other in others:
            same = other.columns == first.columns
            rejected[other.position] = ["duplicate_purchase" if same else "conflicting_purchase"]
    return kept, rejected


def _orders(valid: list[_Purchase], settings: Mapping[str, Any]) -> tuple[list[_Order], dict[int, list[str]]]:
    """Return the purchases and returns that valid rows stand for, and the reasons of those left out by position."""
    if settings["grain"] == "line":
        return _orders_of_lines(valid, has_numbers="line_id" in settings["columns"])
    kept, rejected = _settle_duplicates(valid, lambda row: (row.purchase_id, row.cents < 0))
    return [_Order(row.customer_id, row.day, row.cents, row.category, (row,)) for row in kept], rejected


def _orders_of_lines(valid: list[_Purchase], *, has_numbers: bool) -> tuple[list[_Order], dict[int, list[str]]]:
    """Put the lines of each purchase_id together; a line without a number is like no other."""
    lines, rejected = valid, {}
    if has_numbers:
        lines, rejected = _settle_duplicates(valid, lambda row: (row.purchase_id, row.line_id or row.position))
    by_id: dict[str, list[_Purchase]] = defaultdict(list)
    for line in lines:
        by_id[line.purchase_id].append(line)
    orders = []
    for of_purchase in by_id.values():
        customer_id = min(of_purchase, key=lambda line: line.rank).customer_id
        own = [line for line in of_purchase if line.customer_id == customer_id]
        for line in of_purchase:
            if line.customer_id != customer_id:
                rejected[line.position] = ["conflicting_purchase"]
        orders.append(_order_of(customer_id, own))
    return orders, rejected


def _order_of(customer_id: str, lines: list[_Purchase]) -> _Order:
    """Return the earliest day, the sum, and the category with the largest sum."""
    by_category: dict[str, int] = Counter()
    for line in lines:
        by_category[line.category] += line.cents
    order = (*CATEGORIES, OTHER)
    category = min(by_category, key=lambda name: (-by_category[name], order.index(name)))
    return _Order(
        customer_id, min(line.day for line in lines), sum(line.cents for line in lines), category, tuple(lines)
    )


def _resolve_as_of(value: date | str, today: date, valid: Iterable[_Order]) -> date | None:
    """Return the as-of day: the latest purchase or return (None without any), the day of the run, or the day given."""
    if value == "latest":
        return max((purchase.day for purchase in valid), default=None)
    return today if value == "today" else _as_date(value)


def _counted(items: Iterable[str], order: Iterable[str]) -> dict[str, int]:
    """Count items, in the given order, without zeros."""
    counts = Counter(items)
    return {name: counts[name] for name in order if counts[name]}


# -------------------------------------------------------------------------------------------------- metrics and rules


def _months_before(day: date, months: int) -> date:
    """Return the same day of an earlier month, or that month's last day if it has no such day."""
    year, month0 = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = calendar.monthrange(year, month0 + 1)[1]
    return date(year, month0 + 1, min(day.day, last))


def _festive_test(periods: Iterable[Mapping[str, Any]]) -> Callable[[date], bool]:
    """Return the test for a festive day; periods are annual (`from`, `to`) or happen once (`start`, `end`)."""
    tests = [_period_test(period) for period in periods]
    return lambda day: any(test(day) for test in tests)


def _period_test(period: Mapping[str, Any]) -> Callable[[date], bool]:
    """Return the test for the days of one period, both ends inside; an annual one may wrap over New Year."""
    if "start" in period:
        start, end = _as_date(period["start"]), _as_date(period["end"])
        return lambda day: start <= day <= end
    if "from" not in period:
        raise ValueError(f"not a kind of festive period the oracle knows: {period}")
    first, last = period["from"], period["to"]
    if first <= last:
        return lambda day: first <= day.isoformat()[5:] <= last
    return lambda day: day.isoformat()[5:] >= first or day.isoformat()[5:] <= last


def _frequency(days: list[date], festive: int, as_of: date, settings: Mapping[str, Any]) -> str:
    """Return the first purchase frequency that matches, in the configured order."""
    loyal_from = _months_before(as_of, settings["loyal_window_months"])
    lapsed_before = as_of - timedelta(days=settings["lapsed_after_days"])
    matches = {
        "New": len(days) == 1,
        "Loyal": sum(day >= loyal_from for day in days) >= settings["loyal_min_purchases"],
        "Lapsed": max(days) < lapsed_before,
        "Seasonal": festive >= _fraction(settings["seasonal_threshold"]) * len(days),
    }
    order = settings["frequency_order"]
    if sorted(order) != sorted(matches):
        raise ValueError(f"frequency_order must name {sorted(matches)} once each, not {order}")
    return next((label for label in order if matches[label]), settings["frequency_fallback"])


def _spending(cents: int, total: int, settings: Mapping[str, Any]) -> str:
    """Return the spending label; the average is compared as lifetime >= threshold * purchases."""
    lifetime = Fraction(cents, 100)
    high_average = lifetime >= _fraction(settings["high_aov_threshold"]) * total
    if high_average or lifetime >= _fraction(settings["high_lifetime_threshold"]):
        return "High Value"
    return "Low Value" if lifetime <= _fraction(settings["low_lifetime_threshold"]) else "Medium Value"


def _category_label(counts: Mapping[str, int], total: int, settings: Mapping[str, Any]) -> str:
    """Return the category label; of several dominant categories the largest, then the first, wins."""
    dominant = [name for name in CATEGORIES if counts[name] >= _fraction(settings["dominant_threshold"]) * total]
    if dominant:
        return max(dominant, key=lambda name: counts[name])
    family = [name for name in CATEGORIES if counts[name] >= _fraction(settings["family_threshold"]) * total]
    return "Family" if len(family) >= 2 else settings["category_fallback"]


def _customer(
    orders: list[_Order], as_of: date, is_festive: Callable[[date], bool], settings: Mapping[str, Any]
) -> Customer:
    """Return the labels and metrics of one customer's purchases and returns, none of them after the as-of day."""
    purchases = [order for order in orders if order.cents >= 0]
    returned = [-order.cents for order in orders if order.cents < 0]
    days = [purchase.day for purchase in purchases]
    counts = Counter(purchase.category for purchase in purchases)
    cents = sum(order.cents for order in orders)
    total, first, last = len(purchases), min(days), max(days)
    festive = sum(is_festive(day) for day in days)
    return Customer(
        purchase_frequency=_frequency(days, festive, as_of, settings),
        spending=_spending(cents, total, settings),
        category=_category_label(counts, total, settings),
        total_purchases=total,
        lifetime_spend=_money(cents),
        average_order_value=_average(cents, total),
        first_purchase=first,
        last_purchase=last,
        days_since_last_purchase=(as_of - last).days,
        purchases_last_6_months=sum(day >= _months_before(as_of, 6) for day in days),
        purchases_last_90_days=sum(day >= as_of - timedelta(days=90) for day in days),
        festive_purchases=festive,
        festive_share=festive / total,
        womens_purchases=counts["Womens"],
        mens_purchases=counts["Mens"],
        kids_purchases=counts["Kids"],
        other_purchases=counts[OTHER],
        womens_share=counts["Womens"] / total,
        mens_share=counts["Mens"] / total,
        kids_share=counts["Kids"] / total,
        other_share=counts[OTHER] / total,
        average_days_between_purchases=(last - first).days / (total - 1) if total > 1 else None,
        returns=len(returned),
        returned_amount=_money(sum(returned)),
    )


# -------------------------------------------------------------------------------------------------------- entry points


def evaluate(rows: list[RawRow], *, today: date, config: dict[str, Any] | None = None) -> Outcome:
    """Validate rows, cut at the as-of day and segment the customers; `today` is the day of the run.

    `config` uses the contract's flat keys; keys that do not change the outcome are ignored.
    """
    settings = DEFAULTS | {key: value for key, value in (config or {}).items() if value is not None}
    unknown = set(settings["date_formats"]) - set(_DATE_FORMATS)
    if unknown:
        raise ValueError(f"date formats the oracle does not know: {sorted(unknown)}")
    zone, table = ZoneInfo(settings["timezone"]), _alias_table(settings["category_aliases"])

    valid: list[_Purchase] = []
    reasons: dict[int, list[str]] = {}
    for position, row in enumerate(rows):
        verdict = _judge(position, row, today, settings, zone, table)
        if isinstance(verdict, _Purchase):
            valid.append(verdict)
        else:
            reasons[position] = verdict
    orders, duplicates = _orders(valid, settings)
    reasons |= duplicates

    as_of = _resolve_as_of(settings["as_of"], today, orders)
    used = [order for order in orders if as_of is not None and order.day <= as_of]
    used_rows = [row for order in used for row in order.rows]
    by_customer: dict[str, list[_Order]] = defaultdict(list)
    for order in used:
        by_customer[order.customer_id].append(order)
    buyers = {order.customer_id for order in used if order.cents >= 0}
    is_festive = _festive_test(settings["festive_periods"])
    customers = {
        customer_id: _customer(of_customer, as_of, is_festive, settings)
        for customer_id, of_customer in by_customer.items()
        if as_of is not None and customer_id in buyers
    }
    return Outcome(
        rows_read=len(rows),
        purchases_used=len(used_rows),
        rows_rejected=len(reasons),
        purchases_after_as_of=sum(len(order.rows) for order in orders) - len(used_rows),
        rejected=[(rows[position], reasons[position]) for position in sorted(reasons)],
        rejected_by_reason=_counted((name for names in reasons.values() for name in names), REASONS),
        warnings_by_reason=_counted((row.warning for row in used_rows if row.warning), WARNINGS),
        as_of=as_of,
        customers=customers,
        purchases=sum(order.cents >= 0 for order in used),
        returns_used=sum(len(order.rows) for order in used if order.cents < 0),
        customers_without_purchases=len(by_customer) - len(buyers),
    )


def as_json(outcome: Outcome) -> bytes:
    """Return the JSON export, byte for byte."""
    ordered = sorted(outcome.customers.items(), key=lambda item: item[0].encode())
    return ("[\n" + ",\n".join(_element(*item) for item in ordered) + "\n]\n").encode()


def _element(customer_id: str, customer: Customer) -> str:
    """Return one customer's element of the export."""
    labels = ",".join(
        f'"{dimension}":{_json_string(getattr(customer, dimension))}'
        for dimension in ("purchase_frequency", "spending", "category")
    )
    return f'{{"customer_id":{_json_string(customer_id)},"segmentation":{{{labels}}}}}'


def _json_string(text: str) -> str:
    """Quote a text as Jackson does: only what JSON demands is escaped, other controls with upper-case digits."""
    return '"' + _JSON_ESCAPED.sub(lambda hit: _JSON_SHORT.get(hit[0], f"\\u{ord(hit[0]):04X}"), text) + '"'
