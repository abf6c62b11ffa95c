"""Incremental runs beside full ones of the same engine, and the disk that three months of daily runs take."""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

JOB = Path(__file__).resolve().parents[1] / "jobs" / "run_segmentation.py"
LAST = date(2025, 12, 31)
PLAIN = ["--config", str(Path(__file__).resolve().parent / "config.yaml")]
ENGINES = ("embedded", "spark")
DAYS = 90


def measure(data: Path, folder: Path, repeat: int) -> list[dict[str, Any]]:
    """Seconds of each kind of run, and of a full one, on either engine.

    Args:
        data: purchases up to `LAST`.
        folder: for input and output.
        repeat: how often each is measured.
    """
    return [row for engine in ENGINES for row in Side(engine, data, folder / f"incremental {engine}", repeat).rows()]


class Side:
    """One engine's runs on one input that grows."""

    def __init__(self, engine: str, data: Path, folder: Path, repeat: int) -> None:
        self.engine = engine
        self.repeat = repeat
        shutil.rmtree(folder, ignore_errors=True)
        self.input, self.output = folder / "in", folder / "out"
        self.input.mkdir(parents=True)
        (self.input / "0.csv").hardlink_to(data)
        self.header, *self.lines = data.read_text().splitlines()
        self.day = LAST
        self.files = 0

    def rows(self) -> list[dict[str, Any]]:
        """A row a kind of run."""
        full = self.timed("--mode", "full")
        self.timed("--mode", "incremental")
        kinds = {
            "nothing, same as-of day, --check-freshness": self.again(lambda: None, "--check-freshness"),
            "nothing, same as-of day": self.again(lambda: None),
            "nothing, as-of one day later": [self.a_day_later() for _ in range(self.repeat)],
            "1% new purchases in a new file": self.again(lambda: self.add(0.01)),
            "10% new purchases in a new file": self.again(lambda: self.add(0.1)),
        }
        return [
            {"engine": self.engine, "what": what, "seconds": seconds, "ratio": statistics.median(seconds) / full}
            for what, seconds in {"full run": [full], **kinds}.items()
        ]

    def again(self, change: Any, *options: str) -> list[float]:
        """Change the input, and time a run."""
        seconds = []
        for _ in range(self.repeat):
            change()
            seconds.append(self.timed("--mode", "incremental", *options))
        return seconds

    def a_day_later(self) -> float:
        """Look from the next day."""
        self.day += timedelta(days=1)
        return self.timed("--mode", "incremental", "--as-of", self.day.isoformat())

    def add(self, share: float) -> None:
        """New purchases of customers that are known, all of the next day."""
        self.files += 1
        self.day += timedelta(days=1)
        chosen = random.Random(self.files).sample(self.lines, int(len(self.lines) * share))  # noqa: S311 - no secret
        write(self.input / f"{self.files}.csv", self.header, chosen, self.files, self.day)

    def timed(self, *options: str) -> float:
        """Seconds of the whole command."""
        paths = [*PLAIN, "--csv-path", str(self.input), "--output-dir", str(self.output), "--engine", self.engine]
        started = time.perf_counter()
        subprocess.run([sys.executable, str(JOB), *paths, *options], check=True, capture_output=True)
        return time.perf_counter() - started


def write(path: Path, header: str, lines: Sequence[str], number: int, day: date) -> None:
    """Lines as other purchases, of one day."""
    with path.open("w") as out:
        out.write(header + "\n")
        for at, line in enumerate(lines):
            customer, _, _, amount, category = line.split(",")
            out.write(f"{customer},N{number}-{at},{day},{amount},{category}\n")


def disk(data: Path, folder: Path) -> dict[str, int]:
    """Bytes under the output after three months of a daily run with 0.1% new purchases, before and after `maintain`."""
    side = Side("embedded", data, folder / "incremental disk", 1)
    side.timed("--mode", "incremental")
    first = size(side.output)
    for _ in range(DAYS):
        side.add(0.001)
        side.timed("--mode", "incremental")
    before = size(side.output)
    command = [sys.executable, "-m", "segmentation.cli", "maintain", "--output-dir", str(side.output)]
    subprocess.run([*command, "--engine", "embedded", "--keep-versions", "0"], check=True, capture_output=True)
    return {"after the first run": first, f"after {DAYS} more": before, "after maintain": size(side.output)}


def size(folder: Path) -> int:
    """Bytes of all files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def table(rows: Sequence[dict[str, Any]], disk_of: dict[str, int]) -> str:
    """What was measured, for the page."""
    targets = {"--check-freshness": 0.03, "one day later": 0.25, "1% new purchases in": 0.25, "10% new": 0.45}
    lines = ["| change since the last run | engine | seconds | / full run | target |", "|---|---|---|---|---|"]
    for row in rows:
        target = next((str(value) for words, value in targets.items() if words in row["what"]), "")
        seconds = statistics.median(row["seconds"])
        lines.append(f"| {row['what']} | {row['engine']} | {seconds:.2f} | {row['ratio']:.3f} | {target} |")
    told = ", ".join(f"{what} {bytes_ >> 20} MB" for what, bytes_ in disk_of.items())
    return "\n".join([*lines, "", f"Disk, 1,000,000 rows and {DAYS} daily runs with 0.1% new purchases: {told}."])
