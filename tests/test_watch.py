"""`segmentation watch` as a real process: what asks for runs, how many there are, and what becomes of it killed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from watchdog.events import FileModifiedEvent

from segmentation.automation.collection import CollectionWatch
from segmentation.automation.files import folder_of, observer_of
from segmentation.automation.inbox import Inbox
from segmentation.cli import main
from segmentation.config import load_config
from segmentation.errors import ConfigError
from segmentation.sources.mongo_facts import fingerprint
from segmentation.state.output import Output
from segmentation.state.status import watching

from .conftest import GOOD, HEADER, OTHER, published, table
from .endpoint import Endpoint
from .mongo_server import Server

SOON = 30.0


def test_requests_are_merged_until_all_is_quiet() -> None:
    inbox = Inbox()
    started = time.monotonic()
    for _ in range(5):
        inbox.put("files", settles_in=0.3)
        time.sleep(0.05)
    inbox.put("full", force=True, settles_in=0.3)
    due = inbox.take(5)
    assert due is not None
    assert (due.triggers, due.force) == (("files", "full"), True)
    assert time.monotonic() - started >= 0.55
    assert inbox.take(0.05) is None
    inbox.put("check")
    assert (inbox.take(5) or due).triggers == ("check",)


def test_a_closed_inbox_gives_nothing_more() -> None:
    inbox = Inbox()
    inbox.put("files", settles_in=60)
    threading.Timer(0.1, inbox.close).start()
    started = time.monotonic()
    assert inbox.take(60) is None
    assert time.monotonic() - started < 10
    assert inbox.is_closed


def test_which_folder_is_watched(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/x.csv").touch()
    for location in ("a b", "a b/x.csv", "a b/not yet.csv", "a b/*.csv", "a b/*/y?.csv"):
        assert folder_of(str(tmp_path / location)) == tmp_path / "a b"
    with pytest.raises(ConfigError, match="is to be watched and is not there"):
        folder_of(str(tmp_path / "c/d/x.csv"))
    with pytest.raises(ConfigError, match="is not on this machine"):
        folder_of("s3a://bucket/x")


def test_which_paths_count(tmp_path: Path) -> None:
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path)
    heard: list[str] = []

    def counts(location: str, path: str, output: str = "out") -> bool:
        heard.clear()
        observer = observer_of([str(tmp_path / location)], str(tmp_path / output), heard.append, None)
        (emitter,) = observer._handlers.values()
        for handler in emitter:
            handler.dispatch(FileModifiedEvent(str(tmp_path / path)))
        return bool(heard)

    assert counts("in", "in/a.csv")
    assert counts("in", "in/deep/a.csv")
    assert not counts("in", "in/.a.csv.swp")
    assert not counts("in", "in/.hidden/a.csv")
    assert counts("a.csv", "a.csv")
    assert not counts("a.csv", "watch.log")
    assert counts("in/*.csv", "in/a.csv")
    assert not counts("in/*.csv", "in/a.log")
    assert counts("in/{a,b}*", "in/b1.csv")
    assert not counts("in/{a,b}*", "in/c1.csv")
    # However the output is called, what is written there is our own doing.
    for output in ("out", "link/out", "in/../out"):
        assert not counts("*/*.json", "out/x.json", output)


def of_999_customers(purchases: int) -> str:
    """Rows that take a while."""
    return "".join(f"C{number % 999},P{number},2024-01-05,100,Womens\n" for number in range(purchases))


class Watched:
    """A watch on a folder, as a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None
        (folder / "in").mkdir()
        (folder / "own.yaml").write_text("report: false\nmax_rejected_ratio: 1\n")

    def start(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "segmentation.cli", "watch", "--csv-path", "in", "--output-dir", "out"]
        command += ["--config", "own.yaml", "--engine", "embedded", "--settle", "0.5", "--retry-after", "1", *arguments]
        with (self.folder / "watch.log").open("a") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stderr=log, text=True)
        until(lambda: self.status()["state"] in ("watching", "running"), "the watch to begin")

    def start_run(self) -> None:
        self.start()
        until(lambda: self.status()["state"] == "running", "a run")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def status(self) -> dict[str, Any]:
        command = [sys.executable, "-m", "segmentation.cli", "status", "--json", "--output-dir", "out"]
        said = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        return json.loads(said.stdout)

    def settle(self) -> None:
        """Wait until no run is at work, nor asked for."""
        time.sleep(1)
        until(lambda: self.status()["state"] == "watching", "the runs to end")

    def runs(self) -> list[str]:
        return [run.outcome for run in table(self.folder, "runs")] if (self.folder / "out/delta/runs").exists() else []

    def put(self, name: str, rows: str) -> None:
        """Write a file as programs should: under another name first."""
        hidden = self.folder / f".{name}"
        hidden.write_text(HEADER + rows)
        hidden.rename(self.folder / "in" / name)

    def log(self) -> str:
        return (self.folder / "watch.log").read_text()


def until(happened: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + SOON
    while not happened():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.1)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    yield watched
    if watched.process and watched.process.poll() is None:
        watched.process.kill()


@contextmanager
def holding(output: Path) -> Iterator[None]:
    """As a run does."""
    with Output(str(output), "x.json").locked():
        yield


@pytest.mark.slow
def test_files_ask_for_runs(watch: Watched) -> None:
    watch.start()
    time.sleep(1)
    assert watch.runs() == []
    # In pieces: one run, when the last is written.
    with (watch.folder / "in/a.csv").open("w") as file:
        for piece in (HEADER, *GOOD.splitlines(keepends=True)):
            file.write(piece)
            file.flush()
            time.sleep(0.3)
    until(lambda: published(watch.folder)[0], "segments")
    watch.settle()
    assert watch.runs() == ["succeeded"]
    # A file that is renamed into the folder, and one that goes.
    watch.put("b.csv", OTHER)
    until(lambda: set(published(watch.folder)[0]) == {"C1", "C2", "C3"}, "a renamed file")
    (watch.folder / "in/b.csv").unlink()
    until(lambda: set(published(watch.folder)[0]) == {"C1", "C2"}, "a file that went")
    watch.settle()
    # To read is not to change, nor are hidden files.
    (watch.folder / "in/a.csv").read_text()
    (watch.folder / "in/.a.csv.swp").write_text("x")
    watch.settle()
    assert watch.runs() == ["succeeded"] * 3
    assert watch.status()["last_run"]["trigger"] == "source"
    assert watch.stop() == 0
    assert watch.status()["watch"]["state"] == "stopped"


@pytest.mark.slow
def test_many_requests_at_once_and_runs_one_after_another(watch: Watched) -> None:
    watch.start("--settle", "0.1")
    for number in range(10):
        watch.put(f"{number}.csv", f"C{number},P{number},2024-01-05,100,Womens\n")
    until(lambda: len(published(watch.folder)[0]) == 10, "all files")
    watch.settle()
    assert set(watch.runs()) == {"succeeded"}
    assert len(watch.runs()) <= 3
    starts = [run.started_at for run in table(watch.folder, "runs")]
    ends = [run.finished_at for run in table(watch.folder, "runs")]
    assert all(end <= start for end, start in zip(sorted(ends)[:-1], sorted(starts)[1:], strict=True))
    assert watch.stop(signal.SIGINT) == 0


@pytest.mark.slow
def test_it_tries_again_and_tells(watch: Watched) -> None:
    with Endpoint() as endpoint:
        with (watch.folder / "own.yaml").open("a") as config:
            config.write(f"alerts: {{urls: ['{endpoint.address}']}}\n")
        watch.put("a.csv", GOOD)
        (watch.folder / "out").mkdir()
        with holding(watch.folder / "out"):
            watch.start()
            until(lambda: "ended with 5" in watch.log(), "a run that finds another one at work")
        until(lambda: published(watch.folder)[0], "another try")
        watch.put("b.csv", "x,y\n")
        (watch.folder / "in/b.csv").write_text("what,ever\n1,2\n")
        until(lambda: endpoint.received, "an alert")
        until(lambda: watch.log().count("ended with 3") >= 3, "tries")
        assert len(endpoint.received) == 1
        (watch.folder / "in/b.csv").unlink()
        until(lambda: len(endpoint.received) == 2, "to be told that all is well")
        assert [one["title"].partition(":")[0] for one in endpoint.received] == ["Run failed", "Recovered"]
        assert watch.stop() == 0


@pytest.mark.slow
def test_killed_and_started_again_it_goes_on(watch: Watched) -> None:
    watch.put("a.csv", of_999_customers(30_000))
    watch.start_run()
    assert watch.stop(signal.SIGKILL) == -signal.SIGKILL
    # The run is a process of its own and goes on; the watch that is started again finds it at work.
    watch.put("b.csv", "N1,Q1,2024-02-05,100,Womens\n")
    watch.start()
    until(lambda: len(published(watch.folder)[0]) == 1000, "what came while nobody watched")
    watch.settle()
    assert watch.status()["verdict"] == "ok"
    assert watch.stop() == 0


@pytest.mark.slow
def test_a_run_that_is_killed_is_told_and_tried_again(watch: Watched) -> None:
    watch.put("a.csv", of_999_customers(300_000))
    watch.start_run()
    until(lambda: b"running" in (watch.folder / "out/automation_status.json").read_bytes(), "its first word")
    subprocess.run(["pkill", "-9", "-P", str(watch.process.pid if watch.process else 0)], check=True)
    until(lambda: watch.status()["failures_in_a_row"] == 1, "its end to be seen")
    until(lambda: len(published(watch.folder)[0]) == 999, "another try")
    assert watch.stop() == 0


@pytest.mark.slow
def test_a_run_at_work_ends_with_the_watch(watch: Watched) -> None:
    watch.put("a.csv", of_999_customers(300_000))
    watch.start_run()
    assert watch.stop() == 0
    assert "KeyboardInterrupt" in json.dumps(watch.status()["last_run"]["error"])
    assert watch.status()["state"] == "idle"
    by_json, by_table = published(watch.folder)
    assert by_json == by_table


@pytest.mark.slow
@pytest.mark.xdist_group("mongodb")
def test_a_collection_tells_of_every_change(tmp_path: Path) -> None:
    server = Server(tmp_path / "mongodb" / "data").start()
    config = load_config({"mongodb": {"uri": server.uri, "collection": "watched"}, "output_dir": str(tmp_path)})
    heard: list[str] = []
    watch = CollectionWatch(config, Output.of(config), heard.append, 0.2)
    with server.client() as client:
        documents = client.retail.watched
        documents.insert_many([{"order_id": number, "total": 5} for number in range(3)])
        before = fingerprint(config)
        assert before is not None
        assert fingerprint(config) == before
        watch.start()
        time.sleep(1)
        assert heard == []
        # The same size in bytes, the same number of documents, the same last one.
        documents.update_one({"order_id": 1}, {"$set": {"total": 6}})
        until(lambda: heard, "a change in place")
        documents.delete_one({"order_id": 0})
        until(lambda: len(heard) >= 2, "a removal")
        by_field = load_config({"mongodb": {"uri": server.uri, "incremental": {"field": "order_id"}}})
        told = fingerprint(by_field)
        client.retail.purchases.insert_one({"order_id": 9})
        assert fingerprint(by_field) not in (None, told)
    watch.stop()
    server.kill()
    assert fingerprint(config) is None


@pytest.mark.slow
def test_by_time_and_by_polling(watch: Watched) -> None:
    watch.start("--poll", "0.5", "--check", "* * * * *", "--full", "0 3 * * *")
    watch.put("a.csv", GOOD)
    until(lambda: published(watch.folder)[0], "a file that is seen by polling")
    next_run = watch.status()["watch"]["next_run"]
    assert next_run is not None
    assert watch.stop() == 0


def test_one_watch_is_enough(tmp_path: Path, capsys) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    arguments = ["watch", "--csv-path", str(tmp_path / "in"), "--output-dir", str(tmp_path / "out")]
    with watching(Output(str(tmp_path / "out"), "x.json")):
        assert main(arguments) == 5
    assert "Somebody watches" in capsys.readouterr().err
    assert main([*arguments, "--check", "hourly"]) == 2
    assert "five fields" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "in")
    assert main(["watch", "--csv-path", str(tmp_path / "no/in"), "--output-dir", str(tmp_path / "out")]) == 2
    assert "make it first" in capsys.readouterr().err
    assert main(["watch", "--csv-path", str(tmp_path), "--output-dir", str(tmp_path / "out")]) == 2
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
