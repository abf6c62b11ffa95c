"""What is said without an engine of own metrics, scores, second inputs and markets is what one says."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyspark
import pytest

from segmentation.core.own.measures import AS_OF
from segmentation.errors import ConfigError
from segmentation.insights.asking import EngineAsked
from segmentation.insights.explained import explained
from segmentation.insights.facts import Facts, facts_of
from segmentation.insights.measuring import measured
from segmentation.insights.ruled import ruled
from segmentation.insights.shelf import Shelf
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.state.output import Output

from .conftest import Job, embedded_engine
from .test_inputs import accounts, over
from .test_markets import INDIA

pytestmark = [
    pytest.mark.skipif(pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4"),
    pytest.mark.embedded_only(reason="the embedded engine alone reads here"),
]
HEADER = "Customer_ID,Order_ID,Date,Total_Amount_LKR,Product_Category,Country,Pieces,Gift\n"
TODAY = date(2024, 6, 30)
# Each known to the evaluator.
METRICS = {
    "market": "max_by(country, purchase_date)",
    "first_country": "min_by(country, purchase_date)",
    "abroad": "avg(if(country = 'LK', 0, 1)) filter (where country is not null)",
    "half_a_year": "coalesce(sum(amount) filter (where in_last_6_months), 0)",
    "lately": "count_if(in_last_90_days or in_loyal_window)",
    "countries": "count(distinct country)",
    "back": "count(distinct purchase_date) - 1",
    "festive_pieces": "sum(pieces) filter (where is_festive)",
    "usual_country": "mode(country)",
    "usual_of_late": "mode(pieces) filter (where in_last_6_months)",
    "always_gifts": "every(gift)",
    "gifts": "count_if(gift and pieces > 1)",
    "later_spend": "sum(amount) filter (where purchase_date > first_purchase) / (count(distinct purchase_date) - 1)",
    "age": "datediff(max(as_of), first_purchase)",
    "silence": "days_since_last_purchase / average_days_between_purchases",
    "size_or_pieces": "coalesce(size, festive_pieces, 0) + gifts",
}
# Published alone, so nobody asks for it.
ASIDE = {"root": "max(sqrt(pieces))"}
SCORES = [
    {"name": "recency", "of": "days_since_last_purchase", "order": "ascending", "cut": {"quantiles": 5}},
    {"name": "rhythm", "of": "silence", "cut": {"values": [1.2, 3]}, "labels": ["Lost", "Late", "Well"]},
    {
        "name": "tier",
        "of": "lifetime_spend",
        "within": "market",
        "cut": {"shares": [0.2, 1.0]},
        "labels": ["Top", "Rest"],
        "zero": "None",
    },
]
RULES = [
    {"label": "Gone", "when": "recency <= 2 and spending != 'High Value' or rhythm = 'Lost'"},
    {"label": "Top", "when": "tier = 'Top' and (size >= 5 or countries >= 2 or abroad > 0.4)"},
    {"label": "Back", "when": "back >= 2 and later_spend > 1000.5 and half_a_year >= 0.5 * lifetime_spend"},
    {
        "label": "Festive",
        "when": "size_or_pieces >= 3 and lately > 0 and seen >= 1 and first_country = usual_country",
    },
]
OLD = [
    {"label": "Of Late", "when": "usual_of_late = 5 and not coalesce(always_gifts, false)"},
    {"label": "Old", "when": "age > 500 and kind in ('Top', 'Gone') and trade is not null"},
]


def settings(folder: Path) -> dict[str, Any]:
    per = {"column": "market", "values": {"LK": {}, "IN": INDIA}}
    columns = {"day": {"from": "Day", "type": "date"}}
    extra = {
        "country": {"from": "Country"},
        "pieces": {"from": "Pieces", "type": "integer"},
        "gift": {"from": "Gift", "type": "boolean"},
    }
    return {
        "input": {"extra_columns": extra},
        "inputs": {
            **accounts(folder / "accounts.csv"),
            "visits": {"path": str(folder / "visits.csv"), "columns": columns},
        },
        "metrics": [
            *[{"name": name, "sql": sql} for name, sql in {**METRICS, **ASIDE}.items()],
            over("count(*)", "seen", "visits"),
        ],
        "scores": SCORES,
        "dimensions": [
            {"name": "kind", "rules": RULES, "otherwise": "Other"},
            {"name": "age_group", "rules": OLD, "otherwise": "Not"},
        ],
        "per": per,
        "festive_periods": [
            {"name": "December", "from": "12-01", "to": "12-31", "where": {"country": ["IN", "LK"]}},
            {"name": "Spring", "from": "03-01", "to": "04-15"},
        ],
        "as_of": str(TODAY),
        "mode": "incremental",
        "max_rejected_ratio": 1,
    }


@pytest.fixture
def source(write_csv: Callable[..., Path]) -> Path:
    """Purchases, some of them to come, and the second inputs beside them."""
    dice, rows = random.Random(17), ""
    for number in range(400):
        day = TODAY - timedelta(days=dice.randrange(-60, 700))
        order = number if dice.random() < 0.7 else number // 2
        country, pieces = dice.choice(["LK", "LK", "IN", "DE", ""]), dice.choice(["1", "2", "5", ""])
        amount = dice.choice(["100", "4000.05", "15000", "999.99"])
        kind, gift = dice.choice(["Womens", "Mens", "Kids"]), dice.choice(["yes", "no", ""])
        rows += f"C{order % 23},P{order},{day},{amount},{kind},{country},{pieces},{gift}\n"
    write_csv(
        "".join(f"C{n},{n},{'Trade' if n % 3 else ''}\n" for n in range(0, 23, 2)),
        "accounts.csv",
        "Account,Size,Trade\n",
    )
    write_csv("C1,2024-01-05\nC2,2024-01-05\nC2,2024-02-05\n", "visits.csv", "Customer_ID,Day\n")
    return write_csv(rows, header=HEADER)


def everybody(pipeline: CustomerSegmentationPipeline) -> tuple[Shelf, list[Facts]]:
    shelf = Shelf(Output.of(pipeline.config))
    ids = [row["customer_id"] for row in shelf.rows("SELECT customer_id FROM customer_segments ORDER BY 1")]
    return shelf, [facts_of(shelf, pipeline.config, one) for one in ids]


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"grain": "line", "returns": "net"}], ids=["purchases", "lines"])
def test_what_is_said_without_an_engine_is_what_one_says(
    run_job: Job, source: Path, tmp_path: Path, more: dict[str, Any]
) -> None:
    config = {**settings(tmp_path), **more, "output_dir": str(tmp_path / "out")}
    run_job(source, **config)
    pipeline = CustomerSegmentationPipeline(config)
    shelf, every = everybody(pipeline)
    rules = ruled(pipeline.segmentation, shelf.said)
    kinds, changes = set(), 0
    with embedded_engine(tmp_path) as engine:
        asked = EngineAsked(engine, pipeline.segmentation, shelf.said)
        for facts in every:
            told = explained(rules, facts)
            assert [one["label"] for one in told["dimensions"]] == [facts.row[one.name] for one in rules.dimensions]
            assert told["rules_as_published"] and told["next_unknown"] is None
            kinds.add(facts.row["kind"])
            changes += len([one for one in told["next"] if one["dimension"] in ("kind", "age_group")])
        for facts in every[:5]:
            bought, days = facts.purchases or [], [facts.row[AS_OF] + timedelta(days=at) for at in range(1, 250)]
            theirs = [
                {name: row[name] for name in (AS_OF, *rules.metrics)} for row in asked.metrics(bought, facts.row, days)
            ]
            assert list(measured(rules, bought, facts.row, days)) == theirs
    # Rules that nobody meets would show nothing.
    assert {"Gone", "Top", "Other"} <= kinds and changes > 20


def test_what_only_an_engine_says_is_told_and_asked_of_it(run_job: Job, source: Path, tmp_path: Path) -> None:
    giving = {"name": "giving", "rules": [{"label": "Gives", "when": "root > 1.5"}], "otherwise": "Not"}
    config = {**settings(tmp_path), "output_dir": str(tmp_path / "out")}
    config["dimensions"] = [*config["dimensions"], giving]
    run_job(source, **config)
    pipeline = CustomerSegmentationPipeline(config)
    shelf, every = everybody(pipeline)
    told = explained(ruled(pipeline.segmentation, shelf.said), every[0])
    assert (told["next"], told["next_unknown"]) == (None, "the function sqrt")
    assert [one["label"] for one in told["dimensions"]] == [one["published"] for one in told["dimensions"]]
    asked = pipeline.explain(every[0].row["customer_id"])
    assert asked["next"] and asked["next_unknown"] is None
    assert asked["dimensions"] == [
        {**one, "rules": asked["dimensions"][at]["rules"]} for at, one in enumerate(told["dimensions"])
    ]


def test_the_threshold_of_the_market_is_shown(run_job: Job, source: Path, tmp_path: Path) -> None:
    config = {**settings(tmp_path), "output_dir": str(tmp_path / "out")}
    run_job(source, **config)
    pipeline = CustomerSegmentationPipeline(config)
    shelf, every = everybody(pipeline)
    rules = ruled(pipeline.segmentation, shelf.said)
    lifetime = {"LK": "150000", "IN": "30000", "DE": "150000"}
    for facts in every:
        spending = next(one for one in explained(rules, facts)["dimensions"] if one["dimension"] == "spending")
        _, total = spending["rules"][0]["comparisons"]
        assert total["threshold"] == lifetime.get(facts.row["market"], "150000")
    assert {facts.row["market"] for facts in every} >= {"LK", "IN"}


def test_a_column_that_is_not_kept_is_told(run_job: Job, source: Path, tmp_path: Path) -> None:
    config = {"output_dir": str(tmp_path / "out"), "mode": "incremental", "max_rejected_ratio": 1}
    run_job(source, **config)
    extra = {"extra_columns": {"pieces": {"from": "Pieces"}, "country": {"from": "Country"}}}
    with pytest.raises(ConfigError, match="purchases are kept without country, pieces: name the configuration"):
        CustomerSegmentationPipeline({**config, "input": extra}).explain("C1")


OF_ID = """
from pyspark.sql import functions as F
from segmentation import Metric

class OfId(Metric):
    name = "of_id"
    type = "string"

    def column(self):
        return F.max(F.{function}("customer_id"))
"""


@pytest.mark.parametrize(
    ("function", "unknown"), [("upper", None), ("soundex", "what a metric makes of the customer's id")]
)
def test_a_metric_of_the_id_is_not_made_of_days(
    run_job: Job, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, unknown: str | None
) -> None:
    """The engine would take days for customers."""
    module = f"made_of_ids_{function}"
    (tmp_path / f"{module}.py").write_text(OF_ID.format(function=function))
    monkeypatch.syspath_prepend(str(tmp_path))
    rules = [{"label": "C", "when": "startswith(of_id, 'C')"}]
    config = {
        "output_dir": str(tmp_path / "out"),
        "mode": "incremental",
        "max_rejected_ratio": 1,
        "as_of": str(TODAY),
        "metrics": [f"{module}:OfId"],
        "dimensions": [{"name": "initial", "rules": rules, "otherwise": "Other"}],
    }
    run_job(source, **config)
    told = CustomerSegmentationPipeline(config).explain("C1")
    assert (told["next_unknown"], told["dimensions"][-1]["label"]) == (unknown, "C")
    assert (told["next"] is None) == (unknown is not None)
    assert not [one for one in told["next"] or () if one["dimension"] == "initial"]
