"""What `make bench-api` serves: outputs of any size, each made once by a run, and published again and again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import compute, csv

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
SAMPLED = 50_000
CHUNK = 1_000_000
CATEGORIES = np.array(["Womens", "Mens", "Kids", "Homeware"])


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
        self.variants["A"].unlink(missing_ok=True)
        os.link(self.export, self.variants["A"])
        # Under its name when all is made: whoever is interrupted begins again.
        sampled = self.ids.with_suffix(".part")
        step = max(1, self.customers // SAMPLED)
        with self.export.open("rb") as lines, self.variants["B"].open("wb") as other, sampled.open("w") as ids:
            for number, line in enumerate(lines):
                other.write(line.replace(b'"spending":"', b'"spending":"B '))
                if number % step == 0 and line.startswith(b"{"):
                    ids.write(json.loads(line.rstrip(b",\n"))["customer_id"] + "\n")
        sampled.rename(self.ids)

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
        # It adds no file, so it must not count any: a commit that lacks what it counts is a damaged one.
        told = {**info, "timestamp": now, "userMetadata": said, "operationMetrics": {}, "benchmark": True}
        return json.dumps({"commitInfo": told})

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
