"""What is written once: files of the engine that tables take, and an export that is merged of what it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyspark
import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import functions as F

from segmentation.engines.base import Engine
from segmentation.engines.embedded import tables, taking
from segmentation.engines.stores import TableSpec
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.sinks import json_merge
from segmentation.sinks.escapes import HEAD, MIDDLE, escaped

from .conftest import EXPORT, HEADER, embedded_engine, table

pytestmark = pytest.mark.skipif(pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4")

SPEC = TableSpec(frozenset({"id", "day"}), {"counted": "n >= 0"}, "id")
ROWS = [{"id": f"C{n:05}", "day": date(2024, 1, 1) + timedelta(days=n % 9), "n": n} for n in range(3000)]


@pytest.fixture
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(tables, "MANY", 1)
    with embedded_engine(tmp_path) as engine:
        yield engine


@pytest.fixture
def taken_files(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What tables took of the engine's."""
    seen: list[Path] = []
    monkeypatch.setattr(tables, "taken", lambda files, *more: seen.extend(files) or taking.taken(files, *more))
    return seen


def frame(engine: Engine, rows: list[dict[str, Any]] = ROWS) -> Any:
    return engine.session.createDataFrame(rows, "id string, day date, n bigint")


def rows_in(path: Path) -> list[dict[str, Any]]:
    return sorted(DeltaTable(path).to_pyarrow_table().to_pylist(), key=lambda row: row["id"])


def test_a_table_takes_the_files_of_the_engine(embedded: Engine, tmp_path: Path, taken_files: list[Path]) -> None:
    path = tmp_path / "t"
    embedded.tables.append(frame(embedded, ROWS[:1000]), 1000, str(path), SPEC, {"run_id": "1"})
    assert rows_in(path) == ROWS[:1000]
    kept = embedded.keep(frame(embedded), str(tmp_path / "kept"))
    embedded.tables.overwrite(kept, len(ROWS), str(path), SPEC, {"run_id": "2"})
    assert rows_in(path) == ROWS
    assert {file.parent for file in taken_files} >= {tmp_path / "kept"}
    told = DeltaTable(path).get_add_actions(flatten=True)
    columns = {name: told.column(name).to_pylist() for name in ("num_records", "min.id", "max.id", "null_count.id")}
    assert sum(columns["num_records"]) == len(ROWS)
    assert (min(columns["min.id"]), max(columns["max.id"])) == ("C00000", "C02999")
    assert set(columns["null_count.id"]) == {0}
    assert json.loads(DeltaTable(path).history(1)[0]["userMetadata"]) == {"run_id": "2"}
    # What readers hold open is theirs: the engine's own files may go.
    for file in taken_files:
        file.unlink(missing_ok=True)
    assert rows_in(path) == ROWS


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("n", -1, "counted|validation|CHECK|Invalid data"),
        ("day", None, "null|NULL|validation"),
        ("n", None, "valid|check"),
    ],
)
def test_rows_that_a_table_may_not_hold_are_refused(
    column: str, value: Any, words: str, embedded: Engine, tmp_path: Path, taken_files: list[Path]
) -> None:
    path = str(tmp_path / "t")
    embedded.tables.append(frame(embedded), len(ROWS), path, SPEC, {"run_id": "1"})
    del taken_files[:]
    wrong = frame(embedded, [*ROWS[:-1], {**ROWS[-1], column: value}])
    for write in (embedded.tables.append, embedded.tables.overwrite):
        with pytest.raises(Exception, match=f"(?i){words}"):
            write(wrong, len(ROWS), path, SPEC, {"run_id": "2"})
    assert taken_files == []
    assert rows_in(tmp_path / "t") == ROWS


CHANGED = {
    "a constraint of theirs": lambda table: table.alter.add_constraint({"small": "n < 1000000"}),
    "another property": lambda table: table.alter.set_table_properties(
        {"delta.logRetentionDuration": "interval 9 days"}
    ),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_table_that_somebody_changed_is_left_to_its_library(
    change: str, embedded: Engine, tmp_path: Path, taken_files: list[Path]
) -> None:
    path = tmp_path / "t"
    embedded.tables.append(frame(embedded, ROWS[:5]), 5, str(path), SPEC, {"run_id": "1"})
    CHANGED[change](DeltaTable(path))
    del taken_files[:]
    embedded.tables.overwrite(frame(embedded), len(ROWS), str(path), SPEC, {"run_id": "2"})
    assert (rows_in(path), taken_files) == (ROWS, [])


def test_further_columns_are_left_to_the_library(embedded: Engine, tmp_path: Path, taken_files: list[Path]) -> None:
    path = tmp_path / "t"
    spec = TableSpec(frozenset({"id"}), {}, "id")
    embedded.tables.append(frame(embedded, ROWS[:5]), 5, str(path), spec, {"run_id": "1"})
    del taken_files[:]
    more = frame(embedded).withColumn("more", F.lit("x"))
    embedded.tables.overwrite(more, len(ROWS), str(path), spec, {"run_id": "2"})
    assert (rows_in(path), taken_files) == ([{**row, "more": "x"} for row in ROWS], [])
    embedded.tables.append(frame(embedded, ROWS[:1]), 1, str(path), spec, {"run_id": "3"})
    assert len(rows_in(path)) == len(ROWS) + 1


def test_where_there_are_no_links(embedded: Engine, tmp_path: Path, taken_files: list[Path], monkeypatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    embedded.tables.append(frame(embedded), len(ROWS), str(tmp_path / "t"), SPEC, {"run_id": "1"})
    assert taken_files
    assert rows_in(tmp_path / "t") == ROWS


def test_long_keys_have_no_bounds(embedded: Engine, tmp_path: Path, taken_files: list[Path]) -> None:
    """What a file says of long texts may be cut off, so that a reader would skip what is there."""
    rows = [{**row, "id": "é" * 40 + row["id"]} for row in ROWS]
    embedded.tables.append(frame(embedded, rows), len(rows), str(tmp_path / "t"), SPEC, {"run_id": "1"})
    assert taken_files
    told = DeltaTable(tmp_path / "t").get_add_actions(flatten=True)
    assert "max.id" not in told.schema.names or set(told.column("max.id").to_pylist()) == {None}
    assert rows_in(tmp_path / "t") == rows


def test_no_rows(embedded: Engine, tmp_path: Path, taken_files: list[Path]) -> None:
    path = str(tmp_path / "t")
    embedded.tables.append(frame(embedded, ROWS[:5]), 5, path, SPEC, {"run_id": "1"})
    embedded.tables.overwrite(frame(embedded).where("n < 0"), 1, path, SPEC, {"run_id": "2"})
    assert rows_in(tmp_path / "t") == []


def run(folder: Path, out: str = "out", **config: Any) -> dict[str, Any]:
    settings = {"engine": "embedded", "output_dir": str(folder / out), "max_rejected_ratio": 1, **config}
    return CustomerSegmentationPipeline(settings).run("csv", [folder / "in"])


@pytest.mark.slow
def test_a_job_whose_tables_take_files(tmp_path: Path, monkeypatch, taken_files: list[Path]) -> None:
    monkeypatch.setattr(tables, "MANY", 1)
    (tmp_path / "in").mkdir()
    for number in range(3):
        rows = [f"C{n % 70},P{number}-{n},2024-0{number + 1}-{n % 28 + 1:02},{n}.50,Kids\n" for n in range(200)]
        (tmp_path / f"in/{number}.csv").write_text(HEADER + "".join(rows))
        before = len(taken_files)
        run(tmp_path, mode="incremental")
        assert len(taken_files) > before
    run(tmp_path, "full")
    assert (tmp_path / EXPORT).read_bytes() == (tmp_path / "full/customer_segmentation.json").read_bytes()
    assert len(table(tmp_path, "purchases")) == 600


# --- an export that is merged -----------------------------------------------------------------------------------------

IDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.sampled_from(
    ['"', "\\", '","segmentation":{', "\n"]
)


def written(path: Path, labels: dict[str, str]) -> Path:
    elements = [
        f'{HEAD}"{escaped(one)}"{MIDDLE}"x":"{labels[one]}"}}}}' for one in sorted(labels, key=lambda one: one.encode())
    ]
    path.write_text("[\n" + ",\n".join(elements) + "\n]\n" if labels else "[]\n", newline="")
    return path


@given(st.dictionaries(IDS, st.sampled_from("AB"), min_size=1), st.dictionaries(IDS, st.sampled_from("CD")), st.data())
def test_merged_is_what_is_written_in_full(tmp_path_factory, before, changed, data) -> None:
    folder = tmp_path_factory.mktemp("merged")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_merge, "BLOCK", data.draw(st.sampled_from([1, 60, 200, 1 << 14])))
        old, new = written(folder / "old", before), written(folder / "new", changed)
        assert json_merge.merge(old, new, folder / "merged") == len({**before, **changed})
    assert (folder / "merged").read_bytes() == written(folder / "full", {**before, **changed}).read_bytes()


@pytest.mark.parametrize("case", ["as it was", "touched", "of somebody more"])
def test_only_an_export_that_is_as_it_was_is_merged(case: str, tmp_path: Path, monkeypatch) -> None:
    merged: list[int] = []

    def merge(before: Path, changed: Path, target: Path) -> int:
        merged.append(json_merge.merge(before, changed, target))
        if case == "of somebody more":
            merged[-1] += target.write_bytes(b"[\n{}\n]\n") > 0
        return merged[-1]

    monkeypatch.setattr("segmentation.run.publication.merge", merge)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/1.csv").write_text(HEADER + "C1,P1,2024-01-05,100,Kids\nC3,P2,2024-01-05,100,Kids\n")
    run(tmp_path, mode="incremental")
    (tmp_path / "in/2.csv").write_text(HEADER + "C2,P3,2024-01-06,100,Kids\nC3,P4,2024-01-06,900000,Mens\n")
    if case == "touched":
        with (tmp_path / EXPORT).open("r+") as export:
            export.write("[\n{}")
    run(tmp_path, mode="incremental")
    run(tmp_path, "full")
    assert (tmp_path / EXPORT).read_bytes() == (tmp_path / "full/customer_segmentation.json").read_bytes()
    assert merged == {"as it was": [3], "touched": [], "of somebody more": [4]}[case]
