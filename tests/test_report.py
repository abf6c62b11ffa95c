"""`segmentation report`: its numbers against queries of the tables by another engine, and what a page may hold."""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pyspark
import pytest

from segmentation.cli import main
from segmentation.insights.reader import reader
from segmentation.insights.report import report
from segmentation.insights.report.facts import Facts, facts
from segmentation.insights.report.over_time import effects_of
from segmentation.state.output import Output

from .conftest import GOOD, Job, table
from .test_explain import EMBEDDED, Publish, Visits, publish, rows_of_worked
from .test_preview import some_rows
from .test_suggest import shop

__all__ = ["publish"]
pytestmark = pytest.mark.skipif(pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4")


def found(pipeline: Any, tmp_path: Path) -> Facts:
    output = Output.of(pipeline.config)
    with reader(pipeline.config, output) as (engine, folder):
        return facts(pipeline.segmentation, engine, output, folder)


def test_the_numbers_are_those_of_the_tables(publish: Publish, tmp_path: Path) -> None:
    publish(some_rows(), as_of="2024-06-30")
    pipeline = publish(shop() + "x,,2024-01-01,5,Kids\nx,y\n")
    told = found(pipeline, tmp_path)
    customers = table(tmp_path, "customer_segments")
    assert told.as_of == date(2024, 6, 30)
    assert told.totals["customers"] == len(customers)
    assert told.totals["spend"] == sum(row.lifetime_spend for row in customers)
    assert told.before is not None
    assert told.before["customers"] == 61
    for name, rows in told.dimensions.items():
        for row in rows:
            theirs = [one for one in customers if getattr(one, name) == row["label"]]
            sums = len(theirs), sum(one.total_purchases for one in theirs)
            assert (row["customers"], row["purchases"]) == sums
            assert row["spend"] == sum(one.lifetime_spend for one in theirs)
            assert row["days"] == sum(one.days_since_last_purchase for one in theirs)
    pairs = Counter((one.purchase_frequency, one.category) for one in customers)
    assert told.crossed["purchase_frequency", "category"] == dict(pairs)
    assert sum(told.buckets["total_purchases"]) == len(customers)
    assert told.buckets["total_purchases"][0] == sum(one.total_purchases == 1 for one in customers)
    assert told.buckets["lifetime_spend"][-1] == sum(one.lifetime_spend >= 1_000_000 for one in customers)
    spends = sorted((one.lifetime_spend for one in customers), reverse=True)
    tenth = next(row for row in told.top if row["share"] == Decimal("0.10"))
    assert abs(tenth["spend"] - sum(spends[: len(spends) // 10])) <= spends[len(spends) // 10]
    moved = Counter(
        (row.dimension, row.from_label, row.to_label)
        for row in table(tmp_path, "segment_changes")
        if row.run_id == told.run["run_id"]
    )
    assert {(row["dimension"], row["from_label"], row["to_label"]): row["customers"] for row in told.moves} == moved
    assert told.is_as_published
    assert set(told.examples) == {"malformed_row", "missing_purchase_id"}
    assert told.run["rows_rejected"] == 2


def test_months_and_periods_are_those_of_the_purchases(publish: Publish, tmp_path: Path) -> None:
    told = found(publish(shop()), tmp_path)
    purchases = table(tmp_path, "purchases")
    rows = [(one.customer_id, one.purchase_date, one.amount) for one in purchases]
    with duckdb.connect() as database:
        database.execute("CREATE TABLE p (customer VARCHAR, day DATE, amount DECIMAL(18,2))")
        database.executemany("INSERT INTO p VALUES (?, ?, ?)", rows)
        cohorts = database.execute(
            "WITH f AS (SELECT customer, date_trunc('month', min(day)) AS cohort FROM p GROUP BY 1) "
            "SELECT cohort::DATE, date_trunc('month', day)::DATE, count(DISTINCT customer), count(*), sum(amount) "
            "FROM p JOIN f USING (customer) GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
        last = database.execute(
            "SELECT count(DISTINCT customer), count(*), sum(amount) FROM p "
            "WHERE day > DATE '2024-06-30' - 182 AND day <= DATE '2024-06-30'"
        ).fetchone()
        before = database.execute(
            "SELECT count(DISTINCT customer), count(*), sum(amount) FROM p "
            "WHERE day > DATE '2024-06-30' - 364 AND day <= DATE '2024-06-30' - 182"
        ).fetchone()
    names = ("cohort", "month", "customers", "purchases", "sales")
    assert [tuple(row[name] for name in names) for row in told.months] == cohorts
    assert told.periods is not None
    assert tuple(told.periods[1][name] for name in names[2:]) == last
    assert tuple(told.periods[0][name] for name in names[2:]) == before


@pytest.mark.slow
@pytest.mark.with_report
def test_a_run_that_keeps_no_purchases_counts_the_same(publish: Publish, tmp_path: Path) -> None:
    rows = shop() + "C1,back,2024-05-01,-50,Kids\nC1,back again,2022-05-01,-50,Kids\nC1,late,2024-07-01,5,Kids\n"
    how = {"as_of": "2024-06-30", "returns": "net", "report": False}
    kept = found(publish(rows, **how), tmp_path)
    assert kept.periods is not None
    counted = found(publish(rows, **{**how, "mode": "full", "report": True}), tmp_path)
    assert (counted.months, counted.periods, counted.festive) == (kept.months, kept.periods, kept.festive)
    assert not found(publish(rows, **how, mode="full"), tmp_path).months
    (tmp_path / "out/.sales.json").write_text('{"layout": 1')
    assert not found(publish(rows, **how, mode="full"), tmp_path).months


def test_the_parts_of_a_change_add_up() -> None:
    before, now = [Decimal(538), Decimal("2.18"), Decimal(4585)], [Decimal(434), Decimal("1.82"), Decimal(4740)]
    effects = effects_of(before, now)
    assert abs(sum(effects) - (Decimal(math.prod(now)) - Decimal(math.prod(before)))) < Decimal("0.01")
    assert [effect > 0 for effect in effects] == [False, False, True]
    assert effects_of(before, before) == [0, 0, 0]
    assert effects_of(before, [Decimal(0), *now[1:]]) == []
    # Three and seven customers, ten purchases of a hundred in each half-year: equal but for the last digit.
    thirds = [[Decimal(n), Decimal(10) / n, Decimal(1000) / 10] for n in (3, 7)]
    assert len(effects_of(*thirds)) == 3


@pytest.mark.with_report
def test_a_run_writes_the_report(run_job: Job, write_csv, tmp_path: Path) -> None:
    result = run_job(write_csv(GOOD))
    assert result["report_file"] == str(tmp_path / "out/segmentation_report.html")
    assert result["metadata"]["run_id"] in (tmp_path / "out/segmentation_report.html").read_text()
    assert f"published by run {result['metadata']['run_id']}" in (tmp_path / "out/segmentation_report.md").read_text()
    assert " Write the report (" in (tmp_path / "out/segmentation_runs.log").read_text()


@EMBEDDED
@pytest.mark.with_report
@pytest.mark.parametrize("how", [{"report": False}, {"dry_run": True}])
def test_no_report_where_none_is_wanted(run_job: Job, write_csv, tmp_path: Path, how: dict[str, bool]) -> None:
    assert run_job(write_csv(GOOD), **how)["report_file"] is None
    assert not [*(tmp_path / "out").glob("segmentation_report*")]


@EMBEDDED
@pytest.mark.with_report
def test_a_report_that_cannot_be_written_is_no_failure(
    run_job: Job, write_csv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as absent:
        absent.setitem(sys.modules, "vl_convert", None)
        assert run_job(write_csv(GOOD))["report_file"] is None
    log = (tmp_path / "out/segmentation_runs.log").read_text()
    assert "No report: The report needs vl_convert: pip install 'customer-segmentation[report]'." in log
    monkeypatch.setattr(report, "told_by", lambda *_: 1 / 0)
    result = run_job(write_csv(GOOD))
    assert result["report_file"] is None
    assert {run.outcome for run in table(tmp_path, "runs")} == {"succeeded"}
    assert "ZeroDivisionError" in (tmp_path / "out/segmentation_runs.log").read_text()


@EMBEDDED
def test_odd_days_and_equal_customers(publish: Publish, tmp_path: Path) -> None:
    rows = "".join(f"C{number},P{number},2024-01-{number % 28 + 1:02},100,Kids\n" for number in range(120))
    pipeline = publish(rows + "C1,old,0001-01-01,100,Kids\nC2,less old,1500-03-01,100,Kids\n")
    page, _ = pipeline.report()
    assert page.stat().st_size < 200_000
    told = found(pipeline, tmp_path)
    assert [row["spend"] for row in told.top][-1] == Decimal(12_200) / 2 + 100
    assert {row["month"] for row in told.months} == {date(1, 1, 1), date(1500, 3, 1), date(2024, 1, 1)}
    assert pipeline.suggest()["advice"]


@EMBEDDED
def test_whoever_is_erased_is_not_in_the_report(publish: Publish, tmp_path: Path, capsys) -> None:
    page, text = publish(rows_of_worked() + "C9,P99,x,1,Mens\n", as_of="2024-06-30").report()
    assert "C9, P99, x" in text.read_text()
    assert main(["erase", "C9", "--engine", "embedded", "--output-dir", str(tmp_path / "out")]) == 0
    assert not page.exists()
    assert not text.exists()


class Page(HTMLParser):
    """What a page asks for, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.asked: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.asked += [str(value) for name, value in attributes if name in ("src", "href", "xlink:href", "action")]
        self.asked += [name for name, _ in attributes if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


class Hostile(Visits):
    dimension = "hostile"

    def rules(self):
        first, second = super().rules()
        return [
            type(first)("</svg><script>alert(1)</script>", first.condition),
            type(first)("|a|`*b", second.condition),
        ]


@EMBEDDED
def test_hostile_texts_stay_texts(publish: Publish, tmp_path: Path) -> None:
    rows = rows_of_worked() + "<img src=x onerror=alert(1)>,,2024-01-01,5,<script>alert(2)</script>\n"
    pages, texts = [], []
    for segmenters in (None, [Hostile()]):
        page, text = publish(rows, segmenters, as_of="2024-06-30").report()
        parsed = Page()
        parsed.feed(page.read_text())
        pages.append(parsed)
        texts.append(text.read_text())
        assert not parsed.tags["script"]
        assert not parsed.tags["img"]
        assert all(one.startswith("#") for one in parsed.asked), parsed.asked
        assert "http-equiv" in page.read_text()
    assert "<img src=x onerror=alert(1)>" in pages[0].text
    assert "</svg><script>alert(1)</script>" in pages[1].text
    assert r"\<img src=x onerror=alert(1)\>" in texts[0]
    assert r"\|a\|\`\*b" in texts[1]
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in texts[1].splitlines() if line.startswith(r"| \|a")}
    assert cells == {9, 6, 4}


@EMBEDDED
def test_the_command(publish: Publish, tmp_path: Path, capsys) -> None:
    publish(rows_of_worked(), mode="full", as_of="2024-06-30", report_actions={"Loyal": "Call them."})
    place = ["--output-dir", str(tmp_path / "out")]
    (tmp_path / "own.yaml").write_text("report_actions: {Loyal: Call them.}\n")
    assert main(["report", "--config", str(tmp_path / "own.yaml"), *place]) == 0
    said = capsys.readouterr().out
    assert said.splitlines() == [f"Report  {tmp_path}/out/segmentation_report.{ending}" for ending in ("html", "md")]
    text = (tmp_path / "out/segmentation_report.md").read_text()
    assert "Months are counted by runs with report: true" in text
    assert "Call them." in text
    assert "| Customers " in text
    assert main(["report", "--output-dir", str(tmp_path / "nowhere")]) == 2
    assert "holds no table of customers" in capsys.readouterr().err


@EMBEDDED
def test_one_customer_and_one_purchase(publish: Publish, tmp_path: Path) -> None:
    page, text = publish("C1,P1,2024-06-01,0,Kids\n").report()
    assert "| C1" not in text.read_text()
    assert "<svg" in page.read_text()
