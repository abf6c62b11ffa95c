"""What is listed as input, by one set of rules for both engines: names, links, pipes, devices."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from segmentation.engines.base import Engine
from segmentation.errors import SourceError
from segmentation.sources.csv import find

from .conftest import HEADER, LESS, table
from .processes import JOB


@pytest.mark.parametrize("pattern", ["in", "in/orders.csv", "in/*"])
def test_a_pipe_is_refused_before_anybody_waits_for_it(engine: Engine, tmp_path: Path, pattern: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.csv").write_text(HEADER)
    os.mkfifo(tmp_path / "in/orders.csv")
    with pytest.raises(SourceError, match=r"in/orders\.csv is no regular file but a pipe"):
        find(engine.files, [str(tmp_path / pattern)])


def test_a_device_is_refused(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "in.csv").symlink_to("/dev/zero")
    with pytest.raises(SourceError, match=r"in\.csv is no regular file but a device"):
        find(engine.files, [str(tmp_path / "in.csv")])


def test_links_that_lead_nowhere_or_back(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/deep/up").symlink_to("..")
    (tmp_path / "in/deep/a.csv").write_text(HEADER)
    assert len(find(engine.files, [str(tmp_path / "in")])) == 1
    (tmp_path / "in/gone.csv").symlink_to("nowhere.csv")
    with pytest.raises(SourceError, match=r"in/gone\.csv cannot be read: No such file"):
        find(engine.files, [str(tmp_path / "in")])


def test_folders_linked_to_each_other(engine: Engine, tmp_path: Path) -> None:
    for one in "abc":
        (tmp_path / "in" / one).mkdir(parents=True)
        (tmp_path / "in" / one / "x.csv").write_text(HEADER)
    for one in "abc":
        for other in "abc".replace(one, ""):
            (tmp_path / "in" / one / f"to-{other}").symlink_to(f"../{other}")
    assert len(find(engine.files, [str(tmp_path / "in")])) == 3


NAMES = [
    "north.csv",
    "s\xfcd.csv",
    "\u0d9a\u0ddc\u0dc5\u0db9.csv",
    "orders 10:30.csv",
    "a\nb.csv",
    "100%20.csv",
    "d\xe9.csv.gz",
]


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["C", pytest.param("POSIX", marks=LESS), pytest.param(None, marks=LESS)])
def test_names_in_any_locale(engine_name: str, tmp_path: Path, locale: str | None) -> None:
    """Java reads names in the locale of the process, and cron gives it none."""
    (tmp_path / "in").mkdir()
    for number, name in enumerate(NAMES):
        data = (HEADER + f"C{number},P{number},2024-01-05,100,Womens\nbroken\n").encode()
        (tmp_path / "in" / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    command = [sys.executable, str(JOB), "--csv-path", str(tmp_path / "in"), "--output-dir", str(tmp_path / "out")]
    done = subprocess.run(
        [*command, "--engine", engine_name, "--config", str(any_share(tmp_path))],
        env={**surroundings, **({"LC_ALL": locale} if locale else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    elements = json.loads((tmp_path / "out/customer_segmentation.json").read_text())
    assert [element["customer_id"] for element in elements] == [f"C{number}" for number in range(len(NAMES))]
    sources = {row.source for row in table(tmp_path, "rejected_purchases")}
    assert sources == {str(tmp_path / "in" / name) for name in NAMES}


def any_share(folder: Path) -> Path:
    path = folder / "config.yaml"
    path.write_text("max_rejected_ratio: 1\n")
    return path
