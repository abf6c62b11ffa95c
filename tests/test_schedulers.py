"""Airflow and Dagster load what is under conf/automation, and run it; `make test-schedulers` installs them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import GOOD, HEADER

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf/automation"
ALL = {"airflow": CONF, "dagster": CONF / "dagster_asset.py"}
# Exits with one code after the other, and notes what it was called with.
STAND_IN = """#!/bin/sh
echo "$@" >> {calls}
exit $(sed -n "$(wc -l < {calls})p" {codes})
"""
# The exit codes of the job, the last state, how often the job was started.
CODES = {
    "done": ([0], "success", 1),
    "nothing to do": ([99], "skipped", 1),
    "refused": ([4, 0], "failed", 1),
    "configuration": ([2, 0], "failed", 1),
    "busy, then done": ([5, 5, 0], "success", 3),
    "never reachable": ([3, 3, 3, 3, 0], "failed", 4),
}

pytestmark = pytest.mark.slow


def python_of(name: str) -> Path:
    """The interpreter of `make test-schedulers`, or the one that the environment names."""
    return Path(os.environ.get(f"{name.upper()}_PYTHON") or ROOT / f".venv-{name}/bin/python")


@pytest.fixture(params=ALL)
def scheduler(request: pytest.FixtureRequest) -> str:
    """One of the two, where it is installed."""
    name = str(request.param)
    if not python_of(name).exists():
        pytest.skip(f"{name} is not installed in {python_of(name)}: make test-schedulers")
    return name


def probed(name: str, cases: list[Any], folder: Path) -> dict[str, Any]:
    """What the scheduler says of our file, and what became of each case."""
    home = folder / "scheduler"
    home.mkdir()
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(CONF),
        "DAGSTER_HOME": str(home),
        "SEGMENTATION_RETRY_SECONDS": "0",
    }
    python = str(python_of(name))
    if name == "airflow":
        answered([python, "-m", "airflow", "db", "migrate"], environment)
    probe = str(ROOT / f"tests/{name}_probe.py")
    return json.loads(answered([python, probe, str(ALL[name]), json.dumps(cases)], environment).splitlines()[-1])


def answered(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def stand_in(folder: Path, codes: list[int]) -> dict[str, str]:
    folder.mkdir()
    script, calls, answers = folder / "python", folder / "calls", folder / "codes"
    answers.write_text("".join(f"{code}\n" for code in codes))
    script.write_text(STAND_IN.format(calls=shlex.quote(str(calls)), codes=shlex.quote(str(answers))))
    script.chmod(0o755)
    options = "--csv-path '/a b.csv'"
    return {"SEGMENTATION_PYTHON": str(script), "SEGMENTATION_OUTPUT_DIR": str(folder), "SEGMENTATION_OPTIONS": options}


def test_it_is_loaded_runs_the_job_and_tells_what_came_of_it(scheduler: str, tmp_path: Path) -> None:
    (tmp_path / "my purchases.csv").write_text(HEADER + GOOD)
    real = {
        "SEGMENTATION_PYTHON": sys.executable,
        "SEGMENTATION_OUTPUT_DIR": str(tmp_path / "out"),
        "SEGMENTATION_OPTIONS": f"--engine embedded --csv-path {shlex.quote(str(tmp_path / 'my purchases.csv'))}",
    }
    codes = {case: stand_in(tmp_path / case.replace(",", ""), codes) for case, (codes, _, _) in CODES.items()}
    cases = [["full", real], ["check", real], *(["check", env] for env in codes.values())]
    found = probed(scheduler, cases, tmp_path)

    assert found["errors"] == {}
    prefix = "customer_segmentation_" if scheduler == "airflow" else ""
    assert found["loaded"] == {f"{prefix}check": "0 */6 * * *", f"{prefix}full": "0 2 * * *"}
    full, check, *others = found["cases"]
    (metadata,) = full["metadata"]
    assert {key: metadata[key] for key in ("outcome", "total_customers", "rows_read")} == {
        "outcome": "succeeded",
        "total_customers": 2,
        "rows_read": 2,
    }
    assert metadata["segments"]["purchase_frequency"]["New"] == 2
    assert metadata["run_id"] == json.loads((tmp_path / "out/run_results.json").read_text())["run_id"]
    assert check == {"state": "skipped", "metadata": []}
    assert (tmp_path / "out/customer_segmentation.json").exists()

    for (case, (_, state, count)), told in zip(CODES.items(), others, strict=True):
        calls = (tmp_path / case.replace(",", "") / "calls").read_text().splitlines()
        assert (case, told["state"], len(calls)) == (case, state, count)
        assert calls[0] == (
            f"-m segmentation.cli run --check-freshness --fresh-exit-code 99 --trigger {scheduler} "
            f"--output-dir {tmp_path / case.replace(',', '')} --csv-path /a b.csv"
        )
