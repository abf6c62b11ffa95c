"""Second inputs: whatever changes in them or in purchases, an incremental run publishes what a full one does."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from segmentation.pipeline import CustomerSegmentationPipeline

from .conftest import HEADER, LESS, table
from .test_incremental import on_day
from .test_inputs import ACCOUNTS, EVENTS, accounts, events, over
from .test_own_equal import outcome

START = date(2024, 6, 30)
METRICS = [
    over("count(*)", "seen"),
    over("count_if(in_last_90_days)", "recent"),
    over("datediff(as_of, max(day))", "away"),
    over("mode(event)", "usual"),
    over("max(size)", "workers", "accounts"),
    over("avg(if(category = 'Kids', 1.0, 0.0))", "for_kids", None),
    over("seen / total_purchases", "each", None),
]
SCORES = [{"name": "rank", "of": "seen", "within": "trade", "cut": {"quantiles": 2}}]
RULES = [
    {"label": "Eager", "when": "each >= 2 and recent > 0"},
    {"label": "Large", "when": "size >= 50 or workers >= 50"},
    {"label": "Gone", "when": "away > 100 and days_since_last_purchase > 90"},
]
KIND = {"name": "kind", "rules": RULES, "otherwise": "Other"}
CONFIGS: dict[str, dict[str, Any]] = {
    "no scores": {"metrics": METRICS, "dimensions": [KIND]},
    "scores": {"metrics": METRICS, "scores": SCORES, "dimensions": [KIND]},
    "returns": {"metrics": METRICS, "dimensions": [KIND], "returns": "net"},
}
# What changes between runs.
STEPS = (("purchases", "events", "accounts"), ("events",), ("accounts",), ("purchases",), (), ("purchases", "events"))


def purchases(dice: random.Random, count: int) -> str:
    kinds = ("Womens", "Kids", "Toys")
    rows = [
        f"C{dice.randrange(7)},P{dice.randrange(40)},{START - timedelta(days=dice.choice((0, 1, 89, 90, 91, 300)))},"
        f"{dice.choice(('100', '-5', '7000'))},{dice.choice(kinds)}\n"
        for _ in range(count)
    ]
    return HEADER + "".join(rows)


def seen(dice: random.Random, count: int) -> str:
    rows = [
        f"C{dice.randrange(9)},s{dice.randrange(9)},{dice.choice(('view', 'basket'))},"
        f"{START - timedelta(days=dice.choice((-3, 0, 1, 89, 90, 91, 120)))},{dice.choice(('1', 'x'))}\n"
        for _ in range(count)
    ]
    return "".join(rows)


def companies(dice: random.Random) -> str:
    rows = [f"C{dice.randrange(9)},{dice.choice(('10', '60', ''))},{dice.choice(('A', 'B'))}\n" for _ in range(6)]
    return ACCOUNTS + "".join(rows)


@LESS
@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_incremental_is_full(name: str, engine_name: str, spark_or_none: SparkSession | None, tmp_path: Path) -> None:
    dice = random.Random(name)
    source = tmp_path / "in"
    source.mkdir()
    inputs = {**events(tmp_path / "events.csv"), **accounts(tmp_path / "accounts.csv")}
    settings = {"max_rejected_ratio": 1, "engine": engine_name, "inputs": inputs, **CONFIGS[name]}

    def job(folder: Path, mode: str, as_of: str, day: date) -> None:
        config = {**settings, "output_dir": str(folder / "out"), "as_of": as_of}
        with on_day(day):
            CustomerSegmentationPipeline(config).run("csv", [source], mode=mode, spark=spark_or_none, accept_shift=True)

    moved = 0
    for number, changes in enumerate(STEPS):
        if "purchases" in changes:
            (source / f"{number}.csv").write_text(purchases(dice, 30 if number == 0 else 5))
        if "events" in changes:
            with (tmp_path / "events.csv").open("a") as file:
                file.write(("" if number else EVENTS) + seen(dice, 30 if number == 0 else 6))
        if "accounts" in changes:
            (tmp_path / "accounts.csv").write_text(companies(dice))
        as_of, day = ("today", START + timedelta(days=3)) if not changes else ("latest", START)
        before = table(tmp_path / "kept", "customer_segments") if number else []
        job(tmp_path / "kept", "incremental", as_of, day)
        if engine_name == "embedded" or number == len(STEPS) - 1:
            full = tmp_path / f"full{number}"
            job(full, "full", as_of, day)
            assert outcome(tmp_path / "kept") == outcome(full)
        moved += before != table(tmp_path / "kept", "customer_segments")
    # Where nothing moves, nothing is shown.
    assert moved == len(STEPS)
