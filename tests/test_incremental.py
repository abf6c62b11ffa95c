"""Incremental runs: whatever comes, goes, dies or moves, what is published is what a full run from nothing would."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pyspark.sql import SparkSession

from segmentation.errors import NoDataError
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.run import job

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
        self.labels: dict[str, dict[str, str]] = {}
        self.seen_changes = 0
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
        if mode == "incremental":
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

    @invariant()
    def nothing_is_published_by_halves(self) -> None:
        """Between two steps, whatever died, export and table are those of one run."""


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
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )


def test_any_history_ends_where_a_full_run_does(engine_name, spark_or_none, tmp_path_factory) -> None:
    examples = int(os.environ.get("INCREMENTAL_EXAMPLES", "8" if engine_name == "embedded" else "2"))
    explore(tmp_path_factory, (engine_name,), spark_or_none, examples)
