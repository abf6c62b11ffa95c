"""Nothing of the machine's surroundings reaches a result: locale, language, time zone of the process and of Java."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from . import dirty
from .conftest import HEADER, table
from .processes import JOB

# A day that Apia left out, letters that Turkish writes in its own way, and times near midnight.
ODD = (
    "A,A1,2011-12-29,10.00,KIDS\nB,B1,2011-12-30,10.00,kids\nB,B2,2011-12-30T23:59:59,10.00,GIRLS\n"
    "\u0130,I1,2011-12-30T20:00:00Z,5,MEN'S\ni,I2,30/12/2011,5,LADIES\nI,I3,2011-12-28,5,w\u0131mens\n"
)
SURROUNDINGS: Mapping[str, Mapping[str, str]] = {
    "as it is": {},
    "a day is missing": {"LC_ALL": "C", "TZ": "Pacific/Apia"},
    "Turkish": {
        "LC_ALL": "tr_TR.UTF-8",
        "LANG": "tr_TR.UTF-8",
        "TZ": "America/Sao_Paulo",
        "JAVA_TOOL_OPTIONS": "-Duser.language=tr -Duser.country=TR -Duser.timezone=Pacific/Apia",
    },
}


def outcome(source: Path, folder: Path, engine: str, surroundings: Mapping[str, str]) -> tuple[bytes, Any, Any]:
    """The export, the table of customers and the rejected rows."""
    config = folder / "config.yaml"
    config.write_text("max_rejected_ratio: 1\nas_of: 2011-12-30\ndate_formats: [dd/MM/yyyy]\n")
    command = [sys.executable, str(JOB), "--csv-path", str(source), "--output-dir", str(folder / "out")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    done = subprocess.run(
        [*command, "--engine", engine, "--config", str(config)],
        env={**environment, **surroundings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = [
        sorted(str({**vars(row), "run_id": "", "updated_at": "", "rejected_at": ""}) for row in table(folder, name))
        for name in ("customer_segments", "rejected_purchases")
    ]
    return (folder / "out/customer_segmentation.json").read_bytes(), *shown


@pytest.mark.slow
def test_nothing_of_the_surroundings_reaches_a_result(engine_name: str, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    older = "".join(f"{line}\n" for line in dirty.records(2_000, 12)).replace(",202", ",201").replace("P12-", "P-")
    source.write_text(HEADER + ODD + older, encoding="utf-8")
    found = {}
    for name, surroundings in SURROUNDINGS.items():
        (tmp_path / name).mkdir()
        found[name] = outcome(source, tmp_path / name, engine_name, surroundings)
    assert b'"A"' in found["as it is"][0]
    assert all("datetime.date(2011, 12, 30)" in row for row in found["as it is"][1])
    for name in SURROUNDINGS:
        assert found[name] == found["as it is"], name
