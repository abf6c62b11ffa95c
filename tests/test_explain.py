"""`segmentation explain`: why a customer has its labels, and what comes next."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyspark
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from segmentation.cli import main
from segmentation.core.rules import Rule
from segmentation.core.segmenters import Segmenter
from segmentation.pipeline import CustomerSegmentationPipeline

from .conftest import HEADER, table
from .test_segmentation import WORKED

pytestmark = pytest.mark.skipif(pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4")
EMBEDDED = pytest.mark.embedded_only(reason="the embedded engine alone reads here")
FESTIVE = [
    {"name": "New Year", "from": "04-01", "to": "04-14"},
    {"name": "December", "from": "12-01", "to": "12-31"},
]
Publish = Callable[..., CustomerSegmentationPipeline]


@pytest.fixture
def publish(engine_name: str, spark_or_none: SparkSession | None, tmp_path: Path) -> Publish:
    """Run the job on rows, and give the pipeline that explains."""

    def run(rows: str, segmenters: list[Segmenter] | None = None, mode: str = "incremental", **config: Any):
        (tmp_path / "in.csv").write_text(HEADER + rows)
        own = {"output_dir": str(tmp_path / "out"), "engine": engine_name, "max_rejected_ratio": 1, **config}
        pipeline = CustomerSegmentationPipeline(own, segmenters)
        pipeline.run("csv", tmp_path / "in.csv", mode=mode, spark=spark_or_none)
        return pipeline

    return run


def rows_of_worked() -> str:
    """The worked example of the contract."""
    purchases = [(name, *one) for name, (bought, _) in WORKED.items() for one in bought]
    return "".join(f"{name},P{at},{day},{amount},{kind}\n" for at, (name, day, amount, kind) in enumerate(purchases))


def deciding(told: dict[str, Any]) -> dict[str, str | None]:
    """The rule that decides, by dimension."""
    return {
        one["dimension"]: next((rule["label"] for rule in one["rules"] if rule["decides"]), None)
        for one in told["dimensions"]
    }


def test_the_worked_example(publish: Publish) -> None:
    """The rules give the label that was published, and the numbers are those at the edges."""
    pipeline = publish(rows_of_worked(), as_of="2024-06-30", festive_periods=FESTIVE)
    for name, (_, labels) in WORKED.items():
        told = pipeline.explain(name)
        assert told["rules_as_published"]
        assert tuple(one["label"] for one in told["dimensions"]) == tuple(labels)
        assert [one["label"] for one in told["dimensions"]] == [one["published"] for one in told["dimensions"]]
        fallbacks = {"Regular", "Medium Value", "Mixed"}
        assert list(deciding(told).values()) == [None if label in fallbacks else label for label in labels]
    loyal = pipeline.explain("B")["dimensions"][0]["rules"][1]["comparisons"][0]
    assert (loyal["value"], loyal["threshold"], loyal["missing"], loyal["until"]) == ("5", "5", None, None)
    missed = pipeline.explain("C")["dimensions"][0]["rules"][1]["comparisons"][0]
    # 10 January leaves the window of six months with 11 July.
    assert (missed["value"], missed["missing"], missed["until"]) == ("4", "1", "2024-07-10")
    average = pipeline.explain("G")["dimensions"][1]["rules"][0]["comparisons"][0]
    assert (average["value"], average["threshold"], average["holds"]) == ("75000", "75000", True)
    assert pipeline.explain("F")["dimensions"][1]["rules"][0]["comparisons"][0]["missing"] == "0.05"


@EMBEDDED
def test_one_more_until_the_day_makes_loyal(publish: Publish) -> None:
    rows, setting = rows_of_worked(), {"festive_periods": FESTIVE}
    for day, label in (("2024-07-10", "Loyal"), ("2024-07-11", "Regular")):
        pipeline = publish(f"{rows}C,more,{day},1,Mens\n", as_of=day, **setting)
        assert pipeline.explain("C")["dimensions"][0]["label"] == label


@EMBEDDED
@pytest.mark.slow
def test_what_comes_next_is_what_a_run_on_that_day_says(publish: Publish, tmp_path: Path) -> None:
    """On every day on which a label changes, and on the day before."""
    chance = random.Random(13)
    start, rows = date(2024, 1, 1), ""
    for number in range(60):
        day = start + timedelta(days=chance.randrange(180))
        rows += f"C{number % 6},P{number},{day},{chance.randrange(1, 30000)},{chance.choice(['Womens', 'Kids'])}\n"
    rows += "C6,later,2024-09-30,1,Mens\nC6,first,2024-06-01,1,Mens\n"
    setting: dict[str, Any] = {"festive_periods": FESTIVE, "loyal_window_months": 4, "lapsed_after_days": 40}
    pipeline = publish(rows, as_of="2024-06-30", **setting)
    ahead = {f"C{number}": pipeline.explain(f"C{number}")["next"] for number in range(7)}
    before = {row.customer_id: vars(row) for row in table(tmp_path, "customer_segments")}
    days = sorted({date.fromisoformat(one["day"]) for several in ahead.values() for one in several})
    assert len(days) > 6
    for day in sorted({*days, *(one - timedelta(days=1) for one in days)}):
        publish(rows, as_of=day.isoformat(), **setting)
        for row in table(tmp_path, "customer_segments"):
            expected = dict(before[row.customer_id])
            for change in ahead[row.customer_id]:
                if change["day"] <= day.isoformat():
                    expected[change["dimension"]] = change["to_label"]
            for name in ("purchase_frequency", "spending", "category"):
                assert getattr(row, name) == expected[name], (day, row.customer_id)


class Visits(Segmenter):
    """A rule in code, in several forms."""

    dimension = "visits"

    def rules(self) -> list[Rule]:
        total = F.col("total_purchases")
        far = ~(total < 3) & F.col("days_since_last_purchase").between(10, 20)
        return [Rule("Often", far), Rule("Text", F.col("customer_id").startswith("x") | (total == 2))]

    @property
    def fallback(self) -> str:
        return "Seldom"


@EMBEDDED
def test_a_rule_of_ones_own_explains_itself(publish: Publish) -> None:
    pipeline = publish(rows_of_worked(), [Visits()], as_of="2024-06-30")
    often, text = pipeline.explain("D")["dimensions"][0]["rules"]
    assert often["condition"] == (
        "not (all purchases: less than 3), and days since the last purchase: at least 10, and days since the last "
        "purchase: at most 20"
    )
    assert [one["value"] for one in often["comparisons"]] == ["2", "90", "90"]
    assert text["condition"] == "startsWith(customer id, 'x'), or all purchases: equal to 2"
    assert (text["decides"], text["joined_by"]) == (True, "or")


@EMBEDDED
def test_words_of_the_default_rules(publish: Publish) -> None:
    told = publish(rows_of_worked(), as_of="2024-06-30", loyal_window_months=1).explain("A")
    said = [rule["condition"] for one in told["dimensions"] for rule in one["rules"]]
    assert said[:6] == [
        "all purchases: equal to 1",
        "purchases in the last month: at least 5",
        "days since the last purchase: more than 90",
        "purchases on festive days: at least 80% of all purchases",
        "lifetime spend: at least 15,000 × all purchases, or lifetime spend: at least 150,000",
        "lifetime spend: at most 10,000",
    ]
    assert said[-1] == (
        "at least 2 of these (Womens purchases: at least 30% of all purchases; Mens purchases: at least 30% of all "
        "purchases; Kids purchases: at least 30% of all purchases)"
    )


@EMBEDDED
def test_a_row_that_every_run_rejects_is_told_once(publish: Publish) -> None:
    rows = "C1,P1,2024-01-05,100,Kids\nC1,P2,x,100,Kids\nC1,P2,x,100,Kids\n"
    for _ in range(2):
        pipeline = publish(rows, mode="full")
    told = pipeline.explain("C1")["rejected"]
    assert [one["purchase_id"] for one in told] == ["P2", "P2"]
    assert len({one["run_id"] for one in told}) == 1


@EMBEDDED
@pytest.mark.parametrize("grain", ["order", "line"])
def test_purchases_and_rejected_rows_are_those_of_the_customer(publish: Publish, grain: str) -> None:
    rows = "C1,P1,2024-01-05,100,Womens\nC1,P1,2024-01-05,50,Womens\nC1,P2,2024-03-05,1,Mens\n C1 ,P3,x,1,Mens\n"
    told = publish(rows + "C2,P4,2024-02-01,5,Kids\n", as_of="2024-02-01", grain=grain).explain("C1")
    found = [(one["purchase_id"], one["amount"], one["counted"]) for one in told["purchases"]]
    assert found == [("P2", "1.00", False), ("P1", "150.00" if grain == "line" else "100.00", True)]
    reasons = [one["reasons"] for one in told["rejected"]]
    assert sorted(reasons) == [*([] if grain == "line" else [["conflicting_purchase"]]), ["invalid_purchase_date"]]
    assert told["metrics"]["total_purchases"] == 1


@EMBEDDED
def test_what_full_runs_do_not_keep_is_not_made_up(publish: Publish) -> None:
    told = publish(rows_of_worked(), mode="full", as_of="2024-06-30").explain("B")
    assert (told["purchases"], told["next"]) == (None, None)
    assert deciding(told)["purchase_frequency"] == "Loyal"


@EMBEDDED
def test_the_rules_are_those_that_were_published(publish: Publish, tmp_path: Path, capsys) -> None:
    """Whatever configuration is given; where it reads purchases otherwise, that is told."""
    publish(rows_of_worked(), as_of="2024-06-30", festive_periods=FESTIVE, loyal_min_purchases=4)
    place = ["--output-dir", str(tmp_path / "out")]
    assert main(["explain", "C", *place]) == 0
    said = capsys.readouterr().out
    assert "  yes Loyal: purchases in the last 6 months: at least 4 (4)\n" in said
    assert "published with other rules" not in said
    (tmp_path / "own.yaml").write_text("timezone: UTC\n")
    assert main(["explain", "C", "--config", str(tmp_path / "own.yaml"), *place]) == 0
    assert "published with other rules" in capsys.readouterr().out
    publish(rows_of_worked(), [Visits()], as_of="2024-06-30")
    for command in (["explain", "C"], ["report"]):
        assert main([*command, *place]) == 2
        assert "the dimensions visits are published" in capsys.readouterr().err


class Stays(Visits):
    """Rules that look at the id, and at more days than any window has."""

    dimension = "stays"

    def rules(self) -> list[Rule]:
        gone = F.col("days_since_last_purchase") > 365
        flag = F.lit(True).alias("always")
        return [Rule("Gone", gone), Rule("Staff", F.col("customer_id") == "007"), Rule("Here", flag)]


@EMBEDDED
def test_rules_on_the_id_and_on_long_silence(publish: Publish) -> None:
    pipeline = publish("007,P1,2024-06-30,5,Kids\nC2,P2,2023-12-31,5,Kids\n", [Stays()], as_of="2024-06-30")
    told = pipeline.explain("007")
    assert [one["label"] for one in told["dimensions"]] == ["Staff"]
    assert told["next"] == [{"day": "2025-07-01", "dimension": "stays", "from_label": "Staff", "to_label": "Gone"}]
    staff = told["dimensions"][0]["rules"][1]["comparisons"][0]
    assert (staff["value"], staff["threshold"]) == ("007", "007")
    assert [one["day"] for one in pipeline.explain("C2")["next"]] == ["2024-12-31"]


@EMBEDDED
def test_purchases_whose_day_has_not_come_take_part_in_what_comes_next(publish: Publish) -> None:
    today = date.today()
    last, later = today - timedelta(days=10), today + timedelta(days=60)
    told = publish(f"C1,P1,{last - timedelta(days=1)},5,Kids\nC1,P2,{last},5,Kids\nC1,P3,{later},5,Kids\n").explain(
        "C1"
    )
    assert [one["counted"] for one in told["purchases"]] == [False, True, True]
    # Without the third one, 91 days after the second.
    assert told["next"][0]["day"] == (later + timedelta(days=91)).isoformat()


@EMBEDDED
def test_the_end_of_time(publish: Publish) -> None:
    assert publish("C1,P1,2024-01-01,5,Kids\nC1,P2,2024-01-02,5,Kids\n", as_of="9999-12-31").explain("C1")["next"] == []


@EMBEDDED
def test_what_a_dead_run_has_left_is_not_told(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    """It had added purchases and changes, and died before the customers' commit."""
    pipeline = publish(rows_of_worked(), as_of="2024-06-30")
    before = pipeline.explain("C")
    tables = pytest.importorskip("segmentation.engines.embedded.tables").DeltaRsTables
    real = tables.overwrite

    def dying(self, frame, rows, path, *rest):
        if path.endswith("customer_segments"):
            raise KeyboardInterrupt
        real(self, frame, rows, path, *rest)

    monkeypatch.setattr(tables, "overwrite", dying)
    monkeypatch.setattr(tables, "restore", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        publish(rows_of_worked() + "C,more,2024-06-29,9,Mens\n", as_of="2024-06-30")
    assert pipeline.explain("C") == before


@EMBEDDED
def test_the_command(publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "C\x1b[31m [red]'\u202e"
    publish(rows_of_worked() + f"{hostile},H1,2024-06-01,9,Kids\n", as_of="2024-06-30")
    before = sorted(path for path in (tmp_path / "out").rglob("*"))
    place = ["--output-dir", str(tmp_path / "out")]
    assert main(["explain", "C", *place]) == 0
    said = capsys.readouterr().out
    assert "  no  Loyal: purchases in the last 6 months: at least 5 (4, 1 more by 2024-07-10)\n" in said
    assert "  no rule holds, so Regular\n" in said
    assert "  2024-07-20  purchase_frequency  Regular -> Lapsed\n" in said
    assert main(["explain", hostile, *place]) == 0
    said = capsys.readouterr().out
    assert not any(mark in said for mark in "\x1b\u202e")
    assert main(["explain", hostile, "--json", *place]) == 0
    assert json.loads(capsys.readouterr().out)["customer_id"] == hostile
    assert main(["explain", "c", *place]) == 3
    assert "error: No data found: no customer 'c' is published" in capsys.readouterr().err
    assert main(["explain", "C", "--output-dir", str(tmp_path / "nowhere")]) == 2
    assert "holds no table of customers" in capsys.readouterr().err
    assert sorted(path for path in (tmp_path / "out").rglob("*")) == before
