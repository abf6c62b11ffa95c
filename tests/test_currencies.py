"""Amounts in several currencies: a row a case, to the cent what Python's decimals say."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from segmentation.config import SegmentationConfig, load_config
from segmentation.core.currencies import RATES_SCHEMA, rate_rows
from segmentation.core.validation import label_rows
from segmentation.errors import ConfigError
from segmentation.schemas import CURRENCY, RAW_COLUMNS

from .conftest import TODAY

RAW_SCHEMA = ", ".join(f"{name} string" for name in (*RAW_COLUMNS, CURRENCY))
RATES = """date,currency,rate
2024-01-05,USD,301.25
2024-01-10,USD,302.5
2024-03-01,USD,0.12345678901
2024-01-05,JPY,2.115
2024-01-05,KWD,1000
"""
# Day, amount, currency -> the amount in the base currency and the reasons.
CASES: dict[tuple[str | None, str | None, str | None], tuple[str | None, list[str] | None]] = {
    # The base currency, plainly and less so.
    ("2024-01-05", "100.00", "LKR"): ("100.00", None),
    ("2024-01-05", "100.005", "LKR"): ("100.01", None),
    ("2024-01-05", "100.004", " lkr "): ("100.00", None),
    ("1999-01-05", "0", "LKR"): ("0.00", None),
    # The last rate at or before the day, never a later one.
    ("2024-01-04", "1", "USD"): (None, ["missing_rate"]),
    ("2024-01-05", "1", "USD"): ("301.25", None),
    ("2024-01-09", "1", "USD"): ("301.25", None),
    ("2024-01-10", "1", "USD"): ("302.50", None),
    # Up to seven days old.
    ("2024-01-17", "1", "USD"): ("302.50", None),
    ("2024-01-18", "1", "USD"): (None, ["missing_rate"]),
    ("2024-02-29", "1", "USD"): (None, ["missing_rate"]),
    ("2024-01-12", "1", "JPY"): ("2.12", None),
    ("2024-01-13", "1", "JPY"): (None, ["missing_rate"]),
    # Its own day counts, in the zone of the configuration.
    ("2024-01-04T20:00:00Z", "1", "USD"): ("301.25", None),
    # Exactly, and rounded once: half up.
    ("2024-01-05", "1", " usd"): ("301.25", None),
    ("2024-01-05", "0.02", "USD"): ("6.03", None),
    ("2024-01-05", "0.0166", "USD"): ("5.00", None),
    ("2024-01-05", "1.999", "KWD"): ("1999.00", None),
    ("2024-03-01", "1234567.89", "USD"): ("152415.79", None),
    ("2024-03-01", "9999999999999999.9999", "USD"): ("1234567890100000.00", None),
    # What does not fit, in its own currency or as an amount.
    ("2024-01-05", "9999999999999999", "USD"): (None, ["invalid_amount"]),
    ("2024-01-05", "1e5", "USD"): (None, ["invalid_amount"]),
    ("2024-01-05", "1e5", "XYZ"): (None, ["invalid_amount", "invalid_currency"]),
    ("2024-01-05", None, "USD"): (None, ["missing_amount"]),
    ("2024-01-05", "-1", "USD"): ("-301.25", ["negative_amount"]),
    ("2024-02-05", "-1", "USD"): (None, ["negative_amount", "missing_rate"]),
    ("2024-01-05", "-1", "LKR"): ("-1.00", ["negative_amount"]),
    ("2024-01-05", "-0.001", "LKR"): ("0.00", None),
    # Which currency?
    ("2024-01-05", "1", None): (None, ["invalid_currency"]),
    ("2024-01-05", "1", " "): (None, ["invalid_currency"]),
    ("2024-01-05", "1", "NULL"): (None, ["invalid_currency"]),
    ("2024-01-05", "1", "EUR"): (None, ["invalid_currency"]),
    ("2024-01-05", "1", "US"): (None, ["invalid_currency"]),
    ("2024-01-05", "1", "$"): (None, ["invalid_currency"]),
    ("2024-01-05", "-1", "EUR"): (None, ["negative_amount", "invalid_currency"]),
    # A rate needs a day.
    (None, "1", "USD"): (None, ["missing_purchase_date"]),
    ("2024-02-30", "1", "USD"): (None, ["invalid_purchase_date"]),
    ("2027-01-01", "1", "USD"): (None, ["future_purchase_date", "missing_rate"]),
}


@pytest.fixture
def config(tmp_path: Path) -> SegmentationConfig:
    return configured(tmp_path)


def configured(folder: Path, rates: str = RATES, **settings: object) -> SegmentationConfig:
    path = folder / "rates.csv"
    path.write_text(rates)
    return load_config({"currencies": {"rates": str(path), **settings}})


def labelled(
    session: SparkSession, config: SegmentationConfig, rows: list[tuple[str | None, ...]], *, by_pattern: bool
):
    assert config.currencies
    raw = session.createDataFrame(
        [
            ("file", None, "C1", f"P{number}", day, amount, "Womens", code)
            for number, (day, amount, code) in enumerate(rows)
        ],
        RAW_SCHEMA,
    )
    told = [tuple(row[name] for name in RATES_SCHEMA.names) for row in rate_rows(config.currencies)]
    rates = session.createDataFrame(told, RATES_SCHEMA)
    found = label_rows(raw, config, TODAY, by_pattern=by_pattern, rates=rates).collect()
    return sorted(found, key=lambda row: int(row["purchase_id"][1:]))


@pytest.mark.parametrize("by_pattern", [True, False])
def test_an_amount_becomes_one_of_the_base_currency(
    session: SparkSession, config: SegmentationConfig, by_pattern: bool
) -> None:
    rows = labelled(session, config, list(CASES), by_pattern=by_pattern)
    found = {
        case: (None if row["amount"] is None else str(row["amount"]), row["reasons"])
        for case, row in zip(CASES, rows, strict=True)
    }
    assert found == CASES


@pytest.mark.parametrize(("age", "last"), [(0, 5), (1, 6), (3, 8), (30, 9)])
def test_a_rate_holds_for_as_long_as_is_configured(session: SparkSession, tmp_path: Path, age: int, last: int) -> None:
    rates = "date,currency,rate\n2024-01-05,USD,2\n2024-01-10,USD,3\n"
    config = configured(tmp_path, rates, max_rate_age_days=age)
    rows = labelled(session, config, [(f"2024-01-{day:02}", "1", "USD") for day in range(4, 11)], by_pattern=True)
    found = {row["purchase_date"].day: row["amount"] for row in rows}
    assert found == {
        **{day: Decimal(2) if 5 <= day <= last else None for day in range(4, 10)},
        10: Decimal(3),
    }


def test_conversions_are_those_of_exact_decimals(session: SparkSession, tmp_path: Path) -> None:
    start = date(2024, 1, 1)
    worth = [Decimal(f"{number % 7}.{number * 7919 % 10**9:09}5") for number in range(1, 60)]
    lines = [f"{start + timedelta(days=number)},USD,{rate}" for number, rate in enumerate(worth)]
    config = configured(tmp_path, "date,currency,rate\n" + "\n".join(lines) + "\n")
    amounts = [f"{number * 104729 % 10**7}.{number * 31 % 10**4:04}" for number in range(len(worth))]
    cases = [(str(start + timedelta(days=number)), amount, "USD") for number, amount in enumerate(amounts)]
    rows = labelled(session, config, cases, by_pattern=True)
    cent = Decimal("0.01")
    expected = [(Decimal(a) * w).quantize(cent, ROUND_HALF_UP) for a, w in zip(amounts, worth, strict=True)]
    assert [row["amount"] for row in rows] == expected


def test_the_texts_are_kept_where_they_are_not_the_base(session: SparkSession, config: SegmentationConfig) -> None:
    cases = [("2024-01-05", "100.00", code) for code in ("LKR", "lkr", "USD", None)]
    rows = labelled(session, config, cases, by_pattern=True)
    assert [row["raw"] and row["raw"][-1] for row in rows] == [None, "lkr", "USD", None]
    assert [row["raw"] and row["raw"][4] for row in rows] == [None, "100.00", "100.00", "100.00"]


WRONG = {
    "": "line 1: expected the columns date,currency,rate, found ''",
    "date;currency;rate\n": "line 1: expected the columns date,currency,rate, found 'date;currency;rate'",
    "date,currency,rate,rate\n": "line 1: expected the columns",
    "date,currency,rate\n": "has no rates",
    "date,currency,rate\n2024-01-05,LKR,1\n": "has no rates",
    "date,currency,rate\n2024-01-05,USD\n": "line 2: expected 3 fields, found 2",
    "date,currency,rate\n2024-01-05,USD,1,2\n": "line 2: expected 3 fields, found 4",
    "date,currency,rate\n\n2024-1-5,USD,1\n": "line 3: expected a date as YYYY-MM-DD, found '2024-1-5'",
    "date,currency,rate\n20240105,USD,1\n": "line 2: expected a date",
    "date,currency,rate\n2023-02-29,USD,1\n": "line 2: expected a date",
    "date,currency,rate\n2024-01-05,US$,1\n": "line 2: expected a currency of three letters such as USD, found 'US$'",
    "date,currency,rate\n2024-01-05,,1\n": "line 2: expected a currency",
    "date,currency,rate\n2024-01-05,USD,\n": "line 2: expected a rate above 0 such as 301.25, found ''",
    "date,currency,rate\n2024-01-05,USD,0\n": "line 2: expected a rate above 0",
    "date,currency,rate\n2024-01-05,USD,0.000\n": "line 2: expected a rate above 0",
    "date,currency,rate\n2024-01-05,USD,-1\n": "line 2: expected a rate above 0",
    "date,currency,rate\n2024-01-05,USD,1e3\n": "line 2: expected a rate above 0",
    "date,currency,rate\n2024-01-05,USD,NaN\n": "line 2: expected a rate above 0",
    'date,currency,rate\n2024-01-05,USD,"1,5"\n': "line 2: expected a rate above 0",
    "date,currency,rate\n2024-01-05,LKR,2\n": "line 2: LKR is the base, so its rate is 1, found 2",
    "date,currency,rate\n2024-01-05,USD,1\n2024-01-06,USD,1\n2024-01-05,usd,1\n": (
        "line 4: USD has a rate for 2024-01-05 already, on line 2"
    ),
    "date,currency,rate\n2024-01-05,USD,300\n2024-01-05,BTC,0.123456789012345\n": (
        "expected rates of up to 17 digits together, found 3 before the point on line 2 and 15 behind it on line 3: "
        "round them to 14 decimals"
    ),
    'date,currency,rate\n2024-01-05,"USD,1\n': "cannot be read",
}


@pytest.mark.parametrize("text", WRONG)
def test_rates_that_cannot_be_meant_are_refused_with_their_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        configured(tmp_path, text)
    assert str(tmp_path / "rates.csv") in str(error.value)
    assert WRONG[text] in str(error.value)


def test_rates_that_hold_for_too_many_days(tmp_path: Path) -> None:
    """They go along with every plan."""
    lines = [f"{year}-01-01,{code},2" for year in range(1000, 2100) for code in ("USD", "EUR")]
    rates = "\n".join(["date,currency,rate", *lines]) + "\n"
    configured(tmp_path, rates, max_rate_age_days=180)
    with pytest.raises(ConfigError, match=r"they hold for 803,[0-9]* days of all currencies together"):
        configured(tmp_path, rates, max_rate_age_days=366)


def test_rates_in_any_order_beside_other_columns(tmp_path: Path) -> None:
    plain = configured(tmp_path, "date,currency,rate\n2024-01-05,USD,301.25\n2024-01-06,USD,302\n")
    text = (
        '\ufeffRate,Source, CURRENCY ,Date\n302.000,"a, b",usd,2024-01-06\n\n'
        " 301.2500 ,,USD,2024-01-05\n1,,LKR,2024-01-05\n"
    )
    other = configured(tmp_path, text)
    assert plain.currencies and other.currencies
    assert list(plain.currencies.daily()) == list(other.currencies.daily())
    assert plain.fingerprint() == other.fingerprint()


CHANGES = {
    "another rate": ("date,currency,rate\n2024-01-05,USD,301.26\n", {}),
    "another day": ("date,currency,rate\n2024-01-06,USD,301.25\n", {}),
    "one more": ("date,currency,rate\n2024-01-05,USD,301.25\n2024-01-06,USD,301.25\n", {}),
    "an older one": ("date,currency,rate\n2024-01-05,USD,301.25\n", {"max_rate_age_days": 8}),
    "another base": ("date,currency,rate\n2024-01-05,USD,301.25\n", {"base": "INR"}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_other_rates_are_another_configuration(tmp_path: Path, name: str) -> None:
    text, settings = CHANGES[name]
    before = configured(tmp_path, "date,currency,rate\n2024-01-05,USD,301.25\n")
    after = configured(tmp_path, text, **settings)
    assert before.fingerprint() != after.fingerprint()
    assert before.rules_fingerprint() != after.rules_fingerprint()


REFUSED = {
    "no rates": ({"currencies": {"base": "LKR"}}, "currencies.rates"),
    "no such file": ({"currencies": {"rates": "nowhere.csv"}}, "nowhere.csv cannot be read: No such file"),
    "elsewhere": ({"currencies": {"rates": "s3://bucket/rates.csv"}}, "expected a local file"),
    "no code": ({"currencies": {"rates": "RATES", "base": "rupees"}}, "currencies.base"),
    "a column without rates": ({"columns": {"currency": "Curr"}}, "columns.currency: needs to know what each is worth"),
    "two names": (
        {"columns": {"currency": "Curr"}, "currencies": {"rates": "RATES", "column": "Currency"}},
        "columns.currency says 'Curr'",
    ),
    "a name that is taken": (
        {"input": {"extra_columns": {"currency": {}}}, "currencies": {"rates": "RATES"}},
        "input.extra_columns.currency: currencies reads a column of this name",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, name: str) -> None:
    settings, message = REFUSED[name]
    (tmp_path / "rates.csv").write_text(RATES)
    currencies = settings.get("currencies", {})
    if currencies.get("rates") == "RATES":
        settings = {**settings, "currencies": {**currencies, "rates": str(tmp_path / "rates.csv")}}
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        load_config(settings)
