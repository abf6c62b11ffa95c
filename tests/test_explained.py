"""`explained` needs no engine, and says what one says."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyspark
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.core.evaluation import Unknown, typed
from segmentation.core.own.measures import AS_OF
from segmentation.core.rules import Rule
from segmentation.core.segmenters import Segmenter
from segmentation.core.terms import Opaque
from segmentation.insights import solving
from segmentation.insights.asking import EngineAsked
from segmentation.insights.explained import explained
from segmentation.insights.facts import PURCHASE, facts_of
from segmentation.insights.measuring import measured
from segmentation.insights.reasons import reasons
from segmentation.insights.ruled import ruled
from segmentation.insights.shelf import Shelf
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.run.kept import Kept
from segmentation.schemas import CUSTOMER_ID, PURCHASE_COLUMNS
from segmentation.state.output import Output

from .conftest import embedded_engine
from .test_explain import Publish, publish

__all__ = ["publish"]
pytestmark = [
    pytest.mark.skipif(pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4"),
    pytest.mark.embedded_only(reason="the embedded engine alone reads here"),
]
CUSTOMERS = 25
TODAY = date.today()
SETTINGS: dict[str, dict[str, Any]] = {
    "as they are": {},
    "returns and short windows": {"returns": "net", "loyal_window_months": 2, "lapsed_after_days": 30},
    "lines": {"grain": "line", "returns": "net"},
    "long windows": {"loyal_window_months": 9, "lapsed_after_days": 200, "as_of": str(TODAY - timedelta(days=200))},
}


def some_rows() -> str:
    """Two years and a half, the last half year of it to come; lines of some orders are of several customers."""
    chance, rows = random.Random(16), ""
    for _ in range(700):
        order = chance.randrange(400)
        who = order % CUSTOMERS if chance.random() < 0.95 else chance.randrange(CUSTOMERS)
        day = TODAY - timedelta(days=chance.randrange(-180, 730))
        amount = chance.choice([chance.randrange(-200000, 3000000) / 100, 1234567.89, 100])
        rows += f"C{who},P{order},{day},{amount:.2f},{chance.choice(['Womens', 'Mens', 'Kids', 'Toys'])}\n"
    return rows + " C1 ,late,x,1,Mens\n"


@pytest.fixture(params=SETTINGS)
def pipeline(request: pytest.FixtureRequest, publish: Publish) -> CustomerSegmentationPipeline:
    return publish(some_rows(), **SETTINGS[request.param])


@pytest.mark.slow
def test_what_is_said_without_an_engine_is_what_one_says(
    pipeline: CustomerSegmentationPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reasons, purchases, and the metrics of all days to come."""
    shelf, segmentation = Shelf(Output.of(pipeline.config)), pipeline.segmentation
    rules = ruled(segmentation, shelf.said)
    every = [
        facts_of(shelf, pipeline.config, row[CUSTOMER_ID]) for row in shelf.rows("SELECT * FROM customer_segments")
    ]
    plainly = [explained(rules, facts) for facts in every[:3]]
    with embedded_engine(tmp_path) as engine:
        asked = EngineAsked(engine, segmentation, shelf.said)
        for facts in every:
            plain = reasons(rules, facts.row)
            with monkeypatch.context() as nothing_known:
                nothing_known.setattr(solving, "typed", lambda *_: typed(Opaque(text="everything"), {}))
                assert reasons(rules, facts.row, asked) == plain
            assert [one["label"] for one in plain] == [facts.row[one.name] for one in rules.dimensions]
        kept = Kept(engine, shelf.output, pipeline.config, shelf.said, str(tmp_path))
        theirs = sorted(str(tuple(row)) for row in known(kept).select(CUSTOMER_ID, *PURCHASE).collect())
        ours = [(facts.row[CUSTOMER_ID], *one.values()) for facts in every for one in facts.purchases or []]
        assert theirs == sorted(map(str, ours))
        for facts in every[:8]:
            days = [facts.row[AS_OF] + timedelta(days=number) for number in range(1, 420)]
            bought = facts.purchases or []
            assert list(measured(rules, bought, facts.row, days)) == asked.metrics(bought, facts.row, days)
        monkeypatch.setattr("segmentation.insights.outlook.measured", nothing_is_known)
        for facts, told in zip(every[:3], plainly, strict=False):
            assert explained(rules, facts, asked) == told
            assert explained(rules, facts)["next"] is None


def nothing_is_known(*_: Any) -> None:
    raise Unknown("metrics")


def known(kept: Kept) -> DataFrame:
    """Purchases that count, and those that will."""
    early = kept.early(date.max, (), due=True)
    counted = kept.purchases.select(*PURCHASE_COLUMNS)
    return counted if early is None else counted.unionByName(early.select(*PURCHASE_COLUMNS))


def test_no_engine_is_started(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = publish(some_rows())
    engine = pytest.importorskip("segmentation.engines.embedded.engine").EmbeddedEngine
    monkeypatch.setattr(engine, "__init__", lambda *_: pytest.fail("an engine was started"))
    told = pipeline.explain("C1")
    assert told["next"] and told["purchases"] and told["rejected"]


IN_A_SERVER = """
import sys
from segmentation.config import load_config
from segmentation.insights.explained import explained
from segmentation.insights.facts import facts_of
from segmentation.insights.ruled import ruled_apart
from segmentation.insights.shelf import Shelf
from segmentation.state.output import Output

if __name__ == "__main__":
    config = load_config({"output_dir": sys.argv[1]})
    shelf = Shelf(Output.of(config))
    told = explained(ruled_apart(config, shelf.said), facts_of(shelf, config, "C1"))
    assert told["next"] and told["rules_as_published"]
    print([name for name in ("pysail", "pyspark.sql.connect", "pandas", "pyarrow", "grpc") if name in sys.modules])
"""


@pytest.mark.slow
def test_a_server_needs_neither_engine_nor_the_columns_of_one(publish: Publish, tmp_path: Path) -> None:
    publish(some_rows())
    command = [sys.executable, "-c", IN_A_SERVER, str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[1])
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


class Sounds(Segmenter):
    """A rule that only an engine understands, between others."""

    dimension = "sounds"

    def rules(self) -> list[Rule]:
        likes = (F.soundex("customer_id") == "S000") & (F.col("total_purchases") > 0)
        return [
            Rule("Many", F.col("total_purchases") > 2),
            Rule("S", likes),
            Rule("Two", F.col("total_purchases") == 2),
        ]

    @property
    def fallback(self) -> str:
        return "Other"


def test_what_only_an_engine_can_say_is_told_by_the_published_label(publish: Publish) -> None:
    bought = {"S": 2, "T": 2, "U": 3, "V": 1}
    rows = "".join(f"{who},P{who}{at},2024-01-05,5,Kids\n" for who, count in bought.items() for at in range(count))
    pipeline = publish(rows, [Sounds()], as_of="2024-06-30")
    shelf = Shelf(Output.of(pipeline.config))
    rules = ruled(pipeline.segmentation, shelf.said)
    holds = {"S": [False, True, True], "T": [False, False, True], "U": [True, None, False], "V": [False, False, False]}
    for who, expected in holds.items():
        asked = pipeline.explain(who)
        told = explained(rules, facts_of(shelf, pipeline.config, who))
        one, other = told["dimensions"][0], asked["dimensions"][0]
        assert [rule["holds"] for rule in one["rules"]] == expected
        assert (one["label"], told["purchases"]) == (other["label"], asked["purchases"])
        assert [rule["decides"] for rule in one["rules"]] == [rule["decides"] for rule in other["rules"]]
        assert [rule["unknown"] for rule in one["rules"]] == [None, "the function soundex", None]
        assert [rule["unknown"] for rule in other["rules"]] == [None, None, None]
        unknown, known_to_all = one["rules"][1]["comparisons"]
        assert (unknown["value"], unknown["holds"], known_to_all["holds"]) == (None, None, True)
        assert other["rules"][1]["comparisons"][0]["value"] == f"{who}000"
        assert (told["next"], asked["next"]) == ([] if who == "U" else None, [])
