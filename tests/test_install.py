"""What `make` shows while pip installs."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.install import Progress

INSTALL = Path(__file__).parents[1] / "jobs" / "install.py"
# A line of pip's -> the step it begins, the lines where nothing can be written over.
LINES = {
    "a package": ("Collecting py4j<0.10.9.10,>=0.10.9.7 (from pyspark)", "py4j", 0),
    "a download below the bound": ("  Downloading a-1.whl (9.9 MB)", "downloading 9.9 MB: a-1.whl", 0),
    "a download at the bound": ("  Downloading a-1.whl (10.0 MB)", "downloading 10.0 MB: a-1.whl", 1),
    "many, but of a smaller unit": ("  Downloading a-1.whl (203 kB)", "downloading 203 kB: a-1.whl", 0),
    "a download with its address": ("  Downloading x://y/a-1.whl (35.4 MB)", "downloading 35.4 MB: a-1.whl", 1),
    "a build": (
        "  Building wheel for pyspark (pyproject.toml): started",
        "building wheel for pyspark (pyproject.toml)",
        1,
    ),
    "a build ends": ("  Building wheel for pyspark (pyproject.toml): finished with status 'done'", "at first", 0),
    "a step before a build": ("  Installing build dependencies: started", "installing build dependencies", 0),
    "the end": ("Installing collected packages: py4j, zipp, pyspark", "unpacking 3 of them", 1),
    "something else": ("Looking in links: /wheels", "at first", 0),
}


@pytest.mark.parametrize("case", LINES)
@pytest.mark.parametrize("is_terminal", [False, True])
def test_steps(case: str, is_terminal: bool, capsys: pytest.CaptureFixture[str]) -> None:
    line, step, lines = LINES[case]
    progress = Progress(is_terminal)
    progress.step = "at first"
    progress.take(line)
    assert progress.step == step
    assert capsys.readouterr().out.count("\n") == (0 if is_terminal else lines)


def test_a_package_that_is_met_twice_counts_once(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(is_terminal=True)
    progress.read(io.StringIO("Collecting a==1\nCollecting b\nCollecting a>=1 (from b)\n"))
    progress.show()
    assert "2 packages  a" in capsys.readouterr().out


@pytest.mark.slow
def test_where_pip_fails_its_words_and_its_code_are_shown(tmp_path: Path) -> None:
    command = [sys.executable, str(INSTALL), "--no-index", str(tmp_path / "no such package")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.endswith("cannot be installed; pip says:\n")
    assert "no such package" in done.stderr
