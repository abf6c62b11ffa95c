"""A text in, a value or a reason out: a row a case, both sides of each boundary."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession

from segmentation.config import load_config
from segmentation.core.date_formats import digits_of
from segmentation.core.validation import label_rows
from segmentation.schemas import RAW_COLUMNS, RAW_TEXTS

from .conftest import TODAY, rows_of

GOOD = ("file", None, "C1", "P1", "2024-01-05", "100.00", "Womens")
RAW_SCHEMA = ", ".join(f"{name} string" for name in RAW_COLUMNS)


def label(session: SparkSession, column: str, texts: list[str | None], **config):
    """The labelled rows of good rows in which one text is replaced, in order."""
    at = RAW_COLUMNS.index(column)
    rows = [(*GOOD[:at], text, *GOOD[at + 1 :]) for text in texts]
    frame = label_rows(session.createDataFrame(rows, RAW_SCHEMA).coalesce(1), load_config(config), TODAY)
    return frame.collect()


DATES = {
    "2024-01-05": date(2024, 1, 5),
    " 2024-01-05\t": date(2024, 1, 5),
    "2024-02-29": date(2024, 2, 29),
    "2023-02-29": None,
    "2024-13-01": None,
    "2024-00-10": None,
    "0000-01-01": None,
    "0001-01-01": date(1, 1, 1),
    "2024": None,
    "2024-01": None,
    "2024-1-5": None,
    "2024-1-05\t": None,
    "2024-01\t\t\t": None,
    "2024-1-5\x01\x01": None,
    "0001-01-01T00:00+14:00": None,
    "2024-1-05 ": None,
    "2024-01-5T": None,
    "2024-1-5T1": None,
    "02024-01-1": None,
    "002024-1-1": None,
    "+2024-1-01": None,
    "05/01/2024": None,
    "20240105": None,
    "2024-01-05T10:30": date(2024, 1, 5),
    "2024-01-05 10:30:59": date(2024, 1, 5),
    "2024-01-05T23:59:59.999999999": date(2024, 1, 5),
    "2024-01-05T24:00": None,
    "2024-01-05T10:60": None,
    "2024-01-05T": None,
    "2024-01-05 noon": None,
    "2023-02-29T10:00": None,
    # 18:30 in UTC is midnight in Colombo.
    "2024-01-05T18:29:59Z": date(2024, 1, 5),
    "2024-01-05T18:30:00Z": date(2024, 1, 6),
    "2024-01-05 18:30:00+00:00": date(2024, 1, 6),
    "2024-01-05T18:30:00.000+0000": date(2024, 1, 6),
    "2024-01-05T18:30+00": date(2024, 1, 6),
    "2024-01-05T03:00:00+14:00": date(2024, 1, 4),
    "2024-01-05T23:00:00+05:30": date(2024, 1, 5),
    "2023-02-29T18:30:00Z": None,
    "2024-01-05T10:00+15:00": None,
    "2024-01-05T10:00 Asia/Colombo": None,
    "２０２４-01-05": None,
}


def test_dates(session: SparkSession) -> None:
    rows = label(session, "purchase_date", list(DATES))
    assert {text: row.purchase_date for text, row in zip(DATES, rows, strict=True)} == DATES
    for (text, day), row in zip(DATES.items(), rows, strict=True):
        assert row.reasons == (None if day else ["invalid_purchase_date"]), text


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_dates_do_not_hang_on_the_sessions_zone(session: SparkSession, zone: str) -> None:
    before = session.conf.get("spark.sql.session.timeZone")
    session.conf.set("spark.sql.session.timeZone", zone)
    try:
        texts = ["2024-01-05T18:30:00Z", "2024-01-05", "2024-03-10T02:30:00"]
        days = [row.purchase_date for row in label(session, "purchase_date", texts)]
    finally:
        session.conf.set("spark.sql.session.timeZone", before)
    assert days == [date(2024, 1, 6), date(2024, 1, 5), date(2024, 3, 10)]


FORMATS = {
    "31/12/2023": date(2023, 12, 31),
    "29/02/2023": None,
    "1/2/2023": None,
    "2023-12-31": date(2023, 12, 31),
    "05.01.2024 23:00 +0000": date(2024, 1, 6),
    "05.01.2024 23:00 +0530": date(2024, 1, 5),
    # What one engine or the other would let pass beside the pattern.
    "05/01/+2024": None,
    "005/01/2024": None,
    "05/01/02024": None,
    "5.1.24 x 7": date(2024, 1, 5),
    "05.01.24 x 7": date(2024, 1, 5),
    "005.1.24 x 7": None,
}


def test_configured_date_formats_come_after_the_standard_one(session: SparkSession) -> None:
    formats = ["dd/MM/yyyy", "dd.MM.yyyy HH:mm Z", "d.M.yy 'x' H"]
    rows = label(session, "purchase_date", list(FORMATS), date_formats=formats)
    assert {text: row.purchase_date for text, row in zip(FORMATS, rows, strict=True)} == FORMATS


DIGITS = {
    "dd/MM/yyyy": r"\A[0-9]{2}/[0-9]{2}/[0-9]{4}\z",
    "d.M.yy": r"\A[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2}\z",
    "yyyy-MM-dd'T'HH:mm": r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}\z",
    "yyyyDDD": r"\A[0-9]{4}[0-9]{3}\z",
    # Words, zones and options are left to Spark.
    "dd MMM yyyy": None,
    "dd/MM/yyyy HH:mm z": None,
    "dd/MM/yyyy hh:mm a": None,
    "[dd/]MM/yyyy": None,
}


@pytest.mark.parametrize("pattern", DIGITS)
def test_which_texts_a_pattern_fits(pattern: str) -> None:
    assert digits_of(pattern) == DIGITS[pattern]


def test_a_purchase_after_the_day_of_the_run_is_rejected(session: SparkSession) -> None:
    cases = {"2026-11-23": None, "2026-11-24": ["future_purchase_date"], "2026-11-24T00:30": ["future_purchase_date"]}
    rows = label(session, "purchase_date", list(cases))
    assert {text: row.reasons for text, row in zip(cases, rows, strict=True)} == cases


AMOUNTS = {
    "100": "100.00",
    "100.": "100.00",
    ".5": "0.50",
    "+7": "7.00",
    "0": "0.00",
    "-0.00": "0.00",
    "-0.004": "0.00",
    " 12.30 ": "12.30",
    "1.005": "1.01",
    "1.0049999999999999999999999999999999999999999999999": "1.00",
    "0." + "0" * 100 + "1": "0.00",
    "9999999999999999." + "9" * 200: None,
    "1.00" + "5" * 99: "1.01",
    "9999999999999999.99": "9999999999999999.99",
    "9999999999999999.994": "9999999999999999.99",
    "9999999999999999.995": None,
    "10000000000000000": None,
    "00000000000000012": None,
    "1e5": None,
    "NaN": None,
    "Infinity": None,
    "12,000": None,
    "12 000": None,
    ".": None,
    "-": None,
    "0x10": None,
    "Rs 100": None,
    "１２": None,
    "--5": None,
}


def test_amounts(session: SparkSession) -> None:
    rows = label(session, "amount", list(AMOUNTS))
    expected = {text: value and Decimal(value) for text, value in AMOUNTS.items()}
    assert {text: row.amount for text, row in zip(AMOUNTS, rows, strict=True)} == expected
    for (text, value), row in zip(AMOUNTS.items(), rows, strict=True):
        assert row.reasons == (None if value else ["invalid_amount"]), text


def test_negative_amounts(session: SparkSession) -> None:
    cases = {"-0.01": ["negative_amount"], "-0.005": ["negative_amount"], "-5": ["negative_amount"], "0": None}
    rows = label(session, "amount", list(cases))
    assert {text: row.reasons for text, row in zip(cases, rows, strict=True)} == cases


@pytest.mark.parametrize("separator", [",", " ", "'"])
def test_thousands_separator(session: SparkSession, separator: str) -> None:
    cases = {"12,000": "12000.00", "1,234,567.891": "1234567.89", "12000": "12000.00", "12,00": None, "1,2345": None}
    cases = {text.replace(",", separator): value and Decimal(value) for text, value in cases.items()}
    rows = label(session, "amount", list(cases), thousands_separator=separator)
    assert {text: row.amount for text, row in zip(cases, rows, strict=True)} == cases


CATEGORIES = {
    "Womens": ("Womens", None),
    " WOMEN'S ": ("Womens", None),
    "women’s": ("Womens", None),
    "woman": ("Womens", None),
    "Ladies": ("Womens", None),
    "men": ("Mens", None),
    "Gents": ("Mens", None),
    "KID'S": ("Kids", None),
    "boys": ("Kids", None),
    "children": ("Kids", None),
    "Homeware": ("Other", "unknown_category"),
    "Women s": ("Other", "unknown_category"),
    "'": ("Other", "unknown_category"),
    "": ("Other", "missing_category"),
    " \u00a0": ("Other", "missing_category"),
    None: ("Other", "missing_category"),
}


def test_categories(session: SparkSession) -> None:
    rows = label(session, "category", list(CATEGORIES))
    assert {text: (row.category, row.warning) for text, row in zip(CATEGORIES, rows, strict=True)} == CATEGORIES
    assert all(row.reasons is None for row in rows)


def test_configured_aliases_replace_the_default_ones_but_not_the_names(session: SparkSession) -> None:
    cases = {"Damen": "Womens", "ladies": "Other", "womens": "Womens", "Toys": "Other", "Mens": "Mens"}
    rows = label(session, "category", list(cases), category_aliases={"damen": "Womens", "toys": "Other"})
    assert {text: row.category for text, row in zip(cases, rows, strict=True)} == cases
    assert [row.warning for row in rows] == [None, "unknown_category", None, None, None]


@pytest.mark.parametrize("column", ["customer_id", "purchase_id"])
def test_ids_are_trimmed_and_keep_their_case(session: SparkSession, column: str) -> None:
    texts = ["c1", " C1", "C1\u00a0", "\tC 1\r\n", "\u3000C1", "É1 ", "‘C1’", "", " ", "\u2003", None]
    values = [getattr(row, column) for row in label(session, column, texts)]
    assert values == ["c1", "C1", "C1", "C 1", "C1", "É1", "‘C1’", None, None, None, None]


def test_reasons_come_in_the_order_of_the_contract(session: SparkSession) -> None:
    rows = [
        ("file", None, None, None, None, None, None),
        ("file", None, " ", " ", "soon", "much", "Womens"),
        ("file", None, "C", None, "2026-12-24", "-1", "Womens"),
        ("file", "C,P", "C", "P", None, None, None),
    ]
    frame = label_rows(session.createDataFrame(rows, RAW_SCHEMA), load_config(), TODAY)
    assert rows_of(frame.select("reasons")) == [
        (["missing_customer_id", "missing_purchase_id", "missing_purchase_date", "missing_amount"],),
        (["missing_customer_id", "missing_purchase_id", "invalid_purchase_date", "invalid_amount"],),
        (["missing_purchase_id", "future_purchase_date", "negative_amount"],),
        (["malformed_row"],),
    ]


def test_raw_texts_are_kept_where_they_are_not_the_values(session: SparkSession) -> None:
    rows = label(session, "amount", ["100.00", "100", " 7.5"])
    assert [row.raw and row.raw[RAW_TEXTS.index("amount")] for row in rows] == [None, "100", " 7.5"]


def test_executors_need_no_python(spark: SparkSession) -> None:
    frame = label_rows(spark.createDataFrame([GOOD], RAW_SCHEMA), load_config(), TODAY)
    plan = frame._jdf.queryExecution().toString()
    assert "Python" not in plan.replace("applySchemaToPythonRDD", "")
