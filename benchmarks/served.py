"""What `make bench-api` serves: outputs of any size, made once by a run, and the processes that serve them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
from pyarrow import compute, csv

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
SAMPLED = 50_000
CHUNK = 1_000_000
CATEGORIES = np.array(["Womens", "Mens", "Kids", "Homeware"])
KINDS = ("VmRSS", "RssAnon", "RssFile")


class Served:
    """An output, and two variants of its export that are swapped in, in turn.

    Args:
        folder: where it is made, and found again.
        customers: how many.
    """

    def __init__(self, folder: Path, customers: int) -> None:
        self.customers = customers
        self.folder = folder / f"{customers}"
        self.output = self.folder / "out"
        self.export = self.output / "customer_segmentation.json"
        self.log = self.output / "delta" / "customer_segments" / "_delta_log"
        self.ids = self.folder / "ids.txt"
        self.variants = {"A": self.folder / "A.json", "B": self.folder / "B.json"}
        if not self.ids.exists():
            self._make()
        # Swaps of a measurement before.
        for commit in self.log.glob("*.json"):
            if b'"benchmark": true' in commit.read_bytes():
                commit.unlink()
        self.first = max(int(commit.stem) for commit in self.log.glob("*.json"))
        self.publish("A")

    def _make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        purchases = self.folder / "purchases.csv"
        write_purchases(purchases, self.customers)
        command = [sys.executable, str(ROOT / "jobs" / "run_segmentation.py"), "--config", str(HERE / "config.yaml")]
        options = ["--engine", "embedded", "--csv-path", str(purchases), "--output-dir", str(self.output)]
        subprocess.run([*command, *options], check=True, capture_output=True)
        purchases.unlink()
        os.link(self.export, self.variants["A"])
        step = max(1, self.customers // SAMPLED)
        with self.export.open("rb") as lines, self.variants["B"].open("wb") as other, self.ids.open("w") as ids:
            for number, line in enumerate(lines):
                other.write(line.replace(b'"spending":"', b'"spending":"B '))
                if number % step == 0 and line.startswith(b"{"):
                    ids.write(json.loads(line.rstrip(b",\n"))["customer_id"] + "\n")

    @property
    def somebody(self) -> str:
        """A customer."""
        with self.ids.open() as ids:
            return ids.readline().strip()

    def warm(self) -> None:
        """Read the exports once, as they are after a run that has just written them."""
        for path in self.variants.values():
            with path.open("rb") as file:
                while file.read(1 << 24):
                    pass

    def publish(self, variant: str) -> str:
        """Publish as a run does: the commit of the customers first, then the export takes its place.

        Returns:
            The version that answers carry from then on.
        """
        version = max(int(commit.stem) for commit in self.log.glob("*.json")) + 1
        written = self.log / f".{version}"
        written.write_text(self._commit(f"{variant}{version}"))
        written.rename(self.log / f"{version:020d}.json")
        place = self.folder / "next.json"
        place.unlink(missing_ok=True)
        os.link(self.variants[variant], place)
        place.replace(self.export)
        return f"{variant}{version}.{version}"

    def _commit(self, run_id: str) -> str:
        lines = (self.log / f"{self.first:020d}.json").read_text().splitlines()
        info = next(found for line in lines if "commitInfo" in (found := json.loads(line)))["commitInfo"]
        said = json.dumps({**json.loads(info["userMetadata"]), "run_id": run_id})
        now = int(time.time() * 1000)
        return json.dumps({"commitInfo": {**info, "timestamp": now, "userMetadata": said, "benchmark": True}})

    @contextmanager
    def swapped(self, every: float) -> Iterator[dict[str, float]]:
        """While this is open a new version is published every so many seconds: its name -> when it was in place."""
        placed: dict[str, float] = {}
        over = threading.Event()

        def swap() -> None:
            while not over.wait(every):
                placed[self.publish("AB"[(len(placed) + 1) % 2])] = time.time()

        thread = threading.Thread(target=swap)
        thread.start()
        try:
            yield placed
        finally:
            over.set()
            thread.join()


def write_purchases(path: Path, customers: int) -> None:
    """Two purchases a customer, of all labels."""
    chance = np.random.default_rng(7)
    names = ["Customer_ID", "Order_ID", "Date", "Total_Amount_LKR", "Product_Category"]
    schema = pa.schema([(name, pa.int64() if name == "Total_Amount_LKR" else pa.string()) for name in names])
    with csv.CSVWriter(path, schema) as out:
        for first in range(0, 2 * customers, CHUNK):
            number = np.arange(first, min(first + CHUNK, 2 * customers))
            days = np.datetime64("2025-12-31") - chance.integers(0, 700, len(number))
            columns = [
                named("CUST", number % customers),
                named("ORD", number),
                pa.array(days.astype(str)),
                pa.array(chance.integers(500, 40_000, len(number))),
                pa.array(CATEGORIES[chance.integers(0, len(CATEGORIES), len(number))]),
            ]
            out.write(pa.table(columns, schema=schema))


def named(kind: str, numbers: np.ndarray) -> pa.Array:
    """Ids of numbers."""
    digits = compute.utf8_lpad(pa.array(numbers).cast(pa.string()), 8, "0")
    return compute.binary_join_element_wise(kind, digits, "")


class Server:
    """A process that answers requests.

    Args:
        command: that starts it; `{port}` stands for its port.
        customer: somebody it knows.
    """

    def __init__(self, command: list[str], customer: str) -> None:
        self.port = free_port()
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [part.format(port=self.port) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self.drained = threading.Thread(target=self.process.stderr.read, daemon=True)  # type: ignore[union-attr]
        self.drained.start()
        self.first_answer = self._first(f"/segments/{customer}", started)

    def _first(self, address: str, started: float) -> float:
        while self.process.poll() is None and time.perf_counter() - started < 60:
            try:
                self.get(address)
                return time.perf_counter() - started
            except urllib.error.HTTPError:
                raise
            except OSError:
                time.sleep(0.01)
        raise SystemExit("The server did not start.")

    def get(self, address: str) -> Any:
        """What an address answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{address}", timeout=300) as answer:
            return answer.read()

    def memory(self) -> list[dict[str, Any]]:
        """Of each of its processes, in bytes."""
        me = psutil.Process(self.process.pid)
        return [{"what": kind_of(one), **memory_of(one.pid)} for one in (me, *me.children(recursive=True))]

    def load(self, ids: Path, **options: float) -> dict[str, Any]:
        """What a load generator of its own process saw."""
        given = [f"--{name}={value}" for name, value in options.items()]
        command = [sys.executable, "-m", "benchmarks.load", str(self.port), str(ids), *given]
        before, waited, started = self._computed(), self._waited(), time.perf_counter()
        found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout)
        return {
            **found,
            "computed": (self._computed() - before) / max(1, found["requests"]),
            "waited": (self._waited() - waited) / (time.perf_counter() - started),
        }

    def _computed(self) -> float:
        """Seconds of a core, of all its processes."""
        me = psutil.Process(self.process.pid)
        return sum(sum(one.cpu_times()[:2]) for one in (me, *me.children(recursive=True)))

    def _waited(self) -> float:
        """Seconds that the main threads of its processes could have computed and had no core."""
        me = psutil.Process(self.process.pid)
        told = [Path(f"/proc/{one.pid}/schedstat").read_text() for one in (me, *me.children(recursive=True))]
        return sum(int(text.split()[1]) for text in told) / 1e9

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def ours(output: Path, workers: int) -> list[str]:
    """The command that serves an output."""
    place = ["--output-dir", str(output), "--port", "{port}", "--workers", str(workers)]
    return [sys.executable, "-m", "segmentation.cli", "serve", *place]


def kind_of(process: psutil.Process) -> str:
    """What a process is for."""
    line = " ".join(process.cmdline())
    if "resource_tracker" in line:
        return "helper of Python's"
    if "spawn_main" not in line:
        return "server"
    parent = process.parent()
    return "tables" if parent and is_worker(parent) else "worker"


def is_worker(process: psutil.Process) -> bool:
    """Is it one that answers requests? With one worker, that is the server itself."""
    line = process.cmdline()
    return "spawn_main" in " ".join(line) or line[-1] == "1"


def memory_of(pid: int) -> dict[str, int]:
    """Bytes that a process holds: all, its own, and pages of files, which others share."""
    text = Path(f"/proc/{pid}/status").read_text()
    return {kind: int(re.search(rf"{kind}:\s+(\d+) kB", text)[1]) << 10 for kind in KINDS}  # type: ignore[index]


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
