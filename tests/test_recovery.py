"""Back to an earlier run, backups, damage of every kind, and the runbook, command by command."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from deltalake import DeltaTable

from segmentation.cli import main
from segmentation.config import load_config
from segmentation.console import LOGGER
from segmentation.errors import ConfigError, DamagedOutputError, OutputBusyError
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.run import backup, exports, held, repair, restoring
from segmentation.run.freshness import why_due
from segmentation.state import replacing
from segmentation.state.output import Output

from .conftest import EXPORT, HEADER, LESS, published, table
from .test_faults import Fault, inside

ROOT = Path(__file__).parents[1]
FIRST = "C1,P1,2024-01-05,100,Womens\nC2,P2,2024-06-06,20000,Kids\n"
BAD = "C1,P3,2024-06-20,999999,Kids\nC4,P5,2024-06-20,20000,Kids\n"
CHANGES = "out/customer_segmentation.changes.json"
ONCE = pytest.mark.embedded_only(reason="the logs and files are the same, whichever engine wrote them")


class House:
    """An output, its source, and what to do with it."""

    def __init__(self, folder: Path, engine: str, spark: Any = None, source: Path | None = None) -> None:
        self.folder, self.engine, self.spark = folder, engine, spark
        self.out, self.source = folder / "out", source or folder / "in"
        self.settings = {"output_dir": str(self.out), "engine": engine, "max_rejected_ratio": 1, "report": False}
        self.config = load_config(self.settings)
        self.source.mkdir(exist_ok=True)

    def put(self, rows: str, name: str) -> None:
        (self.source / name).write_text(HEADER + rows)

    def run(self, mode: str = "incremental", out: str | None = None, **more: Any) -> dict[str, Any]:
        settings = {**self.settings, **({"output_dir": str(self.folder / out)} if out else {}), **more}
        job = CustomerSegmentationPipeline(settings)
        return job.run("csv", [self.source], mode=mode, spark=self.spark)["metadata"]

    def exports(self) -> tuple[bytes, bytes]:
        return (self.folder / EXPORT).read_bytes(), (self.folder / CHANGES).read_bytes()

    def rows(self, name: str = "customer_segments") -> list[str]:
        return sorted(map(str, table(self.folder, name)))


@pytest.fixture
def house(engine_name: str, spark_or_none: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    if spark_or_none is not None:
        real = held.open_engine
        monkeypatch.setattr(held, "open_engine", lambda *given, **more: real(*given[:3], spark_or_none, **more))
    made = House(tmp_path, engine_name, spark_or_none)
    made.put(FIRST, "1.csv")
    return made


class Made(NamedTuple):
    """What several tests begin with: a good run, and a bad one after it.

    `backup` is of the good one; `rows` are the customers of both.
    """

    house: House
    good: str
    backup: Path
    rows: tuple[list[str], list[str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    house = House(tmp_path_factory.mktemp("made"), "embedded")
    house.put(FIRST, "1.csv")
    good, rows, copy = house.run()["run_id"], house.rows(), house.folder / "b"
    backup.back_up(house.config, str(copy))
    house.put(BAD, "2.csv")
    house.run()
    return Made(house, good, copy, (rows, house.rows()))


@pytest.fixture
def bad(made: Made, tmp_path: Path, engine_name: str) -> House:
    """The output after the bad run, to be harmed."""
    shutil.copytree(made.house.out, tmp_path / "out")
    return House(tmp_path, "embedded", None, made.house.source)


def everything(folder: Path) -> dict[str, str]:
    """All files that readers may see, by what is in them."""
    files = (file for file in folder.rglob("*") if file.is_file())
    shown = [file for file in files if not file.relative_to(folder).parts[0].startswith(".") and file.suffix != ".log"]
    return {str(file.relative_to(folder)): hashlib.md5(file.read_bytes()).hexdigest() for file in shown}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["incremental", pytest.param("full", marks=LESS)])
def test_back_to_a_run(house: House, mode: str) -> None:
    """Table, exports and state are those of the run; the next run is as if the bad one had not been."""
    good = house.run(mode)["run_id"]
    exports_then, rows_then = house.exports(), house.rows()
    kept_then = house.rows("purchases") if mode == "incremental" else []
    house.put(BAD, "2.csv")
    bad = house.run(mode)["run_id"]
    assert house.rows() != rows_then
    said = restoring.restore_to_run(house.config, good)
    assert said["run_id"] == good
    assert (house.exports(), house.rows()) == (exports_then, rows_then)
    assert kept_then == (house.rows("purchases") if mode == "incremental" else [])
    house.put("C1,P3,2024-06-20,150,Womens\nC4,P5,2024-06-20,20000,Kids\n", "2.csv")
    after = house.run(mode)
    assert after["rows_read"] == (2 if mode == "incremental" else 4)
    house.run("full", out="anew")
    assert (house.folder / EXPORT).read_bytes() == (house.folder / "anew/customer_segmentation.json").read_bytes()
    seen = {(row.run_id, row.cause) for row in table(house.folder, "segment_changes") if row.customer_id == "C4"}
    ids = [row.run_id for row in table(house.folder, "runs") if row.outcome == "restored"]
    assert seen == {(bad, "first_seen"), (ids[0], "restored"), (after["run_id"], "first_seen")}


@pytest.mark.slow
@ONCE
def test_history_is_what_readers_saw(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Each label lasts from one publication to the next, and a day in between shows what was published then."""
    good = house.run()["run_id"]
    house.put(BAD, "2.csv")
    bad = house.run()["run_id"]
    place = ["--output-dir", str(house.out)]
    restoring.restore_to_run(house.config, good)
    capsys.readouterr()
    assert main(["history", "C1", "--intervals", "--json", *place]) == 0
    spending = [row for row in json.loads(capsys.readouterr().out) if row["dimension"] == "spending"]
    assert [row["label"] for row in spending] == ["Low Value", "High Value", "Low Value"]
    assert spending[2]["valid_to"] is None
    assert main(["as-of", "2999-01-01", *place]) == 0
    assert good in capsys.readouterr().out
    from segmentation.engines.local import LocalFiles
    from segmentation.state.commits import commits, publications

    tables = LocalFiles(), str(house.out / "delta/customer_segments")
    assert [one.said["run_id"] for one in publications(*tables)] == [good, bad, good]
    assert [one.said["run_id"] for one in commits(*tables)] == [good]
    for version, day in ((3, "2024-05-01"), (4, "2024-06-01"), (5, "2024-07-01")):
        put_off(log_of(house.folder, "customer_segments", version), day)
    for day, run_id in (("2024-05-31", good), ("2024-06-15", bad), ("2024-07-15", good)):
        assert main(["as-of", day, *place]) == 0
        assert f"by run {run_id}" in capsys.readouterr().out
    # The way forward, and what incremental runs go on from comes along.
    restoring.restore_to_run(house.config, bad)
    assert published(house.folder)[1]["C4"] == "New"
    assert house.run()["rows_read"] == 0


def put_off(commit: Path, day: str) -> None:
    """As if it had been made on another day."""
    first, *others = commit.read_text().splitlines()
    info = json.loads(first)
    info["commitInfo"]["timestamp"] = int(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp() * 1000)
    commit.write_text("\n".join([json.dumps(info, separators=(",", ":")), *others]))


@ONCE
def test_freshness_after_going_back(house: House) -> None:
    good = house.run("full")["run_id"]
    house.put(BAD, "2.csv")
    bad = house.run("full")["run_id"]
    state = json.loads((house.out / "automation_status.json").read_text())["last_success_state"]
    assert why_due(Output.of(house.config), state) is None
    restoring.restore_to_run(house.config, good)
    assert why_due(Output.of(house.config), state) is not None
    # Forward again, what the source would give is what is published.
    restoring.restore_to_run(house.config, bad)
    assert why_due(Output.of(house.config), state) is None


@pytest.mark.slow
@ONCE
def test_the_report_is_that_of_the_run(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    good = house.run()["run_id"]
    house.put(BAD, "2.csv")
    bad = house.run()["run_id"]
    job = CustomerSegmentationPipeline(house.config)
    assert bad in job.report()[1].read_text()
    place = ["--output-dir", str(house.out), "--engine", "embedded"]
    assert main(["restore", "--to-run", good, *place]) == 0
    text = (house.out / "segmentation_report.md").read_text()
    assert good in text.splitlines()[2] or good in text.split("##")[0]
    assert "restored" in text


@pytest.mark.slow
@ONCE
def test_what_cannot_be_gone_back_to(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first = house.run()["run_id"]
    house.put(BAD, "2.csv")
    with monkeypatch.context() as patch:
        patch.setattr(inside("embedded")[0], "replace", lambda *_: (_ for _ in ()).throw(Fault("JSON")))
        with pytest.raises(Fault):
            house.run()
    (failed,) = [row.run_id for row in table(house.folder, "runs") if row.outcome == "failed"]
    before = everything(house.out)
    for run_id in (failed, "nonsense"):
        with pytest.raises(ConfigError, match=f"run {run_id} has published nothing .*{first}"):
            restoring.restore_to_run(house.config, run_id)
    assert everything(house.out) == before
    house.run()
    from segmentation.run.housekeeping import maintain

    maintain(house.config, keep_versions=0, keep_history=None, keep_rejected=None)
    before = everything(house.out)
    with pytest.raises(ConfigError, match="are not kept any more"):
        restoring.restore_to_run(house.config, first)
    assert everything(house.out) == before


def faulty(owner: Any, name: str, when: str, patch: pytest.MonkeyPatch) -> None:
    """Let a step raise before it does anything, or after it has."""
    real = getattr(owner, name)

    def step(*arguments: Any, **options: Any) -> None:
        if when == "after":
            real(*arguments, **options)
        raise Fault(name)

    patch.setattr(owner, name, step)


STEPS_BACK: dict[str, Callable[[], tuple[Any, str]]] = {
    "exports": lambda: (restoring, "stage_exports"),
    "changes": lambda: (inside("embedded")[1], "append"),
    "customers": lambda: (inside("embedded")[1], "restore"),
    "JSON": lambda: (inside("embedded")[0], "replace"),
    "what runs go on from": lambda: (restoring, "repair"),
    "record": lambda: (restoring, "append_restore"),
}


@ONCE
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS_BACK)
def test_going_back_dies(made: Made, bad: House, monkeypatch: pytest.MonkeyPatch, step: str, when: str) -> None:
    """As a kill leaves it, for nothing is taken back: one publication or the other, and the next run makes it whole."""
    house, (good_rows, bad_rows), right = bad, made.rows, bad.exports()[0]
    with monkeypatch.context() as patch:
        patch.setattr("segmentation.run.publication.withdraw", lambda *_: None)
        faulty(*STEPS_BACK[step](), when, patch)
        with pytest.raises(Fault):
            restoring.restore_to_run(house.config, made.good)
    decided = house.rows() == good_rows
    assert decided or house.rows() == bad_rows
    with held.held(house.config):
        of_json, of_table = published(house.folder)
    assert of_json == of_table
    assert house.rows() == (good_rows if decided else bad_rows)
    result = house.run()
    assert result["rows_read"] == (2 if decided else 0)
    assert house.exports()[0] == right


@ONCE
def test_a_run_of_an_earlier_version(bad: House) -> None:
    newest = last_of(bad.folder, "customer_segments")
    newest.write_text(newest.read_text().replace('\\"dimensions\\"', '\\"once\\"'))
    with pytest.raises(ConfigError, match="an earlier version of the program"):
        exports.export(bad.config, None)


@ONCE
def test_the_json_once_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.run(output_filename="x.json")
    before = (house.out / "x.json").read_bytes(), (house.out / "x.changes.json").read_bytes()
    for name in ("x.json", "x.changes.json"):
        (house.out / name).unlink()
    exports.export(house.config, None)
    assert before == ((house.out / "x.json").read_bytes(), (house.out / "x.changes.json").read_bytes())
    target = house.folder / "copy.json"
    exports.export(house.config, str(target))
    assert target.read_bytes() == before[0]
    with pytest.raises(ConfigError, match="is there already"):
        exports.export(house.config, str(target))
    with pytest.raises(ConfigError, match="cannot be written"):
        exports.export(house.config, str(house.folder / "no/such/folder.json"))
    assert not (house.out / ".staging").exists()
    with pytest.raises(ConfigError, match="--to writes a file of this machine"):
        exports.export(house.config, "s3://bucket/x.json")


@pytest.mark.slow
@ONCE
def test_a_backup_is_the_publication(house: House) -> None:
    house.run()
    house.put(BAD, "2.csv")
    run_id = house.run()["run_id"]
    then = everything(house.out)
    assert backup.back_up(house.config, str(house.folder / "b")).run_id == run_id
    copied = everything(house.folder / "b")
    assert copied.pop("backup.json")
    assert copied == then
    assert everything(house.out) == then
    house.put("C9,P9,2024-06-21,5,Mens\n", "3.csv")
    house.run()
    # In its place, and at another one.
    (house.out / "segmentation_report.html").write_text("of later")
    for place in (house.out, house.folder / "elsewhere"):
        backup.restore_from(load_config({**house.settings, "output_dir": str(place)}), str(house.folder / "b"))
        restored = everything(place)
        runs = {name for name in restored if name.startswith("delta/runs/")}
        assert {name: restored[name] for name in set(restored) - runs} == {
            name: then[name] for name in then if not name.startswith("delta/runs/")
        }
        rows = DeltaTable(place / "delta/runs").to_pyarrow_table().to_pylist()
        assert [row["outcome"] for row in rows].count("restored") == 1
        assert not [entry.name for entry in place.iterdir() if entry.name.startswith((".rest", ".repl"))]
    after = house.run(out="elsewhere")
    assert (after["rows_read"], after["total_customers"]) == (1, 4)
    assert house.run()["rows_read"] == 1


@ONCE
def test_what_is_no_place_for_a_backup(house: House) -> None:
    with pytest.raises(ConfigError, match="is not there"):
        backup.back_up(house.config, str(house.folder / "b"))
    house.run()
    (house.folder / "taken").mkdir()
    for to, message in {
        str(house.folder / "taken"): "is there already",
        str(house.out / "b"): "lies inside the output",
        "hdfs://there/b": "is not on this machine",
    }.items():
        with pytest.raises(ConfigError, match=message):
            backup.back_up(house.config, to)
    elsewhere = load_config({"output_dir": "s3a://bucket/out"})
    for call in (backup.back_up, backup.restore_from):
        with pytest.raises(ConfigError, match=r"is not on this machine.*restore --to-run"):
            call(elsewhere, str(house.folder / "b"))


@ONCE
def test_what_is_no_backup(house: House) -> None:
    house.run()
    made = house.folder / "b"
    backup.back_up(house.config, str(made))
    before = everything(house.out)
    for name, harm, message in (
        ("customer_segmentation.json", lambda file: file.unlink(), "json is missing, one of 1"),
        ("customer_segmentation.json", lambda file: file.write_text("[]"), "json is another one"),
        ("backup.json", lambda file: file.write_text("{"), "cannot be read"),
        (
            "backup.json",
            lambda file: file.write_text(file.read_text().replace('"layout": 1', '"layout": 7')),
            "layout 7",
        ),
        ("backup.json", lambda file: file.unlink(), "is no backup"),
    ):
        harmed = house.folder / "harmed"
        shutil.copytree(made, harmed)
        harm(harmed / name)
        with pytest.raises(ConfigError, match=message):
            backup.restore_from(house.config, str(harmed))
        shutil.rmtree(harmed)
        assert everything(house.out) == before
    with Output.of(house.config).locked(), pytest.raises(OutputBusyError):
        backup.restore_from(house.config, str(made))


# A step, and the time that it is taken at which it fails; whether the system can exchange folders.
STEPS_FROM: dict[str, tuple[Any, str, int, bool]] = {
    "copying": (replacing, "copied", 1, True),
    "decided": (Path, "rename", 1, True),
    "done": (Path, "rename", 2, True),
    "tables": (replacing, "_exchange", 1, True),
    "tables, no exchange": (Path, "rename", 2, False),
    "tables, no exchange, half": (Path, "rename", 3, False),
    "the first entry": (replacing, "_place", 1, True),
    "a file": (replacing, "_place", 3, True),
    "what is no more": (Path, "unlink", 1, True),
    "record": (backup, "append_restore", 1, True),
}


@ONCE
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS_FROM)
def test_replacing_dies(made: Made, bad: House, monkeypatch: pytest.MonkeyPatch, step: str, when: str) -> None:
    """Readers have one state or the other at every step, and whoever comes next has one of them whole."""
    owner, name, count, exchanges = STEPS_FROM[step]
    if not exchanges:
        monkeypatch.setattr(replacing.ctypes, "CDLL", lambda _: None)
    with monkeypatch.context() as patch, pytest.raises(Fault):
        nth(owner, name, when, count, patch)
        backup.restore_from(bad.config, str(made.backup))
    there = (bad.out / "delta").exists()
    assert there or not exchanges
    assert not there or bad.rows() in made.rows
    decided = (bad.out / ".restored").exists() or bad.rows() == made.rows[0]
    repair.finish_replacing(Output.of(bad.config))
    assert bad.rows() == made.rows[0 if decided else 1]
    of_json, of_table = published(bad.folder)
    assert of_json == of_table
    assert not [entry.name for entry in bad.out.iterdir() if entry.name.startswith((".rest", ".repl"))]


def nth(owner: Any, name: str, when: str, count: int, patch: pytest.MonkeyPatch) -> None:
    """Let a step raise when it is taken for the n-th time, and whenever it is taken after."""
    real, taken = getattr(owner, name), []

    def step(*arguments: Any, **options: Any) -> Any:
        taken.append(1)
        if len(taken) < count:
            return real(*arguments, **options)
        if when == "after" and len(taken) == count:
            real(*arguments, **options)
        raise Fault(name)

    patch.setattr(owner, name, step)


def log_of(folder: Path, name: str, version: int) -> Path:
    return folder / "out/delta" / name / "_delta_log" / f"{version:020d}.json"


def last_of(folder: Path, name: str) -> Path:
    return max((folder / "out/delta" / name / "_delta_log").glob("*.json"))


def harm_lines(file: Path, keep: int) -> None:
    """Cut at the end of a line, which leaves what can be read."""
    file.write_text("\n".join(file.read_text().splitlines()[:keep]) + "\n")


def is_about_runs(file: str) -> bool:
    """What a run that fails writes to."""
    return file.startswith("delta/runs/") or "automation_status.json" in file or file == "run_results.json"


HARM: dict[str, tuple[Callable[[Path, str], Any], str]] = {
    "the first version": (lambda at, name: log_of(at, name, 0).unlink(), "version 0 of its log"),
    "one in the middle": (lambda at, name: log_of(at, name, 1).unlink(), "version 1 of its log"),
    "the last one": (lambda at, name: last_of(at, name).unlink(), "wrote to it last, and its log ends with run"),
    "an empty one": (lambda at, name: last_of(at, name).write_text(""), "is cut short"),
    "half a line": (lambda at, name: os.truncate(last_of(at, name), 300), "is cut short"),
    "half the lines": (lambda at, name: harm_lines(last_of(at, name), 1), "is cut short"),
    "the log": (lambda at, name: shutil.rmtree(log_of(at, name, 0).parent), "is gone"),
    "files": (lambda at, name: [one.unlink() for one in (at / "out/delta" / name).glob("*.parquet")], "one of"),
}


@ONCE
@pytest.mark.parametrize(
    ("name", "harm"),
    [
        *[("customer_segments", harm) for harm in HARM],
        *[("segment_changes", harm) for harm in ("the last one", "half the lines", "the log")],
        *[("purchases", harm) for harm in ("one in the middle", "files")],
    ],
)
def test_damage_is_told_and_nothing_is_written(
    bad: House, name: str, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    do, message = HARM[harm]
    do(bad.folder, name)
    before = everything(bad.out)
    with pytest.raises(DamagedOutputError, match=message) as raised:
        bad.run()
    assert "restore --from BACKUP" in str(raised.value)
    assert main(["query", "SELECT 1", "--output-dir", str(bad.out)]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    left = everything(bad.out)
    assert {file: of for file, of in left.items() if not is_about_runs(file)} == {
        file: of for file, of in before.items() if not is_about_runs(file)
    }


@ONCE
def test_freshness_sees_damage(bad: House) -> None:
    output, status = Output.of(bad.config), bad.out / "automation_status.json"
    state = json.loads(status.read_text())["last_success_state"]
    newest = last_of(bad.folder, "customer_segments")
    saved = newest.read_bytes()
    assert why_due(output, state) is None
    for harm in (lambda: newest.write_text(""), newest.unlink, lambda: status.write_text("{")):
        harm()
        assert why_due(output, state) is not None
        newest.write_bytes(saved)


@ONCE
def test_the_kept_purchases_lose_their_end(bad: House, caplog: pytest.LogCaptureFixture) -> None:
    last_of(bad.folder, "purchases").unlink()
    right = bad.exports()[0]
    assert bad.run()["rows_read"] == 4
    assert bad.exports()[0] == right


@ONCE
def test_history_that_is_gone_is_said(bad: House, caplog: pytest.LogCaptureFixture) -> None:
    shutil.rmtree(bad.out / "delta/segment_changes")
    bad.run()
    assert "segment_changes is gone, to which run" in caplog.text


@pytest.fixture
def as_it_was() -> Iterator[None]:
    """Commands set the log up for a process of their own."""
    kept = LOGGER.handlers[:], LOGGER.propagate, LOGGER.level
    yield
    LOGGER.handlers[:], LOGGER.propagate, LOGGER.level = kept


Step = tuple[list[str], list[str]]
RUNBOOK = ROOT / "docs/recovery.md"


def procedures() -> dict[str, list[Step]]:
    """Of each heading of the runbook the commands, and what they print."""
    sections = re.split(r"^##+ (.+)\n", RUNBOOK.read_text(), flags=re.MULTILINE)[1:]
    found: dict[str, list[Step]] = {}
    for heading, text in zip(sections[::2], sections[1::2], strict=True):
        blocks = re.findall(r"```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?", text, re.DOTALL)
        if blocks:
            found[heading] = [(commands.splitlines(), said.splitlines()) for commands, said in blocks]
    return found


def lose(name: str) -> Callable[[House], Any]:
    return lambda house: shutil.rmtree(house.out / "delta" / name)


# What happened before each procedure, and whether the source or the good run's publication is there after it.
HAPPENED: dict[str, tuple[Callable[[House], Any], str]] = {
    "Take backups": (lambda _: None, "bad"),
    "The JSON is gone": (lambda house: (house.folder / EXPORT).unlink(), "bad"),
    "The table of customers is gone": (lose("customer_segments"), "good"),
    "The table of customers is gone, and there is no backup": (lose("customer_segments"), "bad"),
    "The log of a table is damaged": (lambda house: log_of(house.folder, "customer_segments", 3).unlink(), "bad"),
    "The log of the kept purchases is damaged": (
        lambda house: os.truncate(log_of(house.folder, "purchases", 1), 500),
        "bad",
    ),
    "The state file is damaged": (lambda house: os.truncate(house.out / "automation_status.json", 40), "bad"),
    "A publication was wrong": (lambda _: None, "bad"),
    "The machine is gone": (lambda house: shutil.rmtree(house.out), "bad"),
}


def test_every_procedure_is_tried() -> None:
    assert set(procedures()) == {*HAPPENED, "A disk is full"}


@ONCE
@pytest.mark.usefixtures("as_it_was")
@pytest.mark.parametrize("heading", HAPPENED)
def test_the_runbook(
    made: Made, bad: House, heading: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each procedure as it stands there, from what happened to what is seen then."""
    happened, after = HAPPENED[heading]
    right = bad.exports()[0]
    happened(bad)
    monkeypatch.chdir(bad.folder)
    config = bad.folder / "my.yaml"
    config.write_text("report: false\n")
    new = f"{bad.folder}/new"
    names = {
        "/backups/2026-11-25": new if heading == "Take backups" else str(made.backup),
        "20261125T060000Z-1a2b3c4d": made.good,
        "data/purchase_records.csv": str(bad.source),
        "output": "out",
    }
    for commands, expected in procedures()[heading]:
        code, said = follow(commands, names, capfd)
        lines = [line for line in expected if not line.startswith("exit code")]
        assert code == int((expected or [""])[-1].removeprefix("exit code ") if len(lines) < len(expected) else 0), said
        for line in lines:
            assert re.search(pattern_of(line, names), said, re.MULTILINE), said
        assert "Traceback" not in said
    assert bad.rows() and published(bad.folder)[0] == published(bad.folder)[1]
    assert (bad.exports()[0] == right) is (after == "bad")


@ONCE
@pytest.mark.usefixtures("as_it_was")
def test_the_runbook_on_a_full_disk(
    bad: House, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        monkeypatch.chdir(disk)
        shutil.copytree(bad.out, disk / "out")
        Path("my.yaml").write_text("report: false\nmax_rejected_ratio: 1\n")
        (failing, message), (mending, _) = procedures()["A disk is full"]
        names = {"data/purchase_records.csv": str(bad.source), "output": "out"}
        then = everything(disk / "out")
        fill(disk / "filler")
        code, said = follow(failing, names, capfd)
        assert (code, message[-1]) == (1, "exit code 1")
        assert re.search(pattern_of(message[0], names), said, re.MULTILINE), said
        assert "Traceback" not in said
        assert {name: then[name] for name in then if name in everything(disk / "out")} == then
        assert main(["backup", "--to", "b", "--output-dir", "out", "--engine", "embedded"]) == 1
        said = capfd.readouterr().err
        assert "The backup " in said
        assert "No space left on device" in said
        assert {entry.name for entry in disk.iterdir()} == {"out", "filler", "my.yaml"}
        (disk / "filler").unlink()
        assert follow(mending, names, capfd)[0] == 0
    finally:
        monkeypatch.undo()
        subprocess.run(["umount", str(disk)], check=True)


def fill(file: Path) -> None:
    """Take all the room there is."""
    with suppress(OSError), file.open("wb", buffering=0) as out:
        while True:
            out.write(b"x" * 4096)


@ONCE
@pytest.mark.slow
@pytest.mark.parametrize("command", ["--to-run", "--from"])
def test_killed_at_any_moment(made: Made, bad: House, command: str) -> None:
    """With SIGKILL: a reader has one publication or the other, and the next command makes it whole."""
    what = [command, made.good if command == "--to-run" else str(made.backup)]
    place = ["--output-dir", str(bad.out), "--engine", "embedded"]
    cli = [sys.executable, "-m", "segmentation.cli"]
    saved = bad.folder / "saved"
    shutil.copytree(bad.out, saved)
    for attempt in range(10):
        shutil.rmtree(bad.out)
        shutil.copytree(saved, bad.out)
        running = subprocess.Popen([*cli, "restore", *what, *place], start_new_session=True, stderr=subprocess.DEVNULL)
        # From before it writes to after its end.
        time.sleep(0.2 + attempt * 0.15)
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        assert bad.rows() in made.rows
        done = subprocess.run([*cli, "export", *place], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        of_json, of_table = published(bad.folder)
        assert of_json == of_table
        assert bad.rows() in made.rows


def follow(commands: list[str], names: dict[str, str], capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code of the last command, and what all of them said."""
    code = 0
    for command in commands:
        words = [renamed(word, names) for word in shlex.split(command)]
        if words[0] == ".venv/bin/segmentation":
            known = ["--engine", "embedded"] if words[1] in ("run", "restore", "export", "backup", "maintain") else []
            code = main([*words[1:], *known, "--config", "my.yaml"])
        else:
            code = subprocess.run(words, check=False).returncode
    printed = capfd.readouterr()
    return code, printed.out + printed.err


def renamed(word: str, names: dict[str, str]) -> str:
    for name, stands_for in names.items():
        if word == name or word.startswith(f"{name}/"):
            return stands_for + word[len(name) :]
    return word


def pattern_of(line: str, names: dict[str, str]) -> str:
    """`...` stands for anything."""
    told = " ".join(renamed(word, names) for word in line.split(" "))
    return "^" + ".*".join(map(re.escape, told.split("..."))) + "$"
