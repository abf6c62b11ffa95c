"""What takes long: many kills at random moments, and a day of operation in fast motion; for `make test-endurance`."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import HEADER, published
from .test_cluster import small_disk
from .test_watch import Watched, until

pytestmark = pytest.mark.endurance
KILLS = 200
EXPORT = "customer_segmentation.json"
RUN = [sys.executable, "-m", "segmentation.cli", "run", "--engine", "embedded"]


def rows(name: str, number: int, chance: random.Random) -> str:
    """Purchases of customers who are shared by all files."""
    return "".join(
        f"C{chance.randrange(300)},{name}-{at},2024-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02},"
        f"{chance.randrange(100, 900_000) / 100},{chance.choice(('Womens', 'Mens', 'Kids'))}\n"
        for at in range(number)
    )


def alone(folder: Path, source: Path, *more: str) -> bytes:
    """The export of one full run from nothing."""
    command = [
        *RUN,
        "--csv-path",
        str(source),
        "--output-dir",
        str(folder),
        "--config",
        str(folder.parent / "own.yaml"),
    ]
    subprocess.run([*command, *more], check=True, capture_output=True)
    return (folder / EXPORT).read_bytes()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """What all runs are configured with."""
    (tmp_path / "own.yaml").write_text("report: false\nmax_rejected_ratio: 1\nmonitoring: {refuse_above: null}\n")
    return tmp_path / "own.yaml"


@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_many_kills_and_no_torn_publication(own: Path, tmp_path: Path, mode: str) -> None:
    chance = random.Random(7)
    texts = [HEADER + rows("a", 3000, chance)]
    texts.append(texts[0] + rows("b", 3000, chance))
    expected = []
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.csv").write_text(text)
        expected.append(alone(tmp_path / f"alone{number}", tmp_path / f"{number}.csv"))
    source = tmp_path / "in.csv"
    source.write_text(texts[0])
    command = [
        *RUN,
        "--csv-path",
        str(source),
        "--output-dir",
        str(tmp_path / "out"),
        "--config",
        str(own),
        "--mode",
        mode,
    ]
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    usual = time.monotonic() - started
    runs = killed = 0
    while killed < KILLS // 2:
        runs += 1
        source.write_text(texts[runs % 2])
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            process.wait(chance.uniform(0.2, 1.1) * usual)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed += 1
        assert (tmp_path / "out" / EXPORT).read_bytes() in expected
        labels = [
            {one["customer_id"]: one["segmentation"]["purchase_frequency"] for one in json.loads(of)} for of in expected
        ]
        assert published(tmp_path)[1] in labels
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / "out" / EXPORT).read_bytes() == expected[texts.index(source.read_text())]
    by_json, by_table = published(tmp_path)
    assert by_json == by_table
    print(f"{mode}: {runs} runs, {killed} killed, 0 torn")


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watched]:
    """On a small disk where one can be had."""
    if os.geteuid() != 0:
        pytest.skip("a disk that fills up is mounted as root")
    with small_disk(tmp_path / "disk", 64) as disk:
        watched = Watched(disk)
        yield watched
        if watched.process and watched.process.poll() is None:
            watched.process.kill()
            watched.process.wait()


def test_a_day_in_fast_motion(watch: Watched, tmp_path: Path) -> None:
    """Files come, some broken and mended later, some corrected, some removed; kills; the disk is full once."""
    chance, seen = random.Random(11), {"killed": 0, "broken": 0, "full": 0}
    (watch.folder / "own.yaml").write_text(
        "report: false\nmax_rejected_ratio: 1\nmonitoring: {refuse_above: null}\nmode: incremental\n"
    )
    options = ("--settle", "0.2", "--retry-after", "0.5", "--retries", "8")
    watch.start(*options)
    for number in range(60):
        time.sleep(chance.uniform(0.1, 2.0))
        watch.put(f"{number}.csv", rows(f"f{number}", 200, chance))
        kind = number % 10
        if kind == 3:
            (watch.folder / f"in/broken{number}.csv").write_text("what,ever\n1,2\n")
            seen["broken"] += 1
        elif kind == 5:
            for broken in (watch.folder / "in").glob("broken*.csv"):
                broken.unlink()
        elif kind == 6:
            watch.put(f"{number - 6}.csv", rows(f"f{number - 6}", 150, chance))
        elif kind == 7:
            (watch.folder / f"in/{number - 5}.csv").unlink()
        elif kind == 8:
            assert watch.process is not None
            if chance.random() < 0.5:
                subprocess.run(["pkill", "-9", "-P", str(watch.process.pid)], check=False)
            # It was alive, whatever happened before.
            assert watch.stop(signal.SIGKILL) == -signal.SIGKILL
            seen["killed"] += 1
            watch.start(*options)
        elif number == 34:
            with (watch.folder / "filler").open("wb") as filler:
                subprocess.run(["dd", "if=/dev/zero", "bs=1M"], stdout=filler, stderr=subprocess.DEVNULL, check=False)
            time.sleep(5)
            (watch.folder / "filler").unlink()
            seen["full"] += 1
    until(lambda: watch.status()["state"] == "watching" and watch.status()["verdict"] == "ok", "the day to end")
    watch.settle()
    assert watch.stop() == 0
    (tmp_path / "own.yaml").write_text("report: false\nmax_rejected_ratio: 1\n")
    assert (watch.folder / "out" / EXPORT).read_bytes() == alone(tmp_path / "alone", watch.folder / "in")
    by_json, by_table = published(watch.folder)
    assert by_json == by_table
    outcomes = watch.runs()
    print(f"{len(outcomes)} runs, {outcomes.count('failed')} recorded as failed; {seen}")
