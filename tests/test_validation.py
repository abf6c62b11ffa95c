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


def label(session: SparkSession, column: str, texts: list[str | None], *, by_pattern: bool = False, **config):
    """The labelled rows of good rows in which one text is replaced, in order."""
    at = RAW_COLUMNS.index(column)
    rows = [(*GOOD[:at], text, *GOOD[at + 1 :]) for text in texts]
    raw = session.createDataFrame(rows, RAW_SCHEMA).coalesce(1)
    return label_rows(raw, load_config(config), TODAY, by_pattern=by_pattern).collect()


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
    "2024-01-05T18:29:59 UTC": date(2024, 1, 5),
    "2024-01-05 18:30:00 UTC": date(2024, 1, 6),
    "2024-01-05 18:30GMT": date(2024, 1, 6),
    "2024-01-05T18:30:00.5 GMT ": date(2024, 1, 6),
    "2024-01-05T18:30  UTC": None,
    "2024-01-05T18:30 utc": None,
    "2024-01-05T18:30 UTC+1": None,
    "2024-01-05T18:30 EST": None,
    "2024-01-05 UTC": None,
    "2023-02-29T18:30 UTC": None,
    "2024-01-05T10:00+15:00": None,
    "2024-01-05T10:00 Asia/Colombo": None,
    "２０２４-01-05": None,
    "\u200b2024-01-05": None,
    "NULL": None,
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


GROUPED = {
    "12,000": "12000.00",
    "1,234,567.891": "1234567.89",
    "12000": "12000.00",
    "1,50,000.00": "150000.00",
    "12,34,56,789": "123456789.00",
    "1,234,56,789": "123456789.00",
    "+1,000.": "1000.00",
    "99,99,99,99,99,99,999.99": "999999999999999.99",
    "9,99,99,99,99,99,99,99,999": None,
    "12,00": None,
    "1,2345": None,
    "1,000,00": None,
    "1,0,000": None,
    "1234,000": None,
    "+,000": None,
    "1,,000": None,
    "1,000.00,000": None,
}


@pytest.mark.parametrize("separator", [",", " ", "'", "\u2019", "\u202f", "|"])
def test_thousands_separator(session: SparkSession, separator: str) -> None:
    cases = {text.replace(",", separator): value and Decimal(value) for text, value in GROUPED.items()}
    rows = label(session, "amount", list(cases), thousands_separator=separator)
    assert {text: row.amount for text, row in zip(cases, rows, strict=True)} == cases


# Decimal separator, separator of thousands, text: value.
MARKS = {
    (",", ".", "1.234,50"): "1234.50",
    (",", ".", "-1.234.567,895"): None,
    (",", ".", "1.50.000,5"): "150000.50",
    (",", ".", "1234,5"): "1234.50",
    (",", ".", "1234"): "1234.00",
    (",", ".", ",5"): "0.50",
    (",", ".", "5,"): "5.00",
    (",", ".", "12.30"): None,
    (",", ".", "1,234.50"): None,
    (",", ".", "1.234"): "1234.00",
    (",", None, "12,345"): "12.35",
    (",", None, "9999999999999999,99"): "9999999999999999.99",
    (",", None, "12.30"): None,
    (",", None, "12,3,0"): None,
    (",", "\u00a0", "1\u00a0234,50"): "1234.50",
    (",", " ", "12,34"): "12.34",
    ("\u066b", ",", "1,234\u066b5"): "1234.50",
    ("|", ",", "1,234|5"): "1234.50",
}


def test_decimal_separator(session: SparkSession) -> None:
    for marks in dict.fromkeys(case[:2] for case in MARKS):
        cases = {text: value for (*of, text), value in MARKS.items() if tuple(of) == marks}
        rows = label(session, "amount", list(cases), decimal_separator=marks[0], thousands_separator=marks[1])
        found = {text: None if row.reasons else str(row.amount) for text, row in zip(cases, rows, strict=True)}
        assert found == cases, marks
        for (text, value), row in zip(cases.items(), rows, strict=True):
            assert row.raw[RAW_TEXTS.index("amount")] == text, (text, value)


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
    "\u200b Kids\u2060\u00a0": ("Kids", None),
    "\ufeff\u00ad": ("Other", "missing_category"),
    "N/A": ("Other", "missing_category"),
    " NULL ": ("Other", "missing_category"),
    "Null": ("Other", "unknown_category"),
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


INVISIBLE = ["\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u2060", "\ufeff", "\u00ad"]


@pytest.mark.parametrize("column", ["customer_id", "purchase_id"])
def test_what_nobody_sees_around_an_id_is_no_part_of_it(session: SparkSession, column: str) -> None:
    cases = {
        **{f"{mark} C1 {mark}\u00a0": "C1" for mark in INVISIBLE},
        "".join(INVISIBLE): None,
        " \u200b \ufeff": None,
        "C\u200b1": "C\u200b1",
        "\u2010C1": "\u2010C1",
        "\u200bNULL\u2060": None,
    }
    rows = label(session, column, list(cases))
    assert {text: getattr(row, column) for text, row in zip(cases, rows, strict=True)} == cases
    for (text, value), row in zip(cases.items(), rows, strict=True):
        assert row.reasons == (None if value else [f"missing_{column}"]), text
        assert row.raw is None if value == text else row.raw[RAW_TEXTS.index(column)] == text


NULL_WORDS = ["NULL", "null", "\\N", "#N/A", "N/A", "nan", "NaN", "None"]


@pytest.mark.parametrize("by_pattern", [True, False])
@pytest.mark.parametrize("column", ["customer_id", "purchase_id"])
def test_words_for_nothing(session: SparkSession, column: str, by_pattern: bool) -> None:
    others = ["Null", "NONE", "none", "-", "N", "C1"]
    given = {"by_pattern": by_pattern}
    rows = label(session, column, [*NULL_WORDS, *others], **given)
    assert [getattr(row, column) for row in rows] == [*[None] * 8, *others]
    assert {(row.reasons or [None])[0] for row in rows[:8]} == {f"missing_{column}"}
    assert [row.raw[RAW_TEXTS.index(column)] for row in rows[:8]] == NULL_WORDS
    own = label(session, column, ["-", "NULL", "C1"], null_values=["-"], **given)
    assert [getattr(row, column) for row in own] == [None, "NULL", "C1"]
    assert [getattr(row, column) for row in label(session, column, ["-", "NULL"], null_values=[], **given)] == [
        "-",
        "NULL",
    ]


SPREADSHEET_IDS = {
    "8.69712E+12": True,
    "8,69712E+12": True,
    " 1E+15": True,
    "1e+100": True,
    "8.697e+12": True,
    "10.5E+12": False,
    "1E5": False,
    "3E07": False,
    "8.69712E-12": False,
    "8.E+12": False,
    "E+12": False,
    "1E+": False,
    "8.69712E+12 ?": False,
    "8.69712E+12a": False,
    "8x69712E+12": False,
    "-8.69712E+12": False,
    "869712": False,
    "8": False,
    "8E": False,
    "8.": False,
    "C1": False,
}


@pytest.mark.parametrize("by_pattern", [True, False])
@pytest.mark.parametrize("column", ["customer_id", "purchase_id"])
def test_ids_that_a_spreadsheet_has_rounded(session: SparkSession, column: str, by_pattern: bool) -> None:
    rows = label(session, column, list(SPREADSHEET_IDS), by_pattern=by_pattern)
    found = {text: row.warning == "spreadsheet_id" for text, row in zip(SPREADSHEET_IDS, rows, strict=True)}
    assert found == SPREADSHEET_IDS
    assert all(row.reasons is None and row.warning in (None, "spreadsheet_id") for row in rows)


@pytest.mark.parametrize("by_pattern", [True, False])
def test_days_before_1970_are_remarkable(session: SparkSession, by_pattern: bool) -> None:
    cases = {
        "1969-12-31": "ancient_date",
        "1970-01-01": None,
        "0001-01-01": "ancient_date",
        "1900-01-01": "ancient_date",
    }
    cases |= {"1969-12-31T23:00:00Z": None, "1999-12-31": None, "2000-01-01": None}
    rows = label(session, "purchase_date", list(cases), by_pattern=by_pattern)
    assert {text: row.warning for text, row in zip(cases, rows, strict=True)} == cases


def test_a_purchase_shows_its_first_warning(session: SparkSession) -> None:
    rows = [
        ("file", None, "1E+12", "P", "1900-01-01", "1", "nan"),
        ("file", None, "1E+12", "P", "1900-01-01", "1", "Toys"),
        ("file", None, "1E+12", "P", "1900-01-01", "1", "Kids"),
        ("file", None, "C", "P", "1900-01-01", "1", "Kids"),
    ]
    frame = label_rows(session.createDataFrame(rows, RAW_SCHEMA), load_config(), TODAY)
    warnings = [("missing_category",), ("unknown_category",), ("spreadsheet_id",), ("ancient_date",)]
    assert rows_of(frame.select("warning")) == warnings


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
