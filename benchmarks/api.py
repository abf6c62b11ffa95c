"""`make bench-api`: segments over HTTP, beside the example of the business document, on the same file.

The load generator shares the cores with what it asks. Writes docs/serving-benchmark.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from benchmarks.api_page import write
from benchmarks.machine import machine
from benchmarks.served import HERE, ROOT, Served
from benchmarks.server import Server, ours

CONNECTIONS, RATE = 50, 500
PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "flask", "werkzeug", "deltalake")
# What is left for the system while the example holds the file once a connection.
SPARE = 4 << 30


def main() -> int:
    """Measure, then write."""
    parser = argparse.ArgumentParser(description="Measure segments over HTTP.")
    parser.add_argument("--customers", default="1000000,10000000", help="sizes; the example is measured at the first")
    parser.add_argument("--seconds", type=int, default=30, help="of each measurement")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench-api", help="where data goes")
    options = parser.parse_args()
    sizes = [Served(options.folder, int(size)) for size in options.customers.split(",")]
    record: dict[str, Any] = {"machine": machine(PACKAGES), "seconds": options.seconds, "busy": os.getloadavg()[0]}
    record["example"] = example(sizes[0])
    told("the example", record["example"]["saturated"])
    record["ours"] = [one for served in sizes for one in all_of(served, options.seconds)]
    known = options.folder / "measured.json"
    known.write_text(json.dumps(record, indent=1))
    write(record)
    return 0


def all_of(served: Served, seconds: int) -> list[dict[str, Any]]:
    """With one worker and with two."""
    return [measured(served, workers, seconds) for workers in (1, 2)]


def measured(served: Served, workers: int, seconds: int) -> dict[str, Any]:
    """All there is to know of our server."""
    what = f"{served.customers:,} customers, {workers} workers"
    served.warm()
    starts = [first_answer(served, workers) for _ in range(3)]
    server = Server(ours(served.output, workers), served.somebody)
    try:
        found: dict[str, Any] = {"customers": served.customers, "workers": workers, "starts": starts}
        found["memory at first"] = server.memory()
        found["saturated"] = server.load(served.ids, connections=CONNECTIONS, seconds=seconds)
        told(f"{what}, saturated", found["saturated"])
        found["offered"] = server.load(served.ids, connections=CONNECTIONS, seconds=seconds, rate=RATE)
        told(f"{what}, {RATE}/s", found["offered"])
        found["swapped"] = swapped(served, server, seconds)
        told(f"{what}, {RATE}/s, swapped", found["swapped"])
        # The first question to the tables starts their process.
        server.get(f"/customers/{served.somebody}/metrics")
        found["memory at last"] = server.memory()
    finally:
        server.stop()
    print(f"{what}: first answer after {statistics.median(starts):.2f} s", flush=True)
    return found


def first_answer(served: Served, workers: int) -> float:
    """Seconds from the start of the process."""
    server = Server(ours(served.output, workers), served.somebody)
    server.stop()
    return server.first_answer


def swapped(served: Served, server: Server, seconds: int) -> dict[str, Any]:
    """At the same rate, while a new version takes its place every second."""
    with served.swapped(1) as placed:
        found = server.load(served.ids, connections=CONNECTIONS, seconds=seconds, rate=RATE)
    if not found["checked"] or not found["versions"]:
        raise SystemExit("No answer said of which version it is, so nothing is known of mixtures.")
    return {**found, "noticed": noticed(placed, found["versions"])}


def noticed(placed: dict[str, float], seen: dict[str, Sequence[float]]) -> list[float]:
    """Seconds from when a version was in place to the last answer of the one before, from any worker."""
    names = [name for name in placed if name in seen]
    return [seen[before][1] - placed[name] for before, name in pairwise(names)]


def example(served: Served) -> dict[str, Any]:
    """The example of the business document: alone, and with as many connections as memory allows."""
    script = str(HERE / "contenders" / "flask_example.py")
    server = Server([sys.executable, script, str(served.variants["A"]), "{port}"], served.somebody)
    try:
        alone = server.load(served.ids, connections=1, seconds=120, requests=3)
        process = psutil.Process(server.process.pid)
        # What it holds after a request is less than what it held in it.
        one = peak_of(process)
        connections = max(1, min(CONNECTIONS, (psutil.virtual_memory().available - SPARE) // one))
        saturated = server.load(served.ids, connections=connections, seconds=300, requests=2 * connections)
        return {
            "alone": alone,
            "saturated": saturated,
            "connections": connections,
            "memory of one": one,
            "memory": peak_of(process),
        }
    finally:
        server.stop()


def peak_of(process: psutil.Process) -> int:
    """The most bytes that a process held so far."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) << 10


def told(what: str, load: dict[str, Any]) -> None:
    """For who waits."""
    times = ", ".join(f"{name} {load[name] * 1000:.1f} ms" for name in ("p50", "p99", "max"))
    faults = f"{load['errors']} errors, {load['mixed']} mixed"
    print(f"{what}: {load['per_second']:.1f}/s, {times}, {faults}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
