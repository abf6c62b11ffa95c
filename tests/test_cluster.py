"""On a real cluster, with what dies on clusters: `make test-cluster`. The first test is part of `make test` as well.

Whatever happens, readers see the state before or the new one, and the next run equals one that nothing disturbed. The
numbers are in docs/reliability.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from .cluster import QUICK, Cluster
from .processes import EXPORT, ROOT, ended, generate, kill, two_inputs, undisturbed, wait_for

LOGS = ROOT / "conf/spark/log4j2-executor.properties"
SEED = int(os.environ.get("KILL_SEED", "20261124"))
KILLS = int(os.environ.get("KILLS", "30"))
BUSY = 5
DIMENSIONS = ("purchase_frequency", "spending", "category")

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("cluster")]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("a cluster")) as started:
        yield started


@pytest.fixture(autouse=True)
def whole(cluster: Cluster) -> None:
    cluster.fill_up()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, bytes]:
    return two_inputs(tmp_path_factory.mktemp("small"), 20_000)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    path = generate(tmp_path_factory.mktemp("large") / "large.csv", 1_000_000, 3)
    return path, undisturbed(path, path.with_suffix(".out"))


def digest(labels: dict[str, dict[str, str]]) -> str:
    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()


def of_json(content: bytes) -> str:
    return digest({row["customer_id"]: row["segmentation"] for row in json.loads(content)})


def of_delta(spark: SparkSession, out: Path) -> str | None:
    """The labels in the table; None if there is none yet."""
    path = out / "delta/customer_segments"
    if not (path / "_delta_log").is_dir() or not list((path / "_delta_log").glob("*.json")):
        return None
    rows = spark.read.format("delta").load(str(path)).collect()
    if not rows:
        return None
    assert len({row.run_id for row in rows}) == 1
    return digest({row.customer_id: {name: row[name] for name in DIMENSIONS} for row in rows})


def assert_published(spark: SparkSession, out: Path, expected: bytes) -> None:
    """The JSON is this one, to the byte, and the table says the same."""
    assert (out / EXPORT).read_bytes() == expected
    assert of_delta(spark, out) == of_json(expected)


def test_two_workers_without_python_and_one_dies(cluster: Cluster, tmp_path: Path) -> None:
    path = ROOT / "data/purchase_records.csv"
    expected = undisturbed(path, tmp_path / "local")
    out = tmp_path / "an output"
    java = f"{QUICK['spark.executor.extraJavaOptions']} -Dlog4j2.configurationFile={LOGS.as_uri()}"
    said = cluster.run("--csv-path", path, "--output-dir", out, conf={**QUICK, "spark.executor.extraJavaOptions": java})
    assert (out / EXPORT).read_bytes() == expected
    assert len(cluster.tasks_by_executor()) == 2
    run_id = re.findall(r" INFO (\S+) Run started", said)[0]
    logs = [path.read_text() for path in cluster.folder.glob("work/*/*/stderr")]
    assert len(logs) == 2
    assert all(f" {run_id} Executor: Running task" in log for log in logs)

    process = cluster.submit("--csv-path", path, "--output-dir", out, conf=QUICK)
    cluster.wait_for_step("Read and validate", 60)
    cluster.kill_worker()
    code, said = ended(process, 300)
    assert code == 0, said[-6000:]
    assert (out / EXPORT).read_bytes() == expected


@pytest.mark.cluster
@pytest.mark.parametrize("phase", ["Read and validate", "Segment customers", "Write JSON", "Publish"])
def test_a_worker_is_killed_in_each_phase(
    phase: str, cluster: Cluster, large: tuple[Path, bytes], spark: SparkSession, tmp_path: Path
) -> None:
    path, expected = large
    out = tmp_path / "out"
    process = cluster.submit("--csv-path", path, "--output-dir", out)
    cluster.wait_for_step(phase)
    cluster.kill_worker()
    cluster.fill_up()
    code, said = ended(process, 600)
    assert code == 0, said[-6000:]
    assert_published(spark, out, expected)
    cluster.run("--csv-path", path, "--output-dir", out)
    assert (out / EXPORT).read_bytes() == expected


@pytest.mark.cluster
def test_the_driver_is_killed_at_random_moments(
    cluster: Cluster, small: dict[Path, bytes], spark: SparkSession, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    inputs = list(small)
    chosen = random.Random(SEED)
    undisturbed(inputs[0], out)
    started = time.monotonic()
    cluster.run("--csv-path", inputs[0], "--output-dir", out, conf=QUICK)
    usual = time.monotonic() - started
    old = 0
    seen: list[dict[str, Any]] = []
    while sum(one["killed"] for one in seen) < KILLS:
        new = 1 - old
        process = cluster.submit("--csv-path", inputs[new], "--output-dir", out, conf=QUICK, log=tmp_path / "log")
        # Every other one late, when outputs are being published.
        moment = chosen.uniform(0.7 if len(seen) % 2 else 0.1, 1.0) * usual
        time.sleep(moment)
        # One that has ended by then was not killed.
        was_running = process.poll() is None
        kill(process)
        exported, table = (out / EXPORT).read_bytes(), of_delta(spark, out)
        states = {of_json(small[inputs[old]]): "old", of_json(small[inputs[new]]): "new"}
        state = {"json": states.get(of_json(exported), "TORN"), "delta": states.get(table or "", "TORN")}
        # The table is first; the next run lets its JSON follow.
        assert (state["json"], state["delta"]) in {("old", "old"), ("new", "new"), ("old", "new")}, (seen, moment)
        # In local mode, which starts faster; it makes no difference to what lies there.
        assert undisturbed(inputs[new], out) == small[inputs[new]]
        assert of_delta(spark, out) == of_json(small[inputs[new]])
        assert list((out / ".staging").glob("*")) == []
        seen.append({"after": round(moment, 1), "killed": was_running, **state})
        old = new
    print(json.dumps({"usual": round(usual, 1), "seed": SEED, "kills": seen}))
    print(f"{KILLS} drivers killed, {len(seen)} runs recovered, 0 torn.")


@pytest.mark.cluster
def test_the_master_is_restarted(cluster: Cluster, large: tuple[Path, bytes], tmp_path: Path) -> None:
    path, expected = large
    out = tmp_path / "out"
    process = cluster.submit("--csv-path", path, "--output-dir", out)
    cluster.wait_for_step("Read and validate")
    cluster.kill_master()
    time.sleep(3)
    cluster.start_master()
    code, said = ended(process, 600)
    assert code == 0, said[-6000:]
    assert (out / EXPORT).read_bytes() == expected
    wait_for("the workers", lambda: cluster.alive() == cluster.wanted, 120)
    cluster.run("--csv-path", path, "--output-dir", out)
    assert (out / EXPORT).read_bytes() == expected


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own; to mount one takes root."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.cluster
def test_the_disk_of_the_output_is_full(
    cluster: Cluster, small: dict[Path, bytes], large: tuple[Path, bytes], spark: SparkSession, tmp_path: Path
) -> None:
    path, expected = next(iter(small.items()))
    with small_disk(tmp_path / "disk", 24) as disk:
        out = disk / "out"
        cluster.run("--csv-path", path, "--output-dir", out, conf=QUICK)
        code, said = ended(cluster.submit("--csv-path", large[0], "--output-dir", out), 600)
        assert code == 1, said[-6000:]
        assert "No space left on device" in said
        assert_published(spark, out, expected)
        cluster.run("--csv-path", path, "--output-dir", out, conf=QUICK)
        assert (out / EXPORT).read_bytes() == expected


@pytest.mark.cluster
def test_the_disk_of_the_executors_fills_up(
    small: dict[Path, bytes], large: tuple[Path, bytes], spark: SparkSession, tmp_path: Path
) -> None:
    path, expected = next(iter(small.items()))
    out = tmp_path / "out"
    with (
        small_disk(tmp_path / "disk", 256) as disk,
        Cluster(tmp_path / "cluster", local_dirs=disk / "local") as cluster,
    ):
        cluster.run("--csv-path", path, "--output-dir", out, conf=QUICK)
        # A master starts executors on a full disk over and over; the run must not wait for ever.
        (tmp_path / "own.yaml").write_text("max_run_minutes: 6\n")
        process = cluster.submit("--csv-path", large[0], "--output-dir", out, "--config", tmp_path / "own.yaml")
        cluster.wait_for_step("Read and validate")
        filler = disk / "filler"
        subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=1M"], check=False, capture_output=True)
        code, said = ended(process, 600)
        assert code == 1, said[-6000:]
        assert "No space left on device" in said or "max_run_minutes (6)" in said
        assert_published(spark, out, expected)
        filler.unlink()
        cluster.run("--csv-path", path, "--output-dir", out, conf=QUICK)
        assert (out / EXPORT).read_bytes() == expected


@pytest.mark.cluster
def test_two_submissions_at_once(
    cluster: Cluster, small: dict[Path, bytes], spark: SparkSession, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    one_each = {**QUICK, **{f"spark.dynamicAllocation.{name}Executors": "1" for name in ("initial", "min", "max")}}
    conf = {**one_each, "spark.cores.max": "1", "spark.ui.enabled": "false"}
    both = [cluster.submit("--csv-path", path, "--output-dir", out, conf=conf) for path in small]
    ends = sorted(ended(process, 600) for process in both)
    assert [code for code, _ in ends] == [0, BUSY], ends
    assert "Another run holds" in ends[1][1]
    exported = (out / EXPORT).read_bytes()
    assert exported in small.values()
    assert_published(spark, out, exported)


@pytest.mark.cluster
def test_speculative_duplicates(
    cluster: Cluster, large: tuple[Path, bytes], spark: SparkSession, tmp_path: Path
) -> None:
    path, expected = large
    out = tmp_path / "out"
    eager = {
        "spark.speculation.interval": "50ms",
        "spark.speculation.multiplier": "1.01",
        "spark.speculation.quantile": "0.1",
        "spark.speculation.minTaskRuntime": "50ms",
        # Many small tasks, of which every one slower than the median is started once more.
        "spark.sql.files.maxPartitionBytes": "2m",
        "spark.speculation.efficiency.enabled": "false",
    }
    cluster.run("--csv-path", path, "--output-dir", out, conf=eager)
    again = [task for task in cluster.tasks() if task["Task Info"]["Speculative"]]
    assert again
    assert_published(spark, out, expected)
    print(f"{len(again)} speculative attempts, {sum(task['Task Info']['Killed'] for task in again)} of them killed")
