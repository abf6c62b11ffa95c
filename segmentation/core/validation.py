"""Raw rows -> typed purchases, each with its reasons for rejection. A check is a Column: null, or a reason.

The order of the steps is the order of the file: trim, type, check. Nothing is dropped here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.schemas import (
    AMOUNT,
    AMOUNT_TYPE,
    APOSTROPHES,
    CATEGORY,
    CUSTOMER_ID,
    OTHER,
    PURCHASE_COLUMNS,
    PURCHASE_DATE,
    PURCHASE_ID,
    RAW,
    RAW_RECORD,
    REASONS,
    SOURCE_ID,
    WARNING,
    Category,
    Reason,
    Warn,
)

# What Python's str.strip removes, so that a no-break space pasted from a spreadsheet does not make another customer.
WHITESPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# There is no year 0; the time is a time of day; an offset is at most 14 hours.
YEAR = r"(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
DAY = rf"{YEAR}-[0-9]{{2}}-[0-9]{{2}}"
TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?"
OFFSET = r"Z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?"
DATE_TEXT = rf"\A{DAY}(?:[T ]{TIME}(?: ?(?:{OFFSET}))?)?\z"
WITH_OFFSET = rf"\A{DAY}[T ]({TIME}) ?({OFFSET})\z"
AMOUNT_TEXT = r"\A[+-]?(?:[0-9]{1,16}(?:\.[0-9]*)?|\.[0-9]+)\z"
PLAIN_AMOUNT = r"\A[0-9]{1,16}(?:\.[0-9]+)?\z"
# Letters of Spark's date patterns that stand for a zone or an offset.
ZONE_LETTERS = frozenset("VzOXxZ")


def label_rows(raw: DataFrame, config: SegmentationConfig, today: date) -> DataFrame:
    """Type every row and say why it cannot be used.

    Args:
        raw: one row per row read, `RAW_COLUMNS`, all text; ``raw_record`` is the whole row where it is malformed,
            else null.
        config: time zone, date formats, separator, category aliases.
        today: the day of the run in the configured time zone.

    Returns:
        One row per row read: ``source_id`` (bigint); the five columns of the canonical purchase, each null where the
        text gives no valid value; ``reasons`` (array of string in the order of `Reason`, null for a valid row);
        ``warning`` (string, null if there is none); ``raw`` (array of the `RAW_TEXTS` as they were read, null where
        they are just the canonical values, so that clean data carries nothing twice).
    """
    clean = (
        raw.withColumns({"plain_day": try_cast(PURCHASE_DATE, "date"), "plain_amount": try_cast(AMOUNT, AMOUNT_TYPE)})
        .withColumn("same_amount", F.col("plain_amount").cast("string").eqNullSafe(F.col(AMOUNT)))
        .withColumn("clean", F.coalesce(is_clean(today), F.lit(False)))
    )
    # For a clean row these texts are null, and so everything that is made of them costs next to nothing.
    careful = {_text(name): F.when(~F.col("clean"), blank_to_null(F.col(name))) for name in PURCHASE_COLUMNS}
    return (
        clean.withColumns(careful)
        .withColumn("day_text", day_text(F.col(_text(PURCHASE_DATE))))
        .withColumn("amount_text", plain_number(F.col(_text(AMOUNT)), config.thousands_separator))
        .withColumn("local_day", try_cast("day_text", "date"))
        .withColumn("with_offset", with_offset(F.col(_text(PURCHASE_DATE))))
        .withColumn("any_day", purchase_day(F.col(_text(PURCHASE_DATE)), config))
        .withColumns(
            {
                # Converting may lead out of the years that a date can have.
                "day": F.when(F.year("any_day").between(1, 9999), F.col("any_day")),
                "exact_amount": try_cast("amount_text", AMOUNT_TYPE),
                "known_category": known_category(F.col(_text(CATEGORY)), config.aliases),
            }
        )
        .select(
            SOURCE_ID,
            _clean_or(CUSTOMER_ID, F.col(_text(CUSTOMER_ID))),
            _clean_or(PURCHASE_ID, F.col(_text(PURCHASE_ID))),
            _clean_or(PURCHASE_DATE, F.col("day"), "plain_day"),
            _clean_or(AMOUNT, F.col("exact_amount"), "plain_amount"),
            _clean_or(CATEGORY, F.coalesce("known_category", F.lit(OTHER))),
            F.when(~F.col("clean"), reasons(today)).alias(REASONS),
            F.when(~F.col("clean"), category_warning()).alias(WARNING),
            F.when(~F.col("clean"), raw_if_different()).when(~F.col("same_amount"), raw_texts()).alias(RAW),
        )
    )


def is_clean(today: date) -> Column:
    """Is every text the plain form of a valid value? Then the row needs no closer look; null counts as no.

    This only saves time, most of it: nine in ten rows of real data are clean, and the careful way costs five times
    as much. Whatever is in doubt is not clean.
    """
    return (
        F.col(RAW_RECORD).isNull()
        & _has_plain_edges(F.col(CUSTOMER_ID))
        & _has_plain_edges(F.col(PURCHASE_ID))
        & _is_plain_day(F.col(PURCHASE_DATE), F.col("plain_day"), today)
        & (F.col("same_amount") | F.col(AMOUNT).rlike(PLAIN_AMOUNT))
        & (F.col("plain_amount") >= 0)
        & F.col(CATEGORY).isin([str(category) for category in Category])
    )


def _has_plain_edges(text: Column) -> Column:
    """Text that starts and ends with a visible ASCII character, so that there is nothing to trim.

    Its bytes are looked at, because finding the last character of a text means to walk through it.
    """
    last = F.substring(text.cast("binary"), -1, 1)
    return (text >= "!") & (text < "\x7f") & last.between(F.lit(b"!"), F.lit(b"~"))


def _is_plain_day(text: Column, day: Column, today: date) -> Column:
    """Exactly ``YYYY-MM-DD`` and not after today, given that Spark could cast `text` to `day`.

    Spark's cast also takes one-digit months and days, a time behind ``T`` or a blank, and longer years. Of ten
    characters and with a year of four digits, which no leading zero and a day up to today make sure of, only those
    with a ``T`` or a blank are not the plain form. It also trims control characters, so the last one must be a digit.
    """
    four_digit_year = (text >= "1000") & (day <= F.lit(today))
    ends_with_digit = F.substring(text, -1, 1).between("0", "9")
    return (F.length(text) == 10) & four_digit_year & ends_with_digit & ~text.contains("T") & ~text.contains(" ")


def _clean_or(name: str, careful: Column, plain: str | None = None) -> Column:
    return F.when(F.col("clean"), F.col(plain or name)).otherwise(careful).alias(name)


def blank_to_null(text: Column) -> Column:
    """Text without surrounding white space; null where nothing is left."""
    trimmed = F.btrim(text, F.lit(WHITESPACE))
    return F.when(trimmed != "", trimmed)


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
    return F.coalesce(standard, *[_by_format(text, pattern, config.timezone) for pattern in config.date_formats])


def _converted(text: Column, timezone: str) -> Column:
    """The day in `timezone` of a text with an offset. Engines differ in which offsets they take for a zone."""
    local = F.to_timestamp_ntz(F.concat(F.substring(text, 1, 10), F.lit(" "), F.regexp_extract(text, WITH_OFFSET, 1)))
    # Hours and minutes as one number: -330 is three and a half hours behind; Z is none.
    number = F.rpad(F.translate(F.regexp_extract(text, WITH_OFFSET, 2), "Z:", "0"), 5, "0").cast("int")
    ahead = number - (number / 100).cast("int") * 40
    in_utc = local - F.make_dt_interval(F.lit(0), F.lit(0), ahead)
    return F.to_date(F.convert_timezone(F.lit("UTC"), F.lit(timezone), in_utc))


def _by_format(text: Column, pattern: str, timezone: str) -> Column:
    """The day by one more pattern. The session's zone is UTC, so only a pattern with a zone needs converting."""
    instant = F.try_to_timestamp(text, F.lit(pattern))
    has_zone = not ZONE_LETTERS.isdisjoint(_without_quoted(pattern))
    return F.to_date(F.from_utc_timestamp(instant, timezone) if has_zone else instant)


def _without_quoted(pattern: str) -> str:
    return "".join(pattern.split("'")[::2])


def plain_number(text: Column, thousands_separator: str | None) -> Column:
    """The text of a plain decimal number, null where it is none; groups of thousands only if a separator is given."""
    if thousands_separator is not None:
        separator = "\\" + thousands_separator
        grouped = text.rlike(rf"\A[+-]?[0-9]{{1,3}}(?:{separator}[0-9]{{3}})+(?:\.[0-9]*)?\z")
        text = F.when(grouped, F.replace(text, F.lit(thousands_separator), F.lit(""))).otherwise(text)
    return F.when(text.rlike(AMOUNT_TEXT), text)


def known_category(text: Column, aliases: Mapping[str, str]) -> Column:
    """Womens, Mens, Kids (or Other, where an alias says so) by normalised spelling, null where it is unknown."""
    spelling = F.translate(F.lower(text), APOSTROPHES, "")
    by_category = [
        F.when(spelling.isin([alias for alias, to in aliases.items() if to == category]), F.lit(category))
        for category in (*Category, OTHER)
        if category in aliases.values()
    ]
    return F.coalesce(*by_category)


def reasons(today: date) -> Column:
    """Every reason that applies, in order; null for a valid row. A malformed row has no other reason."""
    is_malformed = F.col(RAW_RECORD).isNotNull()
    # Joining skips nulls; filtering an array would, too, but Spark does not compile that.
    every = F.when(is_malformed, F.lit(Reason.MALFORMED_ROW)).otherwise(F.concat_ws(",", *checks(today)))
    return F.when(every != "", F.split(every, ","))


def checks(today: date) -> list[Column]:
    """The checks of a single row, each null or a reason, in the order of the contract."""
    date_text, amount_text = F.col(_text(PURCHASE_DATE)), F.col(_text(AMOUNT))
    day, amount = F.col("day"), F.col("exact_amount")
    return [
        check(F.col(_text(CUSTOMER_ID)).isNull(), Reason.MISSING_CUSTOMER_ID),
        check(F.col(_text(PURCHASE_ID)).isNull(), Reason.MISSING_PURCHASE_ID),
        check(date_text.isNull(), Reason.MISSING_PURCHASE_DATE),
        check(date_text.isNotNull() & day.isNull(), Reason.INVALID_PURCHASE_DATE),
        check(day > F.lit(today), Reason.FUTURE_PURCHASE_DATE),
        check(amount_text.isNull(), Reason.MISSING_AMOUNT),
        check(amount_text.isNotNull() & amount.isNull(), Reason.INVALID_AMOUNT),
        check(amount < 0, Reason.NEGATIVE_AMOUNT),
    ]


def check(broken: Column, reason: Reason) -> Column:
    """Null when fine, the reason when broken."""
    return F.when(broken, F.lit(reason))


def category_warning() -> Column:
    """What is remarkable about the category, null if nothing."""
    return F.when(F.col(_text(CATEGORY)).isNull(), F.lit(Warn.MISSING_CATEGORY)).when(
        F.col("known_category").isNull(), F.lit(Warn.UNKNOWN_CATEGORY)
    )


def raw_if_different() -> Column:
    """The texts as they were read, null where they equal the canonical values as text."""
    canonical = {
        CUSTOMER_ID: F.col(_text(CUSTOMER_ID)),
        PURCHASE_ID: F.col(_text(PURCHASE_ID)),
        PURCHASE_DATE: F.col("day").cast("string"),
        AMOUNT: F.col("exact_amount").cast("string"),
        CATEGORY: F.coalesce("known_category", F.lit(OTHER)),
    }
    same = reduce(lambda one, other: one & other, [F.col(name).eqNullSafe(value) for name, value in canonical.items()])
    return F.when(F.col(RAW_RECORD).isNotNull() | ~same, raw_texts())


def raw_texts() -> Column:
    """The `RAW_TEXTS` as an array: a struct of texts that are mostly null costs five times as much to store."""
    # The fields of a malformed row stand in the wrong places: its record says all there is.
    is_whole = F.col(RAW_RECORD).isNull()
    return F.array(RAW_RECORD, *[F.when(is_whole, F.col(name)) for name in PURCHASE_COLUMNS])


def _text(column: str) -> str:
    return f"{column}_text_"
