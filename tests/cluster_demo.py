"""`make cluster-demo`: a master and two workers on this machine give the same bytes as local mode.

Generates purchases (5 million, or as many as the argument says), starts a standalone cluster, submits the job, shows
what each executor did, runs the job in local mode, compares, and stops what it started.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from .cluster import Cluster
from .processes import EXPORT, compare, generate, undisturbed


def main() -> int:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        purchases = generate(folder / "purchases.csv", rows, seed=1)
        with Cluster(folder) as cluster:
            print(f"A master and {cluster.alive()} workers without Python run at {cluster.url}", flush=True)
            started = time.monotonic()
            print(cluster.run("--csv-path", purchases, "--output-dir", folder / "cluster"))
            seconds = time.monotonic() - started
            show_executors(cluster)
        started = time.monotonic()
        local = undisturbed(purchases, folder / "local")
        print(f"On the cluster {seconds:.0f} s, in local mode {time.monotonic() - started:.0f} s, of {rows:,} rows.")
        return compare({"Cluster": (folder / "cluster" / EXPORT).read_bytes(), "local": local})


def show_executors(cluster: Cluster) -> None:
    """A line for each executor, from the event log."""
    done: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0, 0])
    for task in cluster.tasks():
        metrics = task.get("Task Metrics") or {}
        shuffled = metrics.get("Shuffle Read Metrics", {})
        row = done[task["Task Info"]["Executor ID"]]
        row[0] += 1
        row[1] += metrics.get("Executor Run Time", 0) / 1000
        row[2] += metrics.get("Input Metrics", {}).get("Bytes Read", 0) / 1e6
        row[3] += (shuffled.get("Remote Bytes Read", 0) + shuffled.get("Local Bytes Read", 0)) / 1e6
    print("executor    tasks  seconds  MB read  MB shuffled")
    for name, (tasks, seconds, read, shuffled) in sorted(done.items()):
        print(f"{name:>8} {tasks:8,.0f} {seconds:8.1f} {read:8.1f} {shuffled:12.1f}")


if __name__ == "__main__":
    sys.exit(main())
