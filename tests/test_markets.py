"""Thresholds by market: each customer is labelled as by a run with the thresholds of its market alone."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from segmentation.cli import main
from segmentation.config import load_config
from segmentation.core.segmentation import Segmentation
from segmentation.errors import ConfigError, QualityGateError
from segmentation.pipeline import CustomerSegmentationPipeline

from .conftest import LESS, Job, table
from .test_currencies_job import outcome
from .test_incremental import on_day

HEADER = "Customer_ID,Order_ID,Date,Total_Amount_LKR,Product_Category,Country\n"
DIMENSIONS = ("purchase_frequency", "spending", "category")
BY_COUNTRY: dict[str, Any] = {
    "input": {"extra_columns": {"country": {"from": "Country"}}},
    "metrics": [{"name": "market", "sql": "max_by(country, purchase_date)"}],
}
INDIA = {
    "loyal_min_purchases": 3,
    "lapsed_after_days": 30,
    "seasonal_threshold": "0.4",
    "high_aov_threshold": "4000.05",
    "high_lifetime_threshold": 30000,
    "low_lifetime_threshold": "9000.01",
    "dominant_threshold": "0.55",
    "family_threshold": "0.2",
}
NORWAY = {"high_aov_threshold": 100, "low_lifetime_threshold": 0}
PER = {"column": "market", "values": {"LK": {}, "IN": INDIA, "NO": NORWAY}}
START = date(2024, 6, 30)


def rows(dice: random.Random, count: int, first: int = 0) -> str:
    def row(number: int) -> str:
        day = START - timedelta(days=dice.choice([*range(0, 400, 9), 29, 30, 31, 90, 91]))
        customer = dice.randrange(60)
        # Few customers move.
        country = ["LK", "IN", "NO", "DE", ""][dice.randrange(5) if dice.random() < 0.05 else customer % 5]
        amount = dice.choice(["4000.05", "4000.04", "100", "99.99", "3000", "9000.01", "15000", "20000"])
        kind = dice.choice(["Womens", "Womens", "Mens", "Kids"])
        return f"C{customer},P{number},{day},{amount},{kind},{country}"

    return "\n".join(row(number) for number in range(first, first + count)) + "\n"


def found(folder: Path) -> dict[str, Any]:
    return {row.customer_id: row for row in table(folder, "customer_segments")}


def labels(row: Any) -> tuple[str, ...]:
    return tuple(getattr(row, name) for name in DIMENSIONS)


def test_each_market_is_labelled_as_if_alone(run_job: Job, write_csv: Callable[..., Path], tmp_path: Path) -> None:
    path = write_csv(rows(random.Random(1), 400), header=HEADER)
    alone = {}
    for market, settings in {"LK": {}, "IN": INDIA, "NO": NORWAY}.items():
        run_job(path, **BY_COUNTRY, **settings)
        alone[market] = found(tmp_path)
    run_job(path, **BY_COUNTRY, per=PER)
    together = found(tmp_path)
    assert {row.market for row in together.values()} == {"LK", "IN", "NO", "DE", None}
    for customer, row in together.items():
        market = row.market if row.market in alone else "LK"
        assert labels(row) == labels(alone[market][customer]), (customer, row.market)
    # Every threshold makes a difference, or it would not be seen.
    for name in DIMENSIONS:
        assert any(getattr(alone["LK"][who], name) != getattr(alone["IN"][who], name) for who in together)


EDGES = {
    # Country, amount -> spending, by an average of 4,000.05 in India and 15,000 elsewhere.
    ("IN", "4000.05"): "High Value",
    ("IN", "4000.04"): "Low Value",
    ("LK", "4000.05"): "Low Value",
    ("DE", "15000"): "High Value",
    ("DE", "14999.99"): "Medium Value",
    ("", "14999.99"): "Medium Value",
    ("in", "4000.05"): "Low Value",
    ("NO", "100"): "High Value",
    ("NO", "99.99"): "Medium Value",
    ("NO", "0"): "Low Value",
}


def test_both_sides_of_thresholds(run_job: Job, write_csv: Callable[..., Path], tmp_path: Path) -> None:
    lines = [f"{country}{amount},P{country}{amount},2024-01-05,{amount},Kids,{country}" for country, amount in EDGES]
    run_job(write_csv("\n".join(lines) + "\n", header=HEADER), **BY_COUNTRY, per=PER)
    by_id = found(tmp_path)
    assert {case: by_id["".join(case)].spending for case in EDGES} == EDGES


def test_a_season_of_its_own(run_job: Job, write_csv: Callable[..., Path], tmp_path: Path) -> None:
    lines = [
        f"{market},P{market}{day},{day},1,Kids,{market}\n"
        for market in ("IN", "LK")
        for day in ("2023-11-20", "2023-12-20")
    ]
    run_job(write_csv("".join(lines), header=HEADER), **BY_COUNTRY, per=PER)
    found_labels = {customer: row.purchase_frequency for customer, row in found(tmp_path).items()}
    # One in two is festive: enough for 0.4, not for 0.8.
    assert found_labels == {"IN": "Seasonal", "LK": "Regular"}


def test_a_market_that_is_not_listed_is_refused(run_job: Job, write_csv: Callable[..., Path]) -> None:
    path = write_csv(
        "C1,P1,2024-01-05,1,Kids,LK\nC2,P2,2024-01-05,1,Kids,DE\nC3,P3,2024-01-05,1,Kids,\n", header=HEADER
    )
    refusing = {**PER, "otherwise": "refuse"}
    message = "2 customers are of a market that has no thresholds: market is 'DE', none; per.values has LK, IN, NO"
    with pytest.raises(QualityGateError, match=message):
        run_job(path, **BY_COUNTRY, per=refusing)
    path = write_csv("C1,P1,2024-01-05,1,Kids,LK\n", header=HEADER)
    run_job(path, **BY_COUNTRY, per=refusing)


@LESS
@pytest.mark.slow
def test_incremental_is_full(engine_name: str, spark_or_none: SparkSession | None, tmp_path: Path) -> None:
    dice, source = random.Random(2), tmp_path / "in"
    source.mkdir()
    per = [PER, PER, PER, {**PER, "values": {"IN": {"lapsed_after_days": 10}}}]
    # New rows, by which customers move; days that pass; other thresholds.
    for number, day in enumerate([START, START, START + timedelta(days=45), START + timedelta(days=45)]):
        if number < 2:
            (source / f"{number}.csv").write_text(HEADER + rows(dice, 90, number * 1000))
        for folder, mode in ((tmp_path / "kept", "incremental"), (tmp_path / f"full{number}", "full")):
            settings = {"output_dir": str(folder / "out"), "engine": engine_name, "as_of": "today"}
            with on_day(day):
                pipeline = CustomerSegmentationPipeline({**settings, **BY_COUNTRY, "per": per[number]})
                pipeline.run("csv", [source], mode=mode, spark=spark_or_none, accept_shift=True)
        assert outcome(tmp_path / "kept") == outcome(tmp_path / f"full{number}")


@pytest.mark.embedded_only
def test_explain_and_preview_know_of_markets(
    run_job: Job, write_csv: Callable[..., Path], tmp_path: Path, capsys
) -> None:
    path = write_csv("C1,P1,2024-01-05,5000,Kids,IN\nC2,P2,2024-01-05,5000,Kids,LK\n", header=HEADER)
    run_job(path, **BY_COUNTRY)
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({**BY_COUNTRY, "per": PER}))
    place = ["--output-dir", str(tmp_path / "out"), "--config", str(config), "--json"]
    capsys.readouterr()
    assert main(["preview", *place]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["customers"], told["moved"]) == (2, 1)
    assert told["settings"]["per"]["to"]["values"]["NO"]["high_aov_threshold"] == "100"
    run_job(path, **BY_COUNTRY, per=PER)
    capsys.readouterr()
    assert main(["explain", "C1", *place]) == 0
    told = json.loads(capsys.readouterr().out)
    spending = next(one for one in told["dimensions"] if one["dimension"] == "spending")["rules"][0]
    assert spending["comparisons"][0]["threshold"] == "4000.05"
    assert "15,000 (4,000.05 where market: equal to 'IN', 100 where market: equal to 'NO')" in spending["condition"]


REFUSED = {
    "no column": ({"per": {"values": {"LK": {}}}}, "per: expected column and values together"),
    "no values": ({"per": {"column": "market"}}, "per: expected column and values together"),
    "another setting": (
        {"per": {"column": "market", "values": {"LK": {"loyal_window_months": 3}}}},
        "per.values.LK.loyal_window_months",
    ),
    "an impossible value": (
        {"per": {"column": "market", "values": {"LK": {"seasonal_threshold": 2}}}},
        "per.values.LK.seasonal_threshold",
    ),
    "out of order": (
        {"per": {"column": "market", "values": {"IN": {"high_lifetime_threshold": 5000}}}},
        "per.values.IN: low_lifetime_threshold 10000 must lie below high_lifetime_threshold 5000",
    ),
    "out of order for all": ({"low_lifetime_threshold": 150000}, "low_lifetime_threshold: 150000 must lie below"),
    "Norway": ({"per": {"column": "market", "values": {"False": {}}}}, "YAML reads a word such as NO or ON as false"),
    "another word": ({"per": {"column": "market", "values": {"LK": {}}, "otherwise": "ignore"}}, "per.otherwise"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_settings_that_do_not_fit_are_refused(name: str) -> None:
    settings, message = REFUSED[name]
    with pytest.raises(ConfigError) as error:
        load_config(settings)
    assert message in str(error.value)


UNKNOWN = {
    "a column of purchases": (
        "country",
        r'choose one by a metric, as in metrics: \[\{name: market, sql: "max_by\(coun',
    ),
    "a slip": ("markt", "there is no metric of this name.*market"),
    "a number": ("pieces", "expected a text, found a whole number"),
    "a metric of every customer": ("total_purchases", "there is no metric of this name"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_the_market_of_a_customer_must_be_known(name: str) -> None:
    column, message = UNKNOWN[name]
    metrics = [*BY_COUNTRY["metrics"], {"name": "pieces", "sql": "count(1)"}]
    settings = {**BY_COUNTRY, "metrics": metrics, "per": {"column": column, "values": {"LK": {}}}}
    with pytest.raises(ConfigError, match=f"per.column.*{message}"):
        Segmentation(load_config(settings))


def test_norway_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("per: {column: market, values: {NO: {}}}\n")
    with pytest.raises(ConfigError, match="write it in quotes, as in 'NO'"):
        load_config(tmp_path / "bad.yaml")
    (tmp_path / "good.yaml").write_text("per: {column: market, values: {'NO': {}}}\n")
    assert list(load_config(tmp_path / "good.yaml").per.values) == ["NO"]
