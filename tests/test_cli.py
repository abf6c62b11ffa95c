"""The command line through real processes: exit codes, messages, and what is left behind."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyspark
import pytest

from segmentation.console import LOGGER, setup_console
from segmentation.engines.spark.versions import package

from .conftest import HEADER

ROOT = Path(__file__).parents[1]
GOOD = "C1,P1,2024-01-05,100,Womens\nC2,P2,2024-01-06,200.50,Kids\n"

pytestmark = pytest.mark.slow


def job(*options: object, cwd: Path = ROOT, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "jobs" / "run_segmentation.py"), *map(str, options)]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=300, check=False
    )


def errors(finished: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in finished.stderr.splitlines() if line.startswith("error: ")]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "my purchases.csv"
    path.write_text(HEADER + GOOD)
    return path


def test_no_options_run_the_sample_without_java_and_freshness_without_an_engine(tmp_path: Path) -> None:
    out = tmp_path / "an output"
    # No java on the PATH: an answer shows that none was needed.
    no_java = {"PATH": str(Path(sys.executable).parent), "JAVA_HOME": ""}
    first = job("--output-dir", out, env=no_java)
    assert first.returncode == 0, first.stderr
    for words in ("customers as of", "purchase_frequency", "Loyal", "rows rejected", "malformed_row", str(out)):
        assert words in first.stdout
    assert "Traceback" not in first.stderr
    assert sorted(path.name for path in out.iterdir() if not path.name.startswith(".")) == [
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
    assert first.stdout.rstrip().endswith(f"Report  {out}/segmentation_report.html")
    customers = json.loads((out / "customer_segmentation.json").read_text())
    assert f"{len(customers)} customers" in first.stdout

    # Neither java nor a shell on the PATH, so no JVM can start: an answer shows that none was needed.
    no_java = {"PATH": str(Path(sys.executable).parent), "JAVA_HOME": ""}
    again = job("--output-dir", out, "--check-freshness", env=no_java)
    assert (again.returncode, again.stdout.count("Nothing to do")) == (0, 1), again.stderr
    config = tmp_path / "c.yaml"
    config.write_text("dominant_threshold: 0.6\n")
    changed = job("--output-dir", out, "--check-freshness", "--config", config)
    assert (changed.returncode, "Nothing to do" in changed.stdout) == (0, False)
    (out / "customer_segmentation.json").unlink()
    gone = job("--output-dir", out, "--check-freshness", "--config", config)
    assert (out / "customer_segmentation.json").exists(), gone.stderr


USAGE = {
    "option": (["--no-such-option"], "unrecognized arguments: --no-such-option"),
    "as of": (["--as-of", "yesterday"], "as_of: expected 'latest', 'today' or a day"),
    "config": (["--config", "/no/such.yaml"], "/no/such.yaml cannot be read: No such file"),
    "mongodb": (["--source", "mongodb"], "--source mongodb needs to know where: add mongodb: {host"),
    "mode": (["--mode", "sometimes"], "argument --mode: invalid choice: 'sometimes'"),
    "output": (["--output-dir", "/dev/null/x"], "/dev/null/x cannot be written to"),
}


@pytest.mark.parametrize("case", USAGE)
def test_usage_and_configuration_end_with_2(case: str, tmp_path: Path) -> None:
    options, message = USAGE[case]
    finished = job("--output-dir", tmp_path / "out", *options)
    assert finished.returncode == 2
    assert message in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (tmp_path / "out/customer_segmentation.json").exists()


SOURCES = {
    "nothing there": (None, 3, "No data found: there is no file at"),
    "header alone": (HEADER, 3, "No data found: "),
    "columns": ("Customer_ID,Order_ID\n", 3, "Missing required columns: "),
    "gate": (HEADER + GOOD + "broken\n", 4, "1 of 3 rows were rejected (33.3%); max_rejected_ratio allows 10.0%"),
}


@pytest.mark.parametrize("case", SOURCES)
def test_sources_and_gate(case: str, engine_name: str, tmp_path: Path) -> None:
    text, code, message = SOURCES[case]
    path = tmp_path / "x.csv"
    if text is not None:
        path.write_text(text)
    finished = job("--engine", engine_name, "--output-dir", tmp_path / "out", "--csv-path", path)
    assert finished.returncode == code
    assert len(errors(finished)) == 1
    assert message in errors(finished)[0]
    assert "Traceback" not in finished.stderr
    assert message in (tmp_path / "out/segmentation_runs.log").read_text()


def test_an_unexpected_failure_ends_with_1_and_its_traceback_is_in_the_log(
    engine_name: str, csv: Path, tmp_path: Path
) -> None:
    # A file where a table belongs: nobody expects that.
    (tmp_path / "out/delta").mkdir(parents=True)
    (tmp_path / "out/delta/segment_changes").touch()
    finished = job("--engine", engine_name, "--output-dir", tmp_path / "out", "--csv-path", csv)
    assert finished.returncode == 1
    assert len(errors(finished)) == 1
    assert "segmentation_runs.log" in errors(finished)[0]
    assert "Traceback" not in finished.stderr
    assert "Traceback" in (tmp_path / "out/segmentation_runs.log").read_text()


def test_spark_killed_anywhere_and_another_run_at_the_same_time(csv: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert job("--output-dir", out, "--csv-path", csv).returncode == 0
    old = (out / "customer_segmentation.json").read_bytes()
    csv.write_text(HEADER + GOOD.replace("C1", "C3"))
    options = ["--engine", "spark", "--output-dir", str(out), "--csv-path", str(csv)]
    command = [sys.executable, str(ROOT / "jobs/run_segmentation.py"), *options]
    for patience in (3.0, 8.0):
        running = subprocess.Popen(
            command, start_new_session=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        time.sleep(2.0)
        busy = job("--output-dir", out, "--csv-path", csv)
        assert (busy.returncode, "Another run holds" in busy.stderr) == (5, True)
        time.sleep(patience)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        now = (out / "customer_segmentation.json").read_bytes()
        assert now == old or b'"C3"' in now
    finished = job("--output-dir", out, "--csv-path", csv)
    assert finished.returncode == 0, finished.stderr
    assert [row["customer_id"] for row in json.loads((out / "customer_segmentation.json").read_text())] == ["C2", "C3"]
    assert not list((out / ".staging").glob("*"))


def test_spark_submit_with_py_files(csv: Path, tmp_path: Path) -> None:
    """The package comes as an archive; the script lies apart from the checkout."""
    archive = shutil.make_archive(str(tmp_path / "segmentation"), "zip", ROOT, "segmentation")
    script = shutil.copy(ROOT / "jobs" / "run_segmentation.py", tmp_path)
    submit = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
        "--packages",
        package("delta", pyspark.__version__, {}),
        "--py-files",
        archive,
        script,
        "--csv-path",
        str(csv),
        "--output-dir",
        str(tmp_path / "out"),
    ]
    env = {**os.environ, "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    finished = subprocess.run(submit, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert finished.returncode == 0, finished.stderr[-3000:]
    job("--csv-path", csv, "--output-dir", tmp_path / "local")
    export = "customer_segmentation.json"
    assert (tmp_path / "out" / export).read_bytes() == (tmp_path / "local" / export).read_bytes()


CONNECT = """
from pyspark.sql import SparkSession
from segmentation import run_segmentation
spark = SparkSession.builder.remote("local[1]").getOrCreate()
try:
    run_segmentation(spark=spark, output_dir=OUT)
except Exception as error:
    print(type(error).__name__, error)
spark.stop()
"""


def test_a_spark_connect_session_is_refused_in_one_sentence(tmp_path: Path) -> None:
    script = CONNECT.replace("OUT", repr(str(tmp_path / "out")))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert "ConfigError A Spark Connect session has no JVM" in done.stdout, done.stderr[-3000:]


STREAMS = {
    "a reader that goes away": ("| head -n 1 > /dev/null; exit ${PIPESTATUS[0]}", 0),
    "a full disk": ("> /dev/full", 0),
    "no stderr": ("2>&-", 0),
    "neither": (">&- 2>&-", 0),
    "no stderr, and an error": ("--as-of never 2>&-", 2),
}


@pytest.mark.parametrize("case", STREAMS)
def test_what_is_published_does_not_hang_on_who_reads_the_summary(case: str, csv: Path, tmp_path: Path) -> None:
    redirected, code = STREAMS[case]
    command = shlex.join([sys.executable, str(ROOT / "jobs/run_segmentation.py"), "--csv-path", str(csv)])
    line = f"{command} --output-dir {shlex.quote(str(tmp_path / 'out'))} {redirected}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out/customer_segmentation.json").exists() is (code == 0)


def test_festive_days_are_shown() -> None:
    command = [sys.executable, "-m", "segmentation.cli", "festive", "--from-year", "2024", "--to-year", "2024"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "December: every year 12-01 to 12-31" in shown
    assert "Vesak: 2024-05-16 to 2024-05-24" in shown


def test_log_lines_go_once_to_where_stderr_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who calls commands in a process of its own, as tests and notebooks do, may close what stderr was."""
    handlers, propagate = [*LOGGER.handlers], LOGGER.propagate
    try:
        for closed in (io.StringIO(), io.StringIO()):
            monkeypatch.setattr(sys, "stderr", closed)
            setup_console("INFO")
            closed.close()
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        LOGGER.warning("heard")
        assert sys.stderr.getvalue().count("heard") == 1  # type: ignore[attr-defined]
    finally:
        LOGGER.handlers[:], LOGGER.propagate = handlers, propagate


def test_a_question_without_an_engine_does_not_wait_for_pyspark() -> None:
    """Of a schedule's runs, most have nothing to do."""
    program = "import sys, segmentation.run.freshness; sys.exit('pyspark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
