"""Raw rows -> typed purchases, each with its reasons for rejection. A check is a Column: null, or a reason.

The order of the steps is the order of the file: trim, type, check. Nothing is dropped here.
"""

from __future__ import annotations

from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.currencies import JUDGED, converted, is_invalid_currency, is_missing_rate, is_plainly_base
from segmentation.core.days import on
from segmentation.core.extra import is_odd_extra, is_other_extra, typed_extra, with_extra
from segmentation.core.plain import RECENT, with_plain_values
from segmentation.core.texts import (
    blank_to_null,
    day_text,
    is_spreadsheet_number,
    known_category,
    plain_number,
    purchase_day,
    try_cast,
    with_offset,
    word_or_null,
)
from segmentation.schemas import (
    AMOUNT,
    AMOUNT_TYPE,
    CATEGORY,
    CUSTOMER_ID,
    LINE_ID,
    OTHER,
    PURCHASE_COLUMNS,
    PURCHASE_DATE,
    PURCHASE_ID,
    RAW,
    RAW_RECORD,
    REASONS,
    SOURCE_ID,
    WARNING,
    Reason,
    Warn,
)


def label_rows(
    raw: DataFrame,
    config: SegmentationConfig,
    today: date,
    *,
    by_pattern: bool = False,
    rates: DataFrame | None = None,
) -> DataFrame:
    """Type every row and say why it cannot be used.

    Args:
        raw: one row per row read, `RAW_COLUMNS` (with ``grain: line`` perhaps ``line_id``) and the extra columns, all
            text; ``raw_record`` is the whole row where it is malformed, else null.
        config: time zone, date formats, separators, words for nothing, category aliases.
        today: the day of the run in the configured time zone.
        by_pattern: see `plain.with_plain_values`.
        rates: of `currencies.RATES_SCHEMA`, where there are several currencies.

    Returns:
        One row per row read: ``source_id`` (bigint); the five columns of the canonical purchase, each null where the
        text gives no valid value; ``reasons`` (array of string in the order of `Reason`, null for a valid row);
        ``warning`` (string, null if there is none); ``raw`` (array of the `RAW_TEXTS` and the extra columns as they
        were read, null where they are just the canonical values, so that clean data carries nothing twice); ``line_id``
        as it was read, where there is one; the extra columns, each null where the text is no value of its type.
    """
    clean = with_plain_values(raw, config, today, by_pattern=by_pattern)
    # For a clean row these texts are null, and so everything that is made of them costs next to nothing.
    careful = {_text(name): F.when(~F.col("clean"), _trimmed(name, config)) for name in PURCHASE_COLUMNS}
    return (
        with_extra(clean.withColumns(careful), config)
        .withColumn("day_text", day_text(F.col(_text(PURCHASE_DATE))))
        .withColumn("amount_text", _amount_text(config))
        .withColumn("local_day", try_cast("day_text", "date"))
        .withColumn("with_offset", with_offset(F.col(_text(PURCHASE_DATE))))
        .withColumn("any_day", purchase_day(F.col(_text(PURCHASE_DATE)), config))
        .withColumns(
            {
                # Converting may lead out of the years that a date can have.
                "day": F.when(F.year("any_day").between(1, 9999), F.col("any_day")),
                "known_category": known_category(F.col(_text(CATEGORY)), config.aliases),
            }
        )
        .transform(lambda rows: _with_amount(rows, config, rates))
        .select(
            SOURCE_ID,
            _clean_or(CUSTOMER_ID, F.col(_text(CUSTOMER_ID))),
            _clean_or(PURCHASE_ID, F.col(_text(PURCHASE_ID))),
            _clean_or(PURCHASE_DATE, F.col("day"), "plain_day"),
            _clean_or(AMOUNT, F.col("exact_amount"), "plain_amount"),
            _clean_or(CATEGORY, F.coalesce("known_category", F.lit(OTHER))),
            F.when(~F.col("clean"), reasons(today, config)).alias(REASONS),
            warned(config).alias(WARNING),
            F.when(is_other(config), raw_texts(config)).alias(RAW),
            *_line_id(raw, config),
            *typed_extra(config),
        )
    )


def _with_amount(rows: DataFrame, config: SegmentationConfig, rates: DataFrame | None) -> DataFrame:
    if config.currencies is None:
        return rows.withColumn("exact_amount", try_cast("amount_text", AMOUNT_TYPE))
    assert rates is not None  # whoever has currencies has rates
    return converted(rows, config.currencies, config.null_values, rates)


def _line_id(raw: DataFrame, config: SegmentationConfig) -> list[str]:
    return [LINE_ID] if config.grain == "line" and LINE_ID in raw.columns else []


def _trimmed(name: str, config: SegmentationConfig) -> Column:
    if name in (PURCHASE_DATE, AMOUNT):
        return blank_to_null(F.col(name))
    return word_or_null(F.col(name), config.null_values)


def _amount_text(config: SegmentationConfig) -> Column:
    return plain_number(F.col(_text(AMOUNT)), config.decimal_separator, config.thousands_separator)


def _clean_or(name: str, careful: Column, plain: str | None = None) -> Column:
    return F.when(F.col("clean"), F.col(plain or name)).otherwise(careful).alias(name)


def reasons(today: date, config: SegmentationConfig) -> Column:
    """Every reason that applies, in order; null for a valid row. A malformed row has no other reason."""
    is_malformed = F.col(RAW_RECORD).isNotNull()
    # Joining skips nulls; filtering an array would, too, but Spark does not compile that.
    every = F.when(is_malformed, F.lit(Reason.MALFORMED_ROW)).otherwise(F.concat_ws(",", *checks(today, config)))
    return F.when(every != "", F.split(every, ","))


def checks(today: date, config: SegmentationConfig) -> list[Column]:
    """The checks of a single row, each null or a reason, in the order of the contract."""
    date_text, amount_text = F.col(_text(PURCHASE_DATE)), F.col(_text(AMOUNT))
    day, amount = F.col("day"), F.col(JUDGED if config.currencies else "exact_amount")
    below_zero = [check(amount < 0, Reason.NEGATIVE_AMOUNT)] if config.returns == "reject" else []
    return [
        check(F.col(_text(CUSTOMER_ID)).isNull(), Reason.MISSING_CUSTOMER_ID),
        check(F.col(_text(PURCHASE_ID)).isNull(), Reason.MISSING_PURCHASE_ID),
        check(date_text.isNull(), Reason.MISSING_PURCHASE_DATE),
        check(date_text.isNotNull() & day.isNull(), Reason.INVALID_PURCHASE_DATE),
        check(day > on(today), Reason.FUTURE_PURCHASE_DATE),
        check(amount_text.isNull(), Reason.MISSING_AMOUNT),
        check(amount_text.isNotNull() & amount.isNull(), Reason.INVALID_AMOUNT),
        *below_zero,
        *_checks_of_currency(config),
    ]


def _checks_of_currency(config: SegmentationConfig) -> list[Column]:
    if config.currencies is None:
        return []
    return [
        check(is_invalid_currency(config.currencies), Reason.INVALID_CURRENCY),
        check(is_missing_rate(config.currencies), Reason.MISSING_RATE),
    ]


def check(broken: Column, reason: Reason) -> Column:
    """Null when fine, the reason when broken."""
    return F.when(broken, F.lit(reason))


def warned(config: SegmentationConfig) -> Column:
    """The first thing that is remarkable, null if nothing is."""
    found = F.when(~F.col("clean"), warning())
    if not config.extra_columns:
        return found
    return F.coalesce(found, F.when(is_odd_extra(config), F.lit(Warn.INVALID_EXTRA_VALUE)))


def is_other(config: SegmentationConfig) -> Column:
    """Were the texts as they were read others than the canonical values as text?"""
    other = F.when(F.col("clean"), ~F.col("same_amount")).otherwise(is_different())
    if config.extra_columns:
        other = other | is_other_extra(config)
    return other | ~F.coalesce(is_plainly_base(config.currencies), F.lit(False)) if config.currencies else other


def warning() -> Column:
    """The same of the five columns of every purchase."""
    rounded = [is_spreadsheet_number(F.col(_text(name))) for name in (CUSTOMER_ID, PURCHASE_ID)]
    return (
        F.when(F.col(_text(CATEGORY)).isNull(), F.lit(Warn.MISSING_CATEGORY))
        .when(F.col("known_category").isNull(), F.lit(Warn.UNKNOWN_CATEGORY))
        .when(rounded[0] | rounded[1], F.lit(Warn.SPREADSHEET_ID))
        .when(F.col("day") < F.lit(RECENT), F.lit(Warn.ANCIENT_DATE))
    )


def is_different() -> Column:
    """Are the texts as they were read others than the canonical values as text?"""
    canonical = {
        CUSTOMER_ID: F.col(_text(CUSTOMER_ID)),
        PURCHASE_ID: F.col(_text(PURCHASE_ID)),
        PURCHASE_DATE: F.col("day").cast("string"),
        AMOUNT: F.col("exact_amount").cast("string"),
        CATEGORY: F.coalesce("known_category", F.lit(OTHER)),
    }
    same = reduce(lambda one, other: one & other, [F.col(name).eqNullSafe(value) for name, value in canonical.items()])
    return F.col(RAW_RECORD).isNotNull() | ~same


def raw_texts(config: SegmentationConfig) -> Column:
    """The `RAW_TEXTS` and what else is read, as an array: a struct of texts that are mostly null costs five times as
    much to store.
    """
    # The fields of a malformed row stand in the wrong places: its record says all there is.
    is_whole = F.col(RAW_RECORD).isNull()
    return F.array(RAW_RECORD, *[F.when(is_whole, F.col(name)) for name in config.raw_columns])


def _text(column: str) -> str:
    return f"{column}_text_"
