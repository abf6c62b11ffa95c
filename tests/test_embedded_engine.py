"""What is about the embedded engine's inside: memory, order, ports, quiet, Ctrl-C and kill -9."""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import pyspark
import pytest
from pyspark.errors.exceptions.connect import SparkConnectGrpcException

from segmentation.engines.base import Engine
from segmentation.errors import SegmentationError, SourceError
from segmentation.pipeline import CustomerSegmentationPipeline

from .conftest import EXPORT, GOOD, HEADER, OTHER, embedded_engine, published, table
from .processes import JOB, kill, ports_of

engine_module = pytest.importorskip("segmentation.engines.embedded.engine", exc_type=ImportError)
interrupts = pytest.importorskip("segmentation.engines.embedded.interrupts", exc_type=ImportError)
pytestmark = pytest.mark.skipif(pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4")


def run(source: Path | list[Path], folder: Path, **config) -> dict:
    settings = {"engine": "embedded", "output_dir": str(folder / "out"), "max_rejected_ratio": 1, **config}
    return CustomerSegmentationPipeline(settings).run("csv", source)


def many(path: Path, rows: int, customers: int) -> Path:
    lines = (f"C{n * 7919 % customers},P{n},2024-01-{n % 28 + 1:02},{n % 900}.50,Kids\n" for n in range(rows))
    path.write_text(HEADER + "".join(lines))
    return path


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Engine]:
    with embedded_engine(tmp_path) as engine:
        yield engine


# --- where the engine itself would be wrong ---------------------------------------------------------------------------


@pytest.mark.slow
def test_the_export_is_in_order_though_the_engine_writes_in_any(tmp_path: Path, embedded: Engine) -> None:
    """A sorted frame that Sail writes itself lies in several files, each in an order of its own."""
    run(many(tmp_path / "in.csv", 300_000, 150_000), tmp_path)
    ids = [element["customer_id"] for element in json.loads((tmp_path / EXPORT).read_text())]
    assert len(ids) == 150_000
    assert ids == sorted(ids)


@pytest.mark.slow
def test_lines_keep_their_place_though_the_engine_hands_them_out_in_any_order(tmp_path: Path) -> None:
    """Records over several lines, in a file that is large enough to be read in pieces."""
    source = tmp_path / "in.csv"
    source.write_text(HEADER + "".join(f'"C\n{n}",P-{n},2024-01-05,100,Womens\n' for n in range(60_000)))
    result = run(source, tmp_path)
    assert (result["metadata"]["rows_read"], result["metadata"]["total_customers"]) == (60_000, 60_000)
    assert {row.customer_id for row in table(tmp_path, "customer_segments")} == {f"C\n{n}" for n in range(60_000)}


def test_many_small_files_of_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    names = ["{a}", "b*", "[c]", "d e", "f%20g", "süd", "කොළඹ", "=1", "source_id=7", 'q"uote', "back\\slash"]
    for number in range(300):
        name = f"{names[number % len(names)]} {number}.csv"
        (folder / name).write_text(HEADER + f"C{number},P{number},2024-01-05,1,Kids\nbroken\n")
    result = run(folder, tmp_path)
    assert (result["metadata"]["rows_read"], result["metadata"]["rows_rejected"]) == (600, 300)
    sources = {row.source for row in table(tmp_path, "rejected_purchases")}
    assert sources == {str(path) for path in folder.iterdir()}


UNUSUAL = {
    "compressed": (lambda text: gzip.compress(text.encode()), ".csv.gz"),
    "two members": (lambda text: gzip.compress(text[:70].encode()) + gzip.compress(text[70:].encode()), ".csv.gz"),
    "byte order mark": (lambda text: b"\xef\xbb\xbf" + text.encode(), ".csv"),
    "old line ends": (lambda text: text.replace("\n", "\r").encode(), ".csv"),
    "bytes that are no UTF-8": (
        lambda text: text.replace("Category\n", "Category,Note\n").replace("ware\n", "ware,\xe9\n").encode("latin-1"),
        ".csv",
    ),
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_files_that_the_engine_cannot_read_as_they_are(case: str, tmp_path: Path) -> None:
    change, ending = UNUSUAL[case]
    # More than the driver looks through by itself.
    rows = "".join(f"C{n},P{n},2024-01-05,1,Homeware\n" for n in range(60_000))
    source = tmp_path / f"in{ending}"
    source.write_bytes(change(HEADER + rows))
    metadata = run(source, tmp_path)["metadata"]
    assert (metadata["rows_read"], metadata["purchases_used"]) == (60_000, 60_000)
    assert metadata["warnings_by_reason"] == {"unknown_category": 60_000}


def test_a_damaged_archive(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress((HEADER + GOOD * 5000).encode()))
    packed[len(packed) // 2 : len(packed) // 2 + 8] = b"\xff" * 8
    (tmp_path / "in.csv.gz").write_bytes(packed)
    with pytest.raises(SourceError, match=r"in\.csv\.gz could not be read to its end"):
        run(tmp_path / "in.csv.gz", tmp_path)


def test_a_link_that_leads_nowhere_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.csv").write_text(HEADER + GOOD)
    (tmp_path / "in/gone.csv").symlink_to("nowhere.csv")
    with pytest.raises(SourceError, match=r"in/gone\.csv cannot be read: No such file"):
        run(tmp_path / "in", tmp_path)


@pytest.mark.parametrize("pattern", ["in", "in/*/*.csv"])
def test_a_folder_that_may_not_be_listed_is_no_empty_one(pattern: str, tmp_path: Path, monkeypatch) -> None:
    for name in ("closed", "open"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "a.csv").write_text(HEADER + GOOD)
    real = {name: getattr(os, name) for name in ("listdir", "scandir")}

    def refusing(name: str) -> Callable:
        def look(path):
            if str(path).endswith("closed"):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return real[name](path)

        return look

    for name in real:
        monkeypatch.setattr(os, name, refusing(name))
    with pytest.raises(SourceError, match="in/closed cannot be read: Permission denied"):
        run(tmp_path / pattern, tmp_path)


def test_a_folder_that_leads_back_to_itself(tmp_path: Path) -> None:
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/deep/a.csv").write_text(HEADER + GOOD)
    (tmp_path / "in/deep/up").symlink_to("..")
    assert run(tmp_path / "in", tmp_path)["metadata"]["rows_read"] == 2


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "in.csv"
    folder.symlink_to("/proc/self/mem")
    with pytest.raises(SourceError, match="could not be read"):
        run(folder, tmp_path)


# --- memory -----------------------------------------------------------------------------------------------------------


def test_a_run_that_does_not_fit_ends_with_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(many(tmp_path / "few.csv", 100, 10), tmp_path)
    before = published(tmp_path)
    source = many(tmp_path / "in.csv", 400_000, 400_000)
    monkeypatch.setattr(engine_module, "memory_for", lambda _: 8 << 20)
    with pytest.raises(SegmentationError, match=r"needs more than the \d+ MiB it may hold.*Raise embedded_memory"):
        run(source, tmp_path)
    assert published(tmp_path) == before
    assert sorted(run.outcome for run in table(tmp_path, "runs")) == ["failed", "succeeded"]


@pytest.mark.slow
def test_what_does_not_fit_into_memory_goes_to_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "memory_for", lambda _: 96 << 20)
    source = many(tmp_path / "in.csv", 400_000, 400_000)
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            seen.update(path.name for path in (tmp_path / "out/.spill").glob("datafusion*/.tmp*"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert run(source, tmp_path)["metadata"]["total_customers"] == 400_000
    finally:
        done.set()
        watcher.join()
    assert seen
    assert not (tmp_path / "out/.spill").exists()


# --- quiet, and gone --------------------------------------------------------------------------------------------------


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_port_is_on_loopback_and_open_only_while_a_run_computes(tmp_path: Path) -> None:
    before = ports_of(os.getpid())
    with embedded_engine(tmp_path):
        opened = [one for one in ports_of(os.getpid()) if one not in before]
        assert [address for address, _ in opened] == ["0100007F"]
        assert listens(opened[0][1])
    assert ports_of(os.getpid()) == before
    assert not listens(opened[0][1])


def start(source: Path, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(JOB), "--csv-path", str(source), "--output-dir", str(folder / "out")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*command, "--engine", "embedded"], text=True, start_new_session=True, **pipes)


@pytest.mark.slow
def test_a_run_is_quiet_and_leaves_nothing_behind(tmp_path: Path) -> None:
    process = start(many(tmp_path / "in.csv", 20_000, 900), tmp_path)
    said, complained = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "900 customers as of" in said
    strange = [line for line in complained.splitlines() if " INFO " not in line]
    assert strange == []
    assert not any((tmp_path / "out/.staging").iterdir())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        ".automation_status.json.lock",
        ".sales.json",
        ".segmentation.lock",
        ".staging",
        "automation_status.json",
        "customer_segmentation.changes.json",
        "customer_segmentation.json",
        "delta",
        "run_results.json",
        "segmentation_metrics.prom",
        "segmentation_report.html",
        "segmentation_report.md",
        "segmentation_runs.log",
    ]


def test_ctrl_c_waits_while_grpc_holds_a_lock(tmp_path: Path) -> None:
    """One that comes as a lock is taken would leave it taken for ever."""
    seen: set[tuple[str, bool]] = set()

    def look(frame: FrameType, *_: object) -> None:
        seen.add((frame.f_code.co_qualname, interrupts.holds_a_lock(frame)))

    with embedded_engine(tmp_path) as engine:
        sys.setprofile(look)
        engine.session.range(10).collect()
        sys.setprofile(None)
    assert {("Condition.__enter__", True), ("_MultiThreadedRendezvous._next", True)} <= seen
    assert {("Condition.wait", False), ("SparkConnectClient.to_table", False)} <= seen


def until(is_there: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while process.poll() is None and not is_there():
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["text", "purchases", "customers", "segments.json"])
def test_ctrl_c_ends_at_once(moment: str, tmp_path: Path) -> None:
    """Also in the middle of what the engine sends, where it answers nothing before that is read."""
    process = start(many(tmp_path / "in.csv", 3_000_000, 900_000), tmp_path)
    until(lambda: any(path.stat().st_size for path in (tmp_path / "out").glob(f".staging/*/{moment}")), process)
    time.sleep(0.1 if moment != "segments.json" else 0)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, complained = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert process.returncode == 1
    assert complained.splitlines()[-1].startswith("error: interrupted; readers see the state before this run")
    assert "Traceback" not in complained
    assert not any(path.name in (".spill", ".staging") and any(path.iterdir()) for path in (tmp_path / "out").iterdir())


@pytest.mark.slow
def test_killed_at_any_moment_and_another_run_at_the_same_time(tmp_path: Path) -> None:
    """Readers see the old pair or the new one; if the kill fell between the two, the next run puts that right."""
    few = tmp_path / "few.csv"
    few.write_text(HEADER + OTHER)
    source = many(tmp_path / "in.csv", 300_000, 100_000)
    run(few, tmp_path)
    chance = random.Random(11)
    torn = refused = 0
    for _ in range(12):
        process = start(source, tmp_path)
        until((tmp_path / "out/.spill").exists, process)
        busy = start(few, tmp_path)
        time.sleep(chance.uniform(0.0, 2.5))
        kill(process)
        _, complained = busy.communicate(timeout=60)
        assert (busy.returncode, "Another run holds" in complained) in ((5, True), (0, False))
        refused += busy.returncode == 5
        of_json, of_table = published(tmp_path)
        torn += of_json != of_table
        assert len(of_json) in (1, 100_000)
        run(few, tmp_path)
        assert published(tmp_path) == ({"C3": "New"}, {"C3": "New"})
        assert not any((tmp_path / "out/.staging").glob("*"))
        assert not (tmp_path / "out/.spill").exists()
    assert torn <= 2
    assert refused >= 4


def test_engines_in_threads_leave_the_environment_as_it_was(tmp_path: Path) -> None:
    before = dict(os.environ)

    def open_and_close(number: int) -> None:
        for _ in range(3):
            with embedded_engine(tmp_path / str(number)) as engine:
                assert engine.session.range(3).count() == 3

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(open_and_close, range(3)))
    assert dict(os.environ) == before


def test_an_engine_that_ended_is_no_ctrl_c(embedded: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SegmentationError, match="ended in the middle of the run"), embedded.step("Step", "run"):
        raise SparkConnectGrpcException("status = StatusCode.UNAVAILABLE")
    with pytest.raises(SparkConnectGrpcException), embedded.step("Step", "run"):
        raise SparkConnectGrpcException("no such file: /memory/x")


def test_settings_of_sail_that_are_meant_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAIL_MODE", "nonsense")
    with embedded_engine(tmp_path / "\U0001f600") as engine:
        assert engine.session.range(3).count() == 3
    assert os.environ["SAIL_MODE"] == "nonsense"


FORK = """
import os
from segmentation import run_segmentation
run_segmentation(engine="embedded", output_dir=OUT)
child = os.fork()
if child == 0:
    try:
        run_segmentation(engine="embedded", output_dir=OUT + "2")
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.slow
def test_a_forked_process_is_told_what_to_do(tmp_path: Path) -> None:
    script = FORK.replace("OUT", repr(str(tmp_path / "out")))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert "SegmentationError The embedded engine cannot go on in a forked process" in done.stdout, done.stderr[-2000:]


def test_one_run_after_another_in_one_process(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text(HEADER + GOOD)
    ids = {run(source, tmp_path)["metadata"]["run_id"] for _ in range(5)}
    assert len(ids) == len(table(tmp_path, "runs")) == 5
