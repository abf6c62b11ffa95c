"""Text -> values, as people write them. Every pattern is one that all engines read alike: no lookaround, no possessive
marks, and none of the short forms for digits and the end of a text, which mean different things to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.date_formats import digits_of, literally
from segmentation.schemas import APOSTROPHES, EDGES, OTHER, WHITESPACE, Category

# There is no year 0; the time is a time of day; an offset is at most 14 hours.
YEAR = r"(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
DAY = rf"{YEAR}-[0-9]{{2}}-[0-9]{{2}}"
TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?"
OFFSET = r"Z|UTC|GMT|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?"
DATE_TEXT = rf"\A{DAY}(?:[T ]{TIME}(?: ?(?:{OFFSET}))?)?\z"
WITH_OFFSET = rf"\A{DAY}[T ]({TIME}) ?({OFFSET})\z"
# As a spreadsheet shows a long number, wherever it puts its decimal mark. The plus tells it from a code such as 1E5.
SPREADSHEET_NUMBER = r"\A[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+\z"
# A sign, sixteen digits, a point, forty more.
LONGEST_AMOUNT = 58
# Beside more than ten others, Spark looks a word up in a set: less code, and quicker, than comparing one by one. These
# change nothing: a trimmed text is no blank, and a spelling has no apostrophe.
BLANKS = tuple(" " * number for number in range(11))
MARKS = tuple(APOSTROPHES[0] * number for number in range(1, 12))
# Letters of Spark's date patterns that stand for a zone or an offset.
ZONE_LETTERS = frozenset("VzOXxZ")


def blank_to_null(text: Column) -> Column:
    """Text without surrounding white space; null where nothing is left."""
    trimmed = F.btrim(text, F.lit(WHITESPACE))
    return F.when(trimmed != "", trimmed)


def word_or_null(text: Column, null_words: Sequence[str]) -> Column:
    """An id or a category without what nobody sees around it; null where nothing is left, or a word for nothing."""
    trimmed = F.btrim(text, F.lit(EDGES))
    return F.when(~stands_for_nothing(trimmed, null_words), trimmed)


def stands_for_nothing(trimmed: Column, null_words: Sequence[str]) -> Column:
    """Is nothing left, or a word for nothing?"""
    return trimmed.isin(*BLANKS, *null_words)


def is_spreadsheet_number(text: Column) -> Column:
    """Has a spreadsheet rounded it?"""
    return text.rlike(SPREADSHEET_NUMBER)


def try_cast(column: str, to: str) -> Column:
    """The named column as type `to`, null where that is impossible (Spark 3.5 has no `Column.try_cast`)."""
    return F.expr(f"try_cast(`{column}` as {to})")


def day_text(text: Column) -> Column:
    """The ``YYYY-MM-DD`` in front of a standard date, null where there is none."""
    return F.when(text.rlike(DATE_TEXT), F.substring(text, 1, 10))


def with_offset(text: Column) -> Column:
    """Text of a possible day with a time and an offset, null where it is none."""
    return F.when(F.col("local_day").isNotNull() & text.rlike(WITH_OFFSET), text)


def purchase_day(text: Column, config: SegmentationConfig) -> Column:
    """The calendar day in the configured zone; null where the text is no date.

    A day without an offset is taken as it stands; with one, the instant is converted. The formats of the
    configuration are tried in their order where the standard one does not fit.
    """
    standard = F.coalesce(_converted(F.col("with_offset"), config.timezone), "local_day")
    return F.coalesce(standard, *[by_format(text, pattern, config.timezone) for pattern in config.date_formats])


def _converted(text: Column, timezone: str) -> Column:
    """The day in `timezone` of a text with an offset. Engines differ in which offsets they take for a zone."""
    local = F.to_timestamp_ntz(F.concat(F.substring(text, 1, 10), F.lit(" "), F.regexp_extract(text, WITH_OFFSET, 1)))
    # Hours and minutes as one number: -330 is three and a half hours behind; Z and the words are none.
    number = F.rpad(F.translate(F.regexp_extract(text, WITH_OFFSET, 2), "ZUTCGM:", ""), 5, "0").cast("int")
    ahead = number - (number / 100).cast("int") * 40
    in_utc = local - F.make_dt_interval(F.lit(0), F.lit(0), ahead)
    return F.to_date(F.convert_timezone(F.lit("UTC"), F.lit(timezone), in_utc))


def by_format(text: Column, pattern: str, timezone: str) -> Column:
    """The day by one more pattern. The session's zone is UTC, so only a pattern with a zone needs converting."""
    digits = digits_of(pattern)
    fitting = F.when(text.rlike(digits), text) if digits else text
    instant = F.try_to_timestamp(fitting, F.lit(pattern))
    has_zone = not ZONE_LETTERS.isdisjoint(_without_quoted(pattern))
    return F.to_date(F.from_utc_timestamp(instant, timezone) if has_zone else instant)


def _without_quoted(pattern: str) -> str:
    return "".join(pattern.split("'")[::2])


def plain_number(text: Column, decimal: str, thousands: str | None) -> Column:
    """A plain decimal number, with a point, null where the text is none; groups only if their separator is given."""
    mark = literally(decimal)
    if thousands is not None:
        # Groups of two digits are lakhs and crores.
        groups = rf"[0-9]{{1,3}}(?:{literally(thousands)}[0-9]{{2,3}})*{literally(thousands)}[0-9]{{3}}"
        grouped = text.rlike(rf"\A[+-]?{groups}(?:{mark}[0-9]*)?\z")
        text = F.when(grouped, F.replace(text, F.lit(thousands), F.lit(""))).otherwise(text)
    fits = text.rlike(rf"\A[+-]?(?:[0-9]{{1,16}}(?:{mark}[0-9]*)?|{mark}[0-9]+)\z")
    # Behind forty decimals nothing changes what is rounded half up, and not every engine reads more.
    return F.when(fits, F.substring(with_point(text, decimal), 1, LONGEST_AMOUNT))


def with_point(text: Column, decimal: str) -> Column:
    """A number with a point where it has another decimal mark."""
    return text if decimal == "." else F.translate(text, decimal, ".")


def known_category(text: Column, aliases: Mapping[str, str]) -> Column:
    """Womens, Mens, Kids (or Other, where an alias says so) by normalised spelling, null where it is unknown."""
    spelling = F.translate(F.lower(text), APOSTROPHES, "")
    by_category = [
        F.when(spelling.isin(*MARKS, *[alias for alias, to in aliases.items() if to == category]), F.lit(category))
        for category in (*Category, OTHER)
        if category in aliases.values()
    ]
    return F.coalesce(*by_category)
