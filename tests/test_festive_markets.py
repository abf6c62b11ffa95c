"""Festive days by market: a purchase looks at the calendar of its own country."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from segmentation.cli import main
from segmentation.config import load_config
from segmentation.core.festive import resolve
from segmentation.errors import ConfigError
from segmentation.pipeline import CustomerSegmentationPipeline

from .conftest import LESS, Job, table
from .test_currencies_job import outcome
from .test_incremental import on_day

HEADER = "Customer_ID,Order_ID,Date,Total_Amount_LKR,Product_Category,Country\n"
COUNTRY: dict[str, Any] = {"input": {"extra_columns": {"country": {"from": "Country"}}}}
PERIODS = [
    {"name": "Republic Day", "holiday": "Republic Day", "country": "IN", "days_before": 2, "where": {"country": "IN"}},
    {"name": "New Year", "from": "04-01", "to": "04-14", "where": {"country": ["LK", "MV"]}},
    {"name": "Sale", "start": "2024-06-01", "end": "2024-06-03"},
]
# Day and country -> is it festive?
CASES: dict[tuple[str, str], bool] = {
    ("2024-01-23", "IN"): False,
    ("2024-01-24", "IN"): True,
    ("2024-01-26", "IN"): True,
    ("2024-01-27", "IN"): False,
    ("2024-01-26", "LK"): False,
    ("2024-01-26", ""): False,
    ("2024-01-26", "in"): False,
    ("2024-03-31", "LK"): False,
    ("2024-04-01", "LK"): True,
    ("2024-04-14", "MV"): True,
    ("2024-04-15", "MV"): False,
    ("2024-04-01", "IN"): False,
    ("2024-06-01", "IN"): True,
    ("2024-06-03", ""): True,
    ("2024-06-04", "LK"): False,
}


def settings(**more: Any) -> dict[str, Any]:
    return {**COUNTRY, "festive_periods": PERIODS, **more}


def test_a_purchase_is_festive_by_its_own_calendar(
    run_job: Job, write_csv: Callable[..., Path], tmp_path: Path
) -> None:
    lines = [f"{day}/{country},P{day}{country},{day},10,Kids,{country}" for day, country in CASES]
    days = [{"name": "plain_days", "sql": "count_if(not is_festive)"}]
    run_job(write_csv("\n".join(lines) + "\n", header=HEADER), **settings(metrics=days))
    by_id = {row.customer_id: row for row in table(tmp_path, "customer_segments")}
    assert {case: by_id["/".join(case)].festive_purchases == 1 for case in CASES} == CASES
    assert {case: by_id["/".join(case)].plain_days == 0 for case in CASES} == CASES


def rows(dice: random.Random, count: int, first: int) -> str:
    days = ["2024-01-24", "2024-01-26", "2024-04-01", "2024-04-10", "2024-06-02", "2024-05-01", "2023-04-05"]
    countries = ["LK", "IN", ""]
    lines = [
        f"C{dice.randrange(9)},P{first + dice.randrange(count)},{dice.choice(days)},10,Kids,{dice.choice(countries)}"
        for _ in range(count)
    ]
    return "\n".join(lines) + "\n"


@LESS
@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"grain": "line"}, {"returns": "net"}], ids=str)
def test_incremental_is_full(
    more: dict[str, Any], engine_name: str, spark_or_none: SparkSession | None, tmp_path: Path
) -> None:
    dice, source = random.Random(4), tmp_path / "in"
    source.mkdir()
    # New purchases; replaced ones; a day that moves.
    for number, first in enumerate([0, 100, 0, None]):
        if first is not None:
            (source / f"{number}.csv").write_text(HEADER + rows(dice, 40, first))
        day = date(2024, 6, 30) + timedelta(days=number)
        for folder, mode in ((tmp_path / "kept", "incremental"), (tmp_path / f"full{number}", "full")):
            of_run = {
                "output_dir": str(folder / "out"),
                "engine": engine_name,
                "as_of": "today",
                "max_rejected_ratio": 1,
            }
            with on_day(day):
                pipeline = CustomerSegmentationPipeline({**settings(**more), **of_run})
                pipeline.run("csv", [source], mode=mode, spark=spark_or_none, accept_shift=True)
        assert outcome(tmp_path / "kept") == outcome(tmp_path / f"full{number}")


def test_a_calendar_says_for_whom_it_is(tmp_path: Path, capsys) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "input: {extra_columns: {country: {}}}\n"
        "festive_periods:\n"
        "  - {name: New Year, from: '04-01', to: '04-14', where: {country: [LK, MV]}}\n"
        "  - {name: Republic Day, holiday: Republic Day, country: IN, where: {country: IN}}\n"
    )
    assert main(["festive", "--config", str(config), "--from-year", "2024", "--to-year", "2024"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "New Year: every year 04-01 to 04-14, country LK or MV",
        "Republic Day: 2024-01-26 to 2024-01-26, country IN",
    ]


def test_without_markets_nothing_is_said_of_them() -> None:
    calendar = resolve(load_config().festive_periods, date(2024, 1, 1), date(2024, 12, 31))
    assert not any(", " in line for line in calendar.describe())


REFUSED = {
    "no such column": (
        {},
        "festive_periods.0.where.country: expected a column of input.extra_columns, found none there",
    ),
    "another type": (
        {"input": {"extra_columns": {"country": {"type": "integer"}}}},
        "festive_periods.0.where.country: expected a column of the type string, found integer",
    ),
    "no value": ({**COUNTRY, "festive_periods": [{**PERIODS[1], "where": {"country": []}}]}, "where.country"),
    "Norway": ({**COUNTRY, "festive_periods": [{**PERIODS[1], "where": {"country": [False]}}]}, "where.country.0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_settings_that_do_not_fit_are_refused(name: str) -> None:
    given, message = REFUSED[name]
    with pytest.raises(ConfigError) as error:
        load_config({"festive_periods": PERIODS, **given})
    assert message in str(error.value)
