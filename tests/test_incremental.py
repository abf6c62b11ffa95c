"""Incremental runs: whatever comes, goes, dies or moves, what is published is what a full run from nothing would."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pyspark.sql import SparkSession

from segmentation.errors import NoDataError, QualityGateError
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.run import job
from segmentation.run.plan import Planner

from . import oracle
from .conftest import EXPORT, HEADER, table
from .test_faults import inside

FESTIVE = [{"name": "New Year", "from": "04-01", "to": "04-14"}, {"name": "December", "from": "12-01", "to": "12-31"}]
DIMENSIONS = ("purchase_frequency", "spending", "category")
START = date(2024, 6, 30)
PURCHASE = ("customer_id", "purchase_id", "purchase_date", "amount", "category")


class Killed(BaseException):
    """What nothing handles."""


@contextmanager
def on_day(day: date) -> Iterator[None]:
    """The clock of a run shows noon of `day` in Colombo."""
    offset = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=6) - datetime.now(UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + offset

    real = job.datetime
    job.datetime = Clock  # type: ignore[misc]
    try:
        yield
    finally:
        job.datetime = real  # type: ignore[misc]


@contextmanager
def killed_at(engine: str, call: int) -> Iterator[list[str]]:
    """The process dies at a commit or at a move: it is not made, and nothing that would clean up happens."""
    files, tables = inside(engine)
    calls: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for owner, names in ((tables, ("append", "append_rows", "overwrite", "merge")), (files, ("replace",))):
            for name in names:
                patch.setattr(owner, name, _counting(getattr(owner, name), name, calls, call, patch, (files, tables)))
        yield calls


def _counting(
    real: Callable[..., Any], name: str, calls: list[str], call: int, patch: pytest.MonkeyPatch, owners: tuple[Any, Any]
) -> Callable[..., Any]:
    def counting(*arguments: Any) -> Any:
        calls.append(name)
        if len(calls) > call:
            files, tables = owners
            patch.setattr(files, "delete", lambda *_: None)
            patch.setattr(tables, "restore", lambda *_: None)
            raise Killed
        return real(*arguments)

    return counting


customers = st.sampled_from([f"C{number}" for number in range(8)])
days = st.one_of(
    st.integers(-400, 30).map(lambda days: str(START + timedelta(days=days))),
    st.sampled_from([-95, -92, -91, -90, -89, -185, -184, -183, -182, -181]).map(
        lambda days: str(START + timedelta(days=days))
    ),
    st.sampled_from(["2024", ""]),
)
amounts = st.one_of(st.integers(-9, 200).map(lambda n: f"{n * 100}.50"), st.just("1e5"))
categories = st.sampled_from(["Womens", "Mens", "Kids", "Toys", ""])
records = st.tuples(customers, st.integers(0, 40).map("P{}".format), days, amounts, categories).map(",".join)
batches = st.lists(records, min_size=1, max_size=12)
CONFIGS: list[dict[str, Any]] = [
    {},
    {"lapsed_after_days": 30},
    {"loyal_window_months": 3, "loyal_min_purchases": 2},
    {"returns": "net"},
    {"category_aliases": {"toys": "Kids"}},
    {"grain": "line", "returns": "net"},
]


class Machine(RuleBasedStateMachine):
    """A folder of files, a configuration, a clock, and runs of both modes."""

    engines: tuple[str, ...] = ("embedded",)
    spark: SparkSession | None = None
    new_folder: Callable[[], Path]

    @initialize(rows=batches)
    def begin(self, rows: list[str]) -> None:
        self.folder = type(self).new_folder()
        self.input = self.folder / "in"
        self.input.mkdir()
        self.number = 0
        self.day = START
        self.config: dict[str, Any] = {}
        self.as_of = "latest"
        self.add(rows)

    @rule(rows=batches)
    def add(self, rows: list[str]) -> None:
        self.number += 1
        (self.input / f"{self.number:03}.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))

    @rule(rows=batches, which=st.integers(0, 99))
    def grow(self, rows: list[str], which: int) -> None:
        with self.any_file(which).open("a") as file:
            file.write("".join(f"{row}\n" for row in rows))

    @rule(row=records, which=st.integers(0, 99), line=st.integers(0, 99))
    def change(self, row: str, which: int, line: int) -> None:
        """A line in the middle, with the time that the file had before."""
        file = self.any_file(which)
        header, *lines = file.read_text().splitlines()
        lines[line % len(lines)] = row
        found = file.stat()
        file.write_text("\n".join([header, *lines]) + "\n")
        os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))

    @rule(which=st.integers(0, 99))
    def touch(self, which: int) -> None:
        self.any_file(which).touch()

    @rule(which=st.integers(0, 99))
    @precondition(lambda self: len(list(self.input.glob("*"))) > 1)
    def remove(self, which: int) -> None:
        self.any_file(which).unlink()

    @rule(days=st.integers(0, 20))
    def wait(self, days: int) -> None:
        self.day += timedelta(days=days)

    @rule(days=st.integers(1, 5))
    def turn_back_the_clock(self, days: int) -> None:
        self.day -= timedelta(days=days)

    @rule(as_of=st.sampled_from(["latest", "today", "2024-06-30", "2024-03-31", "2023-12-31"]))
    def look_from(self, as_of: str) -> None:
        self.as_of = as_of

    @rule(config=st.sampled_from(CONFIGS))
    def configure(self, config: dict[str, Any]) -> None:
        self.config = config

    @rule(call=st.integers(0, 7), engine=st.integers(0, 9))
    def die(self, call: int, engine: int) -> None:
        """What the next run makes of it is seen there."""
        with killed_at(self.engines[engine % len(self.engines)], call):
            try:
                self.job("incremental", engine)
            except (Killed, NoDataError):
                return
            self.follow()

    @rule(mode=st.sampled_from(["incremental", "incremental", "incremental", "full"]), engine=st.integers(0, 9))
    def run(self, mode: str, engine: int) -> None:
        expected = self.expected()
        try:
            result = self.job(mode, engine)
        except NoDataError:
            assert not expected.customers
            return
        metadata = result["metadata"]
        assert metadata["rows_read"] == sum(
            metadata[name] for name in ("purchases_used", "rows_rejected", "purchases_after_as_of")
        )
        assert metadata["customers_without_purchases"] == expected.customers_without_purchases
        assert (self.folder / EXPORT).read_bytes() == oracle.as_json(expected)
        rows = table(self.folder, "customer_segments")
        assert len(rows) == len(expected.customers)
        for row in rows:
            known = vars(expected.customers[row.customer_id])
            assert {name: getattr(row, name) for name in known} == known, row.customer_id
            assert row.as_of == expected.as_of
        if mode == "incremental" and self.config.get("grain") != "line":
            self.see_purchases()
        self.follow()

    def see_purchases(self) -> None:
        """One a purchase, the best of all rows."""
        found = [tuple(getattr(row, name) for name in PURCHASE) for row in table(self.folder, "purchases")]
        everything = oracle.evaluate(self.rows(), today=self.day, config={**self.settings, "as_of": "9999-12-31"})
        assert len(found) == everything.purchases + everything.returns_used
        assert len({(row[1], row[3] < 0) for row in found}) == len(found)

    def follow(self) -> None:
        """The changes, one after the other, lead to what is published."""
        log = (self.folder / "out/segmentation_runs.log").read_text()
        order = [line.split()[2] for line in log.splitlines() if " Run started: " in line]
        every = sorted(table(self.folder, "segment_changes"), key=lambda row: order.index(row.run_id))
        labels: dict[str, dict[str, str]] = {}
        for row in every:
            mine = labels.setdefault(row.customer_id, {})
            assert mine.get(row.dimension) == row.from_label
            if row.to_label is None:
                assert row.cause == "gone"
                del mine[row.dimension]
            else:
                mine[row.dimension] = row.to_label
        rows = table(self.folder, "customer_segments")
        assert {name: mine for name, mine in labels.items() if mine} == {
            row.customer_id: {name: getattr(row, name) for name in DIMENSIONS} for row in rows
        }
        new = json.loads((self.folder / EXPORT.replace(".json", ".changes.json")).read_text())
        last = {row.customer_id for row in every if row.run_id == order[-1] and row.to_label}
        assert [one["customer_id"] for one in new] == sorted(last)

    @property
    def settings(self) -> dict[str, Any]:
        return {"festive_periods": FESTIVE, "as_of": self.as_of, "max_rejected_ratio": 1, **self.config}

    def job(self, mode: str, engine: int) -> dict[str, Any]:
        name = self.engines[engine % len(self.engines)]
        config = {**self.settings, "output_dir": str(self.folder / "out"), "engine": name}
        spark = self.spark if name == "spark" else None
        with on_day(self.day):
            return CustomerSegmentationPipeline(config).run("csv", [self.input], mode=mode, spark=spark)

    def rows(self) -> list[oracle.RawRow]:
        return oracle.read_csv(sorted(self.input.glob("*.csv")))

    def expected(self) -> oracle.Outcome:
        as_of = str(self.day) if self.as_of == "today" else self.as_of
        return oracle.evaluate(self.rows(), today=self.day, config={**self.settings, "as_of": as_of})

    def any_file(self, which: int) -> Path:
        files = sorted(self.input.glob("*"))
        return files[which % len(files)]


def explore(
    folders: pytest.TempPathFactory, engines: tuple[str, ...], spark: SparkSession | None, examples: int
) -> None:
    machine = type(
        "Once", (Machine,), {"engines": engines, "spark": spark, "new_folder": lambda: folders.mktemp("run")}
    )
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # A Spark run takes seconds, so what fails there is shown as it was found.
            phases=[Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if engines == ("embedded",) else [])],
        ),
    )


@pytest.mark.slow
def test_any_history_ends_where_a_full_run_does(engine_name, spark_or_none, tmp_path_factory) -> None:
    examples = int(os.environ.get("INCREMENTAL_EXAMPLES", "4" if engine_name == "embedded" else "1"))
    explore(tmp_path_factory, (engine_name,), spark_or_none, examples)


# --- case by case -----------------------------------------------------------------------------------------------------

Runs = Callable[..., dict[str, Any]]
CHANGES_FILE = EXPORT.replace(".json", ".changes.json")


@pytest.fixture
def increment(engine_name: str, spark_or_none: SparkSession | None, tmp_path: Path) -> Runs:
    """Write files to `in`, run in mode incremental, and compare with the oracle."""

    def run(day: date = START, mode: str = "incremental", force: bool = False, paths: Any = None, **config: Any) -> Any:
        settings = {"festive_periods": FESTIVE, "max_rejected_ratio": 1, "as_of": "2024-06-30", **config}
        at = {"output_dir": str(tmp_path / "out"), "engine": engine_name}
        sources = paths or [tmp_path / "in"]
        with on_day(day):
            job = CustomerSegmentationPipeline({**settings, **at})
            result = job.run("csv", sources, mode=mode, force=force, spark=spark_or_none)
        if paths is None:
            rows = oracle.read_csv(sorted((tmp_path / "in").glob("*.csv")))
            expected = oracle.evaluate(rows, today=day, config=settings)
            assert (tmp_path / EXPORT).read_bytes() == oracle.as_json(expected)
            for row in table(tmp_path, "customer_segments"):
                known = vars(expected.customers[row.customer_id])
                assert {name: getattr(row, name) for name in known} == known
        return result

    return run


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of the input."""

    def write(name: str, *rows: str) -> Path:
        path = tmp_path / "in" / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
        return path

    return write


def log_of(tmp_path: Path) -> str:
    """The log of the last run."""
    return (tmp_path / "out/segmentation_runs.log").read_text().rpartition(" Run started: ")[2]


def causes(tmp_path: Path, result: dict[str, Any]) -> dict[tuple[str, str], tuple[str | None, str | None, str]]:
    """The changes of a run."""
    rows = [row for row in table(tmp_path, "segment_changes") if row.run_id == result["metadata"]["run_id"]]
    return {(row.customer_id, row.dimension): (row.from_label, row.to_label, row.cause) for row in rows}


ONE = "C1,P1,2024-04-15,100.50,Kids"
# A second row of the purchase or the customer: how many are used and rejected, who has how many purchases then.
SECOND = {
    "new": ("B,2,2024-05-01,1,Mens", (1, 0), {"A": 1, "B": 1}),
    "late": ("A,2,2020-05-01,1,Mens", (1, 0), {"A": 2}),
    "corrected, and it wins": ("A,1,2024-04-15,100.51,Kids", (1, 0), {"A": 1}),
    "corrected, and it loses": ("A,1,2024-04-15,100.49,Kids", (0, 1), {"A": 1}),
    "of another category": ("A,1,2024-04-15,100.50,Mens", (0, 1), {"A": 1}),
    "the same, in other words": ("A,1,2024-04-15T10:00:00,100.500,Boys", (0, 1), {"A": 1}),
    "moved to another customer": ("B,1,2024-04-16,100.50,Kids", (1, 0), {"B": 1}),
    "not moved to another customer": ("B,1,2024-04-15,100.50,Kids", (0, 1), {"A": 1}),
    "moved to the customer that comes first": ("0,1,2024-04-15,100.50,Kids", (1, 0), {"0": 1}),
    "bad": ("A,9,2024-13-01,1,Mens", (0, 1), {"A": 1}),
    "after the as-of day": ("A,9,2024-07-01,1,Mens", (0, 0), {"A": 1}),
}


def test_what_a_second_file_may_hold(increment: Runs, csv, tmp_path: Path) -> None:
    """Each case with customers and purchases of its own."""

    def own(case: int, row: str) -> str:
        customer, purchase, rest = row.split(",", 2)
        return f"{case}-{customer},{case}-{purchase},{rest}"

    cases = dict(enumerate(SECOND.values()))
    same = own(99, "A,1,2024-04-15,100.50,Kids")
    csv("1", *[own(case, "A,1,2024-04-15,100.50,Kids") for case in cases], same)
    increment(START + timedelta(days=1))
    csv("2", *[own(case, row) for case, (row, _, _) in cases.items()], same)
    metadata = increment(START + timedelta(days=1))["metadata"]
    assert metadata["rows_read"] == len(cases) + 1
    assert metadata["purchases_used"] == sum(used for _, (used, _), _ in cases.values())
    assert metadata["rejected_by_reason"] == {
        "invalid_purchase_date": 1,
        "duplicate_purchase": 2,
        "conflicting_purchase": sum(rejected for _, (_, rejected), _ in cases.values()) - 2,
    }
    found = {row.customer_id: row.total_purchases for row in table(tmp_path, "customer_segments")}
    expected = {f"{case}-{name}": count for case, (*_, counts) in cases.items() for name, count in counts.items()}
    assert found == {**expected, "99-A": 1}
    assert "1 of 2 files or tables are new or changed" in log_of(tmp_path)


@pytest.mark.embedded_only(reason="expressions that the tests on both engines have as well")
def test_a_file_that_grows_is_the_same_file(increment: Runs, csv, tmp_path: Path) -> None:
    csv("1", ONE, ONE)
    increment()
    csv("1", ONE, ONE, "C1,P2,2024-04-16,2,Kids")
    metadata = increment()["metadata"]
    # The row that was there is no duplicate of itself; its twin in the file is.
    assert (metadata["purchases_used"], metadata["rejected_by_reason"]) == (2, {"duplicate_purchase": 1})
    assert "anew" not in log_of(tmp_path)


REBUILDS = {
    "a file is gone": (lambda folder, _: (folder / "1.csv").unlink(), {}, "1.csv is gone"),
    "a file is shorter": (lambda _, csv: csv("1"), {}, "1.csv is shorter"),
    "a row was changed": (lambda _, csv: csv("1", "C1,P1,2024-04-14,999.50,Kids"), {}, "1.csv was changed, not only"),
    "other rules": (lambda *_: None, {"lapsed_after_days": 30}, "the configuration or the program's rules changed"),
    "force": (lambda *_: None, {"force": True}, "--force says so"),
    "the clock": (lambda *_: None, {"day": START - timedelta(days=1)}, "the last run was on 2024-06-30, after today"),
}


@pytest.mark.slow
@pytest.mark.embedded_only(reason="what is read is decided before an engine computes")
@pytest.mark.parametrize("case", REBUILDS)
def test_when_everything_is_read_anew(increment: Runs, csv, tmp_path: Path, case: str) -> None:
    change, options, why = REBUILDS[case]
    csv("1", ONE)
    csv("2", "C2,P2,2024-05-01,1,Mens")
    increment()
    change(tmp_path / "in", csv)
    increment(**options)
    assert f"everything is read anew, because {why}" in log_of(tmp_path).replace(str(tmp_path / "in") + "/", "")


@pytest.mark.embedded_only(reason="what is read is decided before an engine computes")
def test_a_file_with_the_times_of_another_content_is_read(increment: Runs, csv, tmp_path: Path) -> None:
    path = csv("1", ONE)
    increment()
    before = path.stat()
    csv("1", ONE.replace("P1", "P7"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    increment()
    assert [row.purchase_id for row in table(tmp_path, "purchases")] == ["P7"]


@pytest.mark.embedded_only(reason="what is read is decided before an engine computes")
def test_a_file_that_was_only_touched_is_not_read(increment: Runs, csv, tmp_path: Path) -> None:
    path = csv("1", ONE)
    increment()
    os.utime(path, ns=(0, 0))
    assert increment()["metadata"]["rows_read"] == 0


@pytest.mark.embedded_only(reason="what is read is decided before an engine computes")
def test_files_of_earlier_runs_stay_and_are_read_again_when_all_is(increment: Runs, csv, tmp_path: Path) -> None:
    one, two = csv("1", ONE), csv("2", "C2,P2,2024-05-01,1,Mens")
    increment(paths=[one])
    assert increment(paths=[two])["metadata"]["rows_read"] == 1
    assert {row.customer_id for row in table(tmp_path, "customer_segments")} == {"C1", "C2"}
    assert increment(paths=[two], lapsed_after_days=30)["metadata"]["rows_read"] == 2
    assert {row.customer_id for row in table(tmp_path, "customer_segments")} == {"C1", "C2"}
    one.unlink()
    with pytest.raises(NoDataError, match=r"not there any more: .*1\.csv.* run with --force"):
        increment(paths=[two], lapsed_after_days=31)
    increment(paths=[two], force=True)
    assert {row.customer_id for row in table(tmp_path, "customer_segments")} == {"C2"}


TWO = "C2,P2,2024-05-01,1,Mens"


def published_customers(tmp_path: Path) -> set[str]:
    """Who is published."""
    return {row.customer_id for row in table(tmp_path, "customer_segments")}


@pytest.mark.embedded_only(reason="what is read is decided before an engine computes")
def test_what_a_full_run_has_named_is_not_forgotten(increment: Runs, csv, tmp_path: Path) -> None:
    one, two = csv("1", ONE), csv("2", TWO)
    increment(paths=[one], mode="full")
    assert increment(paths=[two])["metadata"]["rows_read"] == 2
    assert published_customers(tmp_path) == {"C1", "C2"}


@pytest.mark.embedded_only(reason="what is read is decided before an engine computes")
def test_a_folder_is_the_same_however_it_is_spelled(increment: Runs, csv, tmp_path: Path, monkeypatch) -> None:
    two = (csv("1", ONE), csv("2", TWO))[1]
    (tmp_path / "other").symlink_to(tmp_path / "in")
    increment(paths=[tmp_path / "in"])
    monkeypatch.chdir(tmp_path)
    for spelled in ("in/", "in/*.csv", "./in", "other"):
        assert increment(paths=[spelled])["metadata"]["rows_read"] == 0
    two.unlink()
    increment(paths=["in/"])
    assert published_customers(tmp_path) == {"C1"}


@pytest.mark.embedded_only(reason="what is read is decided before an engine computes")
def test_a_file_whose_rows_are_all_gone(increment: Runs, csv, tmp_path: Path) -> None:
    csv("1", ONE)
    path = csv("2", TWO)
    increment()
    path.write_text("\n" * 300)
    increment()
    assert published_customers(tmp_path) == {"C1"}


@pytest.mark.embedded_only(reason="Spark reads files where they lie")
def test_a_file_that_changes_before_it_is_read_anew(increment: Runs, csv, tmp_path: Path, monkeypatch) -> None:
    """What the engine has made readable of it is that of before."""
    path = csv("1", ONE)
    increment()
    path.write_text("\ufeff" + HEADER + ONE.replace("100.50", "99.50") + "\n" + TWO + "\n")
    real = Planner.rebuild

    def rebuild(planner: Planner, why: str) -> Any:
        with path.open("a") as file:
            file.write("C3,P3,2024-05-01,1,Mens\n")
        return real(planner, why)

    monkeypatch.setattr(Planner, "rebuild", rebuild)
    increment()
    assert published_customers(tmp_path) == {"C1", "C2", "C3"}


@pytest.mark.embedded_only(reason="the tables are looked at by no engine")
def test_what_was_kept_is_gone(increment: Runs, csv, tmp_path: Path) -> None:
    csv("1", ONE)
    increment()
    shutil.rmtree(tmp_path / "out/delta/purchases")
    increment()
    assert "what earlier runs kept is not there any more" in log_of(tmp_path)
    csv("2", TWO)
    increment()
    csv("3", "C3,P3,2024-05-01,1,Mens")
    increment()
    # Somebody puts the customers back.
    DeltaTable(tmp_path / "out/delta/customer_segments").restore(2)
    increment()
    assert published_customers(tmp_path) == {"C1", "C2", "C3"}


@pytest.mark.embedded_only(reason="the gate counts for both")
def test_the_gate_judges_all_that_was_read(increment: Runs, csv, tmp_path: Path) -> None:
    csv("1", *[f"C{n},P{n},2024-05-01,1,Mens" for n in range(30)])
    increment(max_rejected_ratio=0.1)
    csv("2", TWO.replace("P2", "Q"), "bad")
    increment(max_rejected_ratio=0.1)
    assert "1 of the 2 rows that are new were rejected" in log_of(tmp_path)
    csv("3", *["bad"] * 5)
    with pytest.raises(QualityGateError):
        increment(max_rejected_ratio=0.1)


@pytest.mark.embedded_only(reason="expressions that the tests on both engines have as well")
def test_time_alone_moves_labels(increment: Runs, csv, tmp_path: Path) -> None:
    """And nobody reads a purchase for it."""
    csv("1", *[f"C1,P{n},2024-01-0{n},1,Kids" for n in range(1, 6)], "C2,P9,2024-06-30,20000,Mens")
    increment(as_of="2024-07-01")
    result = increment(as_of="2024-07-02")
    assert causes(tmp_path, result) == {("C1", "purchase_frequency"): ("Loyal", "Lapsed", "time")}
    assert result["metadata"]["rows_read"] == 0
    (one,) = json.loads((tmp_path / CHANGES_FILE).read_text())
    assert one["customer_id"] == "C1"
    assert one["segmentation"]["purchase_frequency"] == "Lapsed"
    back = increment(as_of="2024-07-01")
    assert causes(tmp_path, back) == {("C1", "purchase_frequency"): ("Lapsed", "Loyal", "time")}


def test_a_purchase_of_the_future_comes_when_its_day_does(increment: Runs, csv, tmp_path: Path) -> None:
    csv("1", ONE, "C1,P1,2024-07-03,1,Kids", "C1,P2,2024-07-05,1,Kids", "C3,,2024-07-03,1,Kids")
    settings = {"as_of": "latest"}
    assert increment(**settings)["metadata"]["rows_rejected"] == 3
    assert sorted(row.purchase_id for row in table(tmp_path, "future_purchases")) == ["P1", "P2"]
    result = increment(START + timedelta(days=3), **settings)
    assert (result["metadata"]["rows_read"], result["metadata"]["as_of"]) == (0, "2024-07-03")
    assert [row.purchase_id for row in table(tmp_path, "future_purchases")] == ["P2"]
    increment(START + timedelta(days=9), **settings)
    assert table(tmp_path, "future_purchases") == []
    assert sorted(row.purchase_id for row in table(tmp_path, "purchases")) == ["P1", "P2"]


@pytest.mark.embedded_only(reason="expressions that the tests on both engines have as well")
def test_a_purchase_of_the_future_that_is_taken_back_does_not_come(increment: Runs, csv, tmp_path: Path) -> None:
    csv("1", ONE, "C1,P2,2024-07-03,1,Kids")
    increment(as_of="latest")
    csv("1", ONE, "C1,P3,2024-06-03,1,Kids", "C1,P4,2024-06-03,1,Kids")
    increment(as_of="latest")
    increment(START + timedelta(days=9), as_of="latest")
    assert sorted(row.purchase_id for row in table(tmp_path, "purchases")) == ["P1", "P3", "P4"]


@pytest.mark.embedded_only(reason="expressions that the tests on both engines have as well")
def test_why_labels_changed(increment: Runs, csv, tmp_path: Path) -> None:
    csv("1", ONE, "C2,P2,2024-05-01,1,Mens", "C3,P3,2024-05-01,1,Mens")
    first = increment()
    assert {cause for _, _, cause in causes(tmp_path, first).values()} == {"first_seen"}
    csv("2", "C2,P4,2024-05-02,1,Kids", "C9,P3,2024-05-02,1,Mens")
    second = causes(tmp_path, increment())
    assert second["C2", "category"] == ("Mens", "Family", "new_purchase")
    assert second["C3", "spending"] == ("Low Value", None, "gone")
    assert second["C9", "spending"] == (None, "Low Value", "first_seen")
    third = causes(tmp_path, increment(low_lifetime_threshold=50))
    assert third == {("C1", "spending"): ("Low Value", "Medium Value", "rules")}
    # A full run writes history, too.
    csv("3", "C1,P8,2024-05-02,1,Mens")
    fourth = causes(tmp_path, increment(mode="full", low_lifetime_threshold=50))
    assert fourth["C1", "category"] == ("Kids", "Family", "new_purchase")
    fifth = causes(tmp_path, increment(mode="full", low_lifetime_threshold=50, as_of="2024-12-31"))
    assert {cause for _, _, cause in fifth.values()} == {"time"}


@pytest.mark.embedded_only(reason="expressions that the tests on both engines have as well")
def test_a_row_says_when_it_changed(increment: Runs, csv, tmp_path: Path) -> None:
    csv("1", ONE, "C2,P2,2024-05-01,1,Mens")
    first = increment()["metadata"]["run_id"]
    csv("2", "C2,P3,2024-05-01,1,Mens")
    for mode in ("incremental", "full"):
        second = increment(mode=mode)["metadata"]["run_id"]
        rows = {row.customer_id: row.run_id for row in table(tmp_path, "customer_segments")}
        if mode == "incremental":
            changed = second
        assert rows == {"C1": first, "C2": changed}


@pytest.mark.slow
@pytest.mark.embedded_only(reason="the order of the commits is the same; one of Spark's is below")
@pytest.mark.parametrize("call", range(8))
def test_killed_at_any_commit(increment: Runs, csv, tmp_path: Path, engine_name: str, call: int) -> None:
    killed_and_repeated(increment, csv, tmp_path, engine_name, call)


def test_killed_before_the_customers_are_committed(increment: Runs, csv, tmp_path: Path, engine_name: str) -> None:
    killed_and_repeated(increment, csv, tmp_path, engine_name, 4)


def killed_and_repeated(increment: Runs, csv, tmp_path: Path, engine_name: str, call: int) -> None:
    """A correction, a purchase of the future and a new one: every table is written to."""
    csv("1", ONE, "C2,P2,2024-05-01,1,Mens", "C2,P7,2024-07-02,1,Mens")
    increment(as_of="latest")
    csv("2", "C1,P1,2024-04-15,100.60,Kids", "C2,P3,2024-06-02,1,Kids", "C2,P8,2024-07-09,1,Mens", "bad")
    day = START + timedelta(days=3)
    with killed_at(engine_name, call) as calls:
        try:
            increment(day, as_of="latest")
        except Killed:
            assert len(calls) > call
        else:
            assert len(calls) <= call
    again = increment(day, as_of="latest")
    assert [row.purchase_id for row in table(tmp_path, "future_purchases")] == ["P8"]
    assert len(table(tmp_path, "purchases")) == 4
    labels: dict[tuple[str, str], str | None] = {}
    for row in sorted(table(tmp_path, "segment_changes"), key=lambda row: row.changed_at):
        assert labels.get((row.customer_id, row.dimension)) == row.from_label
        labels[row.customer_id, row.dimension] = row.to_label
    assert again["metadata"]["total_customers"] == 2


def test_a_table_grows(engine_name: str, spark_or_none, tmp_path: Path) -> None:
    import pyarrow as pa
    from deltalake import write_deltalake

    def add(*rows: tuple[str, str, date, float, str]) -> None:
        write_deltalake(
            tmp_path / "t", pa.table(dict(zip(PURCHASE, zip(*rows, strict=True), strict=True))), mode="append"
        )

    def run() -> dict[str, Any]:
        config = {"output_dir": str(tmp_path / "out"), "engine": engine_name}
        job = CustomerSegmentationPipeline(config)
        return job.run("table", table=tmp_path / "t", mode="incremental", spark=spark_or_none)

    add(("C1", "P1", date(2024, 1, 5), 1.5, "Kids"))
    run()
    assert run()["metadata"]["rows_read"] == 0
    add(("C1", "P2", date(2024, 1, 6), 1.5, "Kids"))
    assert run()["metadata"]["rows_read"] == 2
    assert len(table(tmp_path, "purchases")) == 2
    assert "read anew" not in log_of(tmp_path)
