"""`make bench`: this job beside pandas, Polars and DuckDB, with the same rules and the same bytes as outcome.

Every measurement is a process of its own; ratios are taken within one run of this script, because a machine's speed
changes from hour to hour. Writes docs/benchmarks.md and its chart.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil

from benchmarks import incremental
from benchmarks.machine import machine
from segmentation.config import AnnualPeriod, load_config
from segmentation.core.festive import resolve
from segmentation.engines.spark.java import ensure_java

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
JOB = ROOT / "jobs" / "run_segmentation.py"
PLAIN = ["--config", str(HERE / "config.yaml")]
CONTENDERS = ("pandas_rules", "pandas_contract", "polars_rules", "duckdb_rules")
PACKAGES = ("pyspark", "delta-spark", "pysail", "deltalake", "pandas", "polars", "duckdb")
FIRST, LAST = date(2022, 1, 1), date(2026, 12, 31)


def main() -> int:
    """Measure, then write."""
    parser = argparse.ArgumentParser(description="Compare this job with pandas, Polars and DuckDB.")
    parser.add_argument("--sizes", default="10000,100000,1000000,10000000", help="rows, separated by commas")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each measurement")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench", help="where data and output go")
    parser.add_argument(
        "--only", choices=("incremental",), help="measure this alone; the rest is what was measured before"
    )
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    options.folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.folder, options.repeat)
    known = options.folder / "measured.json"
    record = json.loads(known.read_text()) if options.only else bench.everything(sizes)
    record["incremental"] = incremental.measure(bench.data(sizes[-1]), options.folder, options.repeat)
    record["disk"] = incremental.disk(bench.data(1_000_000), options.folder)
    known.write_text(json.dumps(record, indent=1))
    subprocess.run([sys.executable, "-m", "benchmarks.report", str(known)], check=True)
    return 0


class Bench:
    """What was measured, as (what, rows) -> a list of seconds and a peak of memory."""

    def __init__(self, folder: Path, repeat: int) -> None:
        self.folder = folder
        self.repeat = repeat
        self.measured: list[dict[str, object]] = []
        self.stages: list[list[object]] = []
        self.festive = folder / "festive.json"
        self.festive.write_text(json.dumps(festive_days()))

    def everything(self, sizes: Sequence[int]) -> dict[str, Any]:
        """Full runs of all contenders."""
        self.startup()
        for rows in sizes:
            self.size(rows)
        self.shapes(1_000_000)
        return {
            "machine": {**machine(PACKAGES), "java": java_version()},
            "repeat": self.repeat,
            "measured": self.measured,
            "stages": self.stages,
        }

    def startup(self) -> None:
        """What is felt at the command line."""
        small = self.data(10_000)
        self.time("help", 0, [str(JOB), "--help"])
        arguments = [*PLAIN, "--engine", "spark", "--csv-path", str(small), "--output-dir", str(self.folder / "out")]
        # The first two runs make what later ones find in the cache.
        for _ in range(2):
            subprocess.run([sys.executable, str(JOB), *arguments], check=True, capture_output=True)
            time.sleep(15)
        self.time("check freshness", 10_000, [str(JOB), *arguments, "--check-freshness"])

    def size(self, rows: int) -> None:
        """All contenders at one size; the outcome must be the same bytes."""
        data = self.data(rows)
        out = self.folder / "out"
        outcomes = {}
        for engine, what in (("embedded", "embedded cold"), ("spark", "job cold")):
            self.job(what, engine, rows, data)
            outcomes[engine] = digest(out / "customer_segmentation.json")
        self.open_process(rows, data)
        self.warm(rows, data)
        for name in CONTENDERS:
            written = self.folder / f"{name}.json"
            self.time(name, rows, [str(HERE / "contenders" / f"{name}.py"), str(data), str(self.festive), str(written)])
            outcomes[name] = digest(written)
        if len(set(outcomes.values())) > 1:
            raise SystemExit(f"The outcomes differ at {rows} rows: {outcomes}")

    def job(self, what: str, engine: str, rows: int, data: Path) -> None:
        """The whole command."""
        options = [*PLAIN, "--engine", engine, "--csv-path", str(data), "--output-dir", str(self.folder / "out")]
        self.time(what, rows, [str(JOB), *options])

    def open_process(self, rows: int, data: Path) -> None:
        """The embedded engine again and again in one process."""
        command = [sys.executable, "-m", "benchmarks.again", str(data), str(self.folder / "again"), str(self.repeat)]
        with peak_memory() as peak:
            done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
        self.add("embedded open", rows, json.loads(done.stdout.splitlines()[-1]), peak[0])

    def shapes(self, rows: int) -> None:
        """Customers of odd shapes beside the even case, and many small files beside one."""
        for shape in ("whale", "single"):
            self.warm(rows, self.data(rows, shape), shape=f" {shape}")
            self.job(f"embedded cold {shape}", "embedded", rows, self.data(rows, shape))
        self.job("embedded cold files", "embedded", 100_000, in_small_files(self.data(100_000), 2000))

    def warm(self, rows: int, data: Path, shape: str = "") -> None:
        """The job and a plain parse of the same file, in turn, in one session that has run before."""
        command = [sys.executable, "-m", "benchmarks.warm", str(data), str(self.folder / "warm"), str(self.repeat)]
        with peak_memory() as peak:
            done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
        found = json.loads(done.stdout.splitlines()[-1])
        for what in ("parse", "job warm"):
            self.add(what + shape, rows, found[what], peak[0])
        if not shape:
            self.stages = found["jobs"]

    def time(self, what: str, rows: int, command: list[str]) -> None:
        """Whole processes, one after the other."""
        seconds = []
        with peak_memory() as peak:
            for _ in range(self.repeat):
                started = time.perf_counter()
                subprocess.run([sys.executable, *command], check=True, capture_output=True)
                seconds.append(time.perf_counter() - started)
        self.add(what, rows, seconds, peak[0])

    def add(self, what: str, rows: int, seconds: list[float], memory: int) -> None:
        """Keep it, and show it."""
        self.measured.append({"what": what, "rows": rows, "seconds": seconds, "memory": memory})
        print(f"{what:18} {rows:>12,} rows {statistics.median(seconds):8.2f} s  {memory >> 20:6} MB", flush=True)

    def data(self, rows: int, shape: str = "") -> Path:
        """Purchases, generated once."""
        path = self.folder / f"purchases_{rows}{shape}.csv"
        if not path.exists():
            kinds = {"": [], "whale": ["--whale", "0.1"], "single": ["--single"]}
            generate = [str(ROOT / "jobs" / "generate_purchases.py"), "--rows", str(rows), "--bad-share", "0"]
            command = [sys.executable, *generate, *kinds[shape], "--output", str(path)]
            subprocess.run(command, check=True, capture_output=True)
        return path


def in_small_files(path: Path, number: int) -> Path:
    """The rows of a file in a folder of `number` files."""
    folder = path.with_suffix(".files")
    if not folder.exists():
        folder.mkdir()
        header, *lines = path.read_text().splitlines(keepends=True)
        for at in range(number):
            (folder / f"{at}.csv").write_text(header + "".join(lines[at::number]))
    return folder


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """The most that all child processes together held in memory, looked at ten times a second."""
    peak, done = [0], threading.Event()
    me = psutil.Process()

    def watch() -> None:
        while not done.wait(0.1):
            total = 0
            for child in me.children(recursive=True):
                try:
                    total += child.memory_info().rss
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], total)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def festive_days() -> list[str]:
    """The festive days of the default configuration, one by one, for the contenders."""
    calendar = resolve(load_config(None).festive_periods, FIRST, LAST)
    every = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    inside = [day for day in every if any(stretch.start <= day <= stretch.end for stretch in calendar.days)]
    yearly = [day for day in every if any(in_period(day, period) for period in calendar.annual)]
    return sorted({day.isoformat() for day in inside + yearly})


def in_period(day: date, period: AnnualPeriod) -> bool:
    """Does the period that comes every year hold the day?"""
    text = f"{day:%m-%d}"
    if period.from_ <= period.to:
        return period.from_ <= text <= period.to
    return text >= period.from_ or text <= period.to


def digest(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def java_version() -> str:
    """As it says of itself."""
    command = [ensure_java() / "bin" / "java", "-version"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr.splitlines()
    return said[0] if said else "none"


if __name__ == "__main__":
    sys.exit(main())
