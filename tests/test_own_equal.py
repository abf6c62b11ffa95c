"""What a configuration adds: whatever comes and goes, an incremental run publishes what a full one does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from segmentation.engines.local import LocalFiles
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.state.commits import last_commit

from .conftest import EXPORT, LESS, table
from .test_incremental import on_day

HEADER = "Customer_ID,Order_ID,Date,Total_Amount_LKR,Product_Category,Channel,Pieces,Gift\n"
EXTRA = {
    "channel": {"from": "Channel", "type": "string"},
    "pieces": {"from": "Pieces", "type": "integer"},
    "gift": {"from": "Gift", "type": "boolean"},
}
START = date(2024, 6, 30)
OF_PURCHASES = [
    {"name": "online_share", "sql": "avg(if(channel = 'online', 1.0, 0.0))"},
    {"name": "usual_channel", "sql": "mode(channel)"},
    {"name": "last_channel", "sql": "max_by(channel, purchase_date)"},
    {"name": "pieces_each", "sql": "sum(pieces) / count(pieces)"},
    {"name": "recent_gifts", "sql": "count_if(gift and in_last_90_days)"},
    {"name": "festive_spend", "sql": "sum(amount) filter (where is_festive)"},
    {"name": "spend_of_others", "sql": "sum(if(purchase_date > first_purchase, amount, 0))"},
]
ON_THE_DAY = [{"name": "days_known", "sql": "datediff(as_of, min(purchase_date))"}]
OF_METRICS = [{"name": "per_purchase", "sql": "lifetime_spend / total_purchases"}]
SCORES = [
    {"name": "recency_score", "of": "days_since_last_purchase", "order": "ascending", "cut": {"quantiles": 3}},
    {
        "name": "tier",
        "of": "lifetime_spend",
        "within": "usual_channel",
        "cut": {"shares": [0.25, 1]},
        "labels": ["Top", "Rest"],
        "zero": "Nothing",
    },
]
ENGAGEMENT = {
    "name": "engagement",
    "rules": [
        {"label": "Digital", "when": "online_share >= 0.5 and purchase_frequency != 'Lapsed'"},
        {"label": "Gifting", "when": "recent_gifts > 0"},
    ],
    "otherwise": "Standard",
}
RANKED = {"name": "rank", "rules": [{"label": "Best", "when": "recency_score = 3 or tier = 'Top'"}], "otherwise": "Not"}
OF_DAYS = {"name": "age", "rules": [{"label": "Old", "when": "days_known > 180"}], "otherwise": "Young"}
CONFIGS: dict[str, dict[str, Any]] = {
    "aggregates": {"metrics": [*OF_PURCHASES, *OF_METRICS], "dimensions": [ENGAGEMENT]},
    "the day itself": {"metrics": [*ON_THE_DAY, *OF_PURCHASES], "dimensions": [ENGAGEMENT, OF_DAYS]},
    "formulas alone": {
        "metrics": OF_METRICS,
        "dimensions": [
            {"name": "each", "rules": [{"label": "Much", "when": "per_purchase > 5000"}], "otherwise": "No"}
        ],
    },
    "scores": {"metrics": OF_PURCHASES, "scores": SCORES, "dimensions": [ENGAGEMENT, RANKED]},
    "scores, returns": {"metrics": OF_PURCHASES, "scores": SCORES, "dimensions": [RANKED], "returns": "net"},
    "scores, lines": {"metrics": OF_PURCHASES, "scores": SCORES, "dimensions": [RANKED], "grain": "line"},
}


def rows(dice: random.Random, count: int) -> Iterator[str]:
    for _ in range(count):
        day = START + timedelta(days=dice.choice([*range(-400, 0, 7), -92, -91, -90, -184, -183, -182, 0, 5]))
        customer, purchase = f"C{dice.randrange(7)}", f"P{dice.randrange(40)}"
        amount = dice.choice(["100.50", "0", "7000", "-50.25", "2500"])
        kind = dice.choice(["Womens", "Mens", "Toys"])
        channel = dice.choice(["online", "shop", "", "phone"])
        pieces, gift = dice.choice(["1", "2", "x", ""]), dice.choice(["yes", "0", "maybe", ""])
        yield ",".join([customer, purchase, str(day), amount, kind, channel, pieces, gift])


def outcome(folder: Path) -> tuple[bytes, list[dict[str, Any]], Any]:
    customers = sorted((vars(row) for row in table(folder, "customer_segments")), key=lambda row: row["customer_id"])
    plain = [{name: value for name, value in row.items() if name not in ("run_id", "updated_at")} for row in customers]
    newest = last_commit(LocalFiles(), str(folder / "out/delta/customer_segments"))
    assert newest is not None
    return (folder / EXPORT).read_bytes(), plain, newest.said["cuts"]


ON_SPARK = ("scores",)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name if name in ON_SPARK else pytest.param(name, marks=LESS) for name in CONFIGS])
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=LESS)])
def test_incremental_is_full(
    name: str, seed: int, engine_name: str, spark_or_none: SparkSession | None, tmp_path: Path
) -> None:
    dice = random.Random(seed)
    source = tmp_path / "in"
    source.mkdir()
    settings = {"max_rejected_ratio": 1, "engine": engine_name, "input": {"extra_columns": EXTRA}, **CONFIGS[name]}

    def job(folder: Path, mode: str, as_of: str, day: date) -> None:
        config = {**settings, "output_dir": str(folder / "out"), "as_of": as_of}
        with on_day(day):
            CustomerSegmentationPipeline(config).run("csv", [source], mode=mode, spark=spark_or_none, accept_shift=True)

    days = [(START, "latest"), (START, "latest"), (START + timedelta(days=3), "today"), (START, "2024-06-20")]
    for number, (day, as_of) in enumerate(days):
        if number != 2:
            (source / f"{number}.csv").write_text(HEADER + "\n".join(rows(dice, 30 if number == 0 else 6)) + "\n")
        job(tmp_path / "kept", "incremental", as_of, day)
        if engine_name == "embedded" or number == len(days) - 1:
            full = tmp_path / f"full{number}"
            job(full, "full", as_of, day)
            assert outcome(tmp_path / "kept") == outcome(full)


ROW = "A,P1,2024-06-01,100.00,Mens,{channel},{pieces},\n"
# What the first file holds, and the second one, or what the first one becomes; what is kept of the purchase.
LATER = {
    "a smaller value": ([("shop", "2")], [("online", "9")], None, ("online", 9)),
    "a larger value": ([("online", "9")], [("shop", "2")], None, ("online", 9)),
    "a value where none was": ([("", "2")], [("shop", "9")], None, ("shop", 9)),
    "none where a value was": ([("shop", "9")], [("", "2")], None, ("shop", 9)),
    "one of two": ([("shop", "9")], [("shop", "2")], None, ("shop", 2)),
    "another one instead": ([("fax", "1")], None, [("shop", "9")], ("shop", 9)),
    "none instead": ([("online", "1")], None, [("", "")], (None, None)),
}


@pytest.mark.parametrize("name", [name if "a smaller" in name else pytest.param(name, marks=LESS) for name in LATER])
def test_what_is_kept_of_equal_rows_hangs_on_no_order(
    name: str, engine_name: str, spark_or_none: SparkSession | None, tmp_path: Path
) -> None:
    first, second, instead, kept = LATER[name]
    source = tmp_path / "in"
    source.mkdir()
    metrics = [{"name": "its_channel", "sql": "max(channel)"}, {"name": "its_pieces", "sql": "max(pieces)"}]
    settings = {"max_rejected_ratio": 1, "engine": engine_name, "input": {"extra_columns": EXTRA}, "metrics": metrics}

    def write(file: str, rows: list[tuple[str, str]]) -> None:
        lines = [ROW.format(channel=channel, pieces=pieces) for channel, pieces in rows]
        (source / file).write_text(HEADER + "".join(lines) + "B,P2,2024-06-02,5.00,Kids,,,\n" * (file == "1.csv"))

    def job(folder: Path, mode: str) -> tuple[Any, Any]:
        config = {**settings, "output_dir": str(folder / "out")}
        CustomerSegmentationPipeline(config).run("csv", [source], mode=mode, spark=spark_or_none)
        (row,) = [row for row in table(folder, "customer_segments") if row.customer_id == "A"]
        return row.its_channel, row.its_pieces

    write("1.csv", first)
    job(tmp_path / "kept", "incremental")
    if instead:
        write("1.csv", instead)
    else:
        write("2.csv", second or [])
    assert job(tmp_path / "kept", "incremental") == kept
    assert job(tmp_path / "full", "full") == kept
