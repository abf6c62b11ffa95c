"""Amounts in several currencies -> amounts in the base currency, by the rate of the purchase's day.

An amount of another currency is read to four decimals, which is as many as any currency has, and multiplied without
rounding: only the product is rounded, half up, to the two decimals of an amount.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config import CurrenciesConfig
from segmentation.config.rates import MOST_DIGITS
from segmentation.core.texts import try_cast, word_or_null
from segmentation.core.types import struct
from segmentation.schemas import AMOUNT_TYPE, CURRENCY

OWN_TYPE = "decimal(20,4)"
# Texts, which every engine takes along with a plan in the same way.
RATES_SCHEMA = struct(rate_currency="string", rate_day="string", rate="string")
CODE, OWN, RATE, PRODUCT = "currency_code_", "currency_amount_", "currency_rate_", "currency_product_"
# The amount that is judged: converted, or where that is not possible, as it is.
JUDGED = "currency_judged_"
OF_ROWS = (CURRENCY, CODE, OWN, RATE, PRODUCT, JUDGED, *RATES_SCHEMA.names)


def rate_rows(currencies: CurrenciesConfig) -> list[dict[str, str]]:
    """Rows of `RATES_SCHEMA`: one per currency and day on which it has a rate."""
    return [
        {"rate_currency": code, "rate_day": day.isoformat(), "rate": f"{worth:f}"}
        for code, day, worth in currencies.daily()
    ]


def is_plainly_base(currencies: CurrenciesConfig) -> Column:
    """Is the base currency written just so?"""
    return F.col(CURRENCY) == currencies.base


def converted(
    rows: DataFrame, currencies: CurrenciesConfig, null_words: tuple[str, ...], rates: DataFrame
) -> DataFrame:
    """Add ``exact_amount`` in the base currency, null where there is none, and what the checks look at.

    Args:
        rows: with ``clean``, ``plain_day``, ``day``, ``amount_text`` and the text of the currency.
        currencies: the base.
        null_words: words for nothing.
        rates: of `RATES_SCHEMA`.
    """
    code = F.upper(word_or_null(F.col(CURRENCY), null_words))
    is_base = F.col(CODE) == currencies.base
    own = rows.withColumns({CODE: F.when(~F.col("clean"), code), OWN: try_cast("amount_text", OWN_TYPE)})
    return (
        _with_rate(own, currencies, rates)
        .withColumn(PRODUCT, F.col(OWN) * F.col(RATE))
        .withColumn(
            "exact_amount",
            F.when(is_base, try_cast("amount_text", AMOUNT_TYPE)).otherwise(try_cast(PRODUCT, AMOUNT_TYPE)),
        )
        .withColumn(JUDGED, F.when(is_base | F.col(RATE).isNotNull(), F.col("exact_amount")).otherwise(F.col(OWN)))
    )


def _with_rate(rows: DataFrame, currencies: CurrenciesConfig, rates: DataFrame) -> DataFrame:
    typed = rates.select(
        "rate_currency",
        F.col("rate_day").cast("date").alias("rate_day"),
        F.col("rate").cast(f"decimal({MOST_DIGITS},{currencies.scale})").alias(RATE),
    )
    # What needs no rate has a key as well: nulls would all be one task's.
    code = F.coalesce(F.col(CODE), F.lit(currencies.base))
    day = F.coalesce(F.col("day"), F.col("plain_day"))
    same = (code == F.col("rate_currency")) & (day == F.col("rate_day"))
    return rows.join(F.broadcast(typed), on=same, how="left")


def is_invalid_currency(currencies: CurrenciesConfig) -> Column:
    """Is the currency missing, or one without any rate?"""
    return F.col(CODE).isNull() | ~F.col(CODE).isin(currencies.base, *currencies.others)


def is_missing_rate(currencies: CurrenciesConfig) -> Column:
    """Has a currency that has rates none for the day?"""
    return F.col(CODE).isin(*currencies.others) & F.col("day").isNotNull() & F.col(RATE).isNull()
