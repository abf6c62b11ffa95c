"""Many ask while run after run publishes: no request fails, and none sees a mixture."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .serving import Server, publish, serving

pytestmark = pytest.mark.slow
CUSTOMERS, CALLERS, PUBLICATIONS = 300, 6, 8
ROWS = "".join(f"C{n:03d},P{n},2024-01-03,5000,Kids\n" for n in range(CUSTOMERS))
# With one of them everybody has the one label, with the other the other.
RULES = {
    "Low Value": {"low_lifetime_threshold": 9000, "high_aov_threshold": 10_000},
    "High Value": {"low_lifetime_threshold": 1, "high_aov_threshold": 5000},
}


class Seen:
    """What callers saw."""

    def __init__(self) -> None:
        self.labels: dict[str, set[str]] = defaultdict(set)
        self.problems: list[str] = []
        self.answers = 0
        self.is_over = threading.Event()

    def take(self, version: str, labels: set[str]) -> None:
        """Labels that were told of a version."""
        self.labels[version] |= labels
        self.answers += 1


def call(server: Server, seen: Seen, number: int) -> None:
    """Ask in every way, until it is over."""
    try:
        with httpx.Client(base_url=server.address, timeout=30) as ask:
            while not seen.is_over.is_set():
                for version, labels in asked(ask, number):
                    seen.take(version, labels)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a failure
        seen.problems.append(repr(error))


def asked(ask: httpx.Client, number: int) -> Iterator[tuple[str, set[str]]]:
    for customer in range(number, CUSTOMERS, 37):
        answer = ask.get(f"/segments/C{customer:03d}").raise_for_status()
        yield answer.headers["X-Segments-Version"], labels_of([answer.json()])
    many = ask.post(
        "/segments/lookup", json={"customer_ids": [f"C{n:03d}" for n in range(CUSTOMERS)]}
    ).raise_for_status()
    yield many.json()["version"], labels_of(many.json()["customers"])
    streamed = ask.get("/segments", headers={"Accept": "text/csv"}).raise_for_status()
    lines = streamed.text.splitlines()[1:]
    assert len(lines) == CUSTOMERS
    yield streamed.headers["X-Segments-Version"], {line.split(",")[2] for line in lines}
    stats = ask.get("/segments/stats").raise_for_status().json()
    spending = stats["dimensions"]["spending"]
    yield stats["version"], {label for label, found in spending.items() if found["customers"]}
    if number == 0:
        crossed = ask.get("/segments/stats?by=spending").raise_for_status()
        yield crossed.headers["X-Segments-Version"], {row["spending"] for row in crossed.json()["crossed"]["rows"]}
    yield from paged(ask)


def paged(ask: httpx.Client) -> Iterator[tuple[str, set[str]]]:
    """Page by page; a listing goes on in the version that it began with."""
    found: list[Any] = []
    told = ask.get("/segments?limit=100").raise_for_status().json()
    first = told["version"]
    while True:
        found += told["customers"]
        assert told["version"] == first
        if told["next_cursor"] is None:
            break
        time.sleep(0.3)
        told = ask.get("/segments", params={"limit": 100, "cursor": told["next_cursor"]}).raise_for_status().json()
    assert len(found) == CUSTOMERS
    yield first, labels_of(found)


def labels_of(elements: list[Any]) -> set[str]:
    return {one["segmentation"]["spending"] for one in elements}


def test_nobody_sees_a_mixture(tmp_path: Path) -> None:
    publish(tmp_path, ROWS, **RULES["Low Value"])
    seen = Seen()
    with serving(tmp_path, "--workers", "2", "--quiet") as server:
        callers = [threading.Thread(target=call, args=(server, seen, number)) for number in range(CALLERS)]
        for one in callers:
            one.start()
        for number in range(1, PUBLICATIONS):
            publish(tmp_path, ROWS, **RULES[("Low Value", "High Value")[number % 2]])
        time.sleep(1)
        seen.is_over.set()
        for one in callers:
            one.join()
    assert seen.problems == []
    assert seen.answers > 200
    assert {len(labels) for labels in seen.labels.values()} == {1}
    assert {label for labels in seen.labels.values() for label in labels} == {*RULES}
    assert len(seen.labels) >= PUBLICATIONS - 1
