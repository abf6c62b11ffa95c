"""A load generator for loopback, as small as it can be: it shares the cores with what it asks.

``python -m benchmarks.load PORT IDS.txt --connections 50 --seconds 10 [--rate 500] [--requests N]`` prints what it saw
as JSON. Without a rate, each connection asks again as soon as it is answered. With one, requests are due at even
distances whatever becomes of those before, and the time of each counts from the moment when it was due: a server that
stops for a while is charged for all that were due meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop

LENGTH, VERSION = b"content-length: ", b"x-segments-version: "
# What the labels of a version begin with, see `benchmarks.served`.
MARK = b'"spending":"B '


class Seen:
    """What came back."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.errors = 0
        # Whose header and labels were compared, and those of which differed.
        self.checked = 0
        self.mixed = 0
        self.versions: dict[str, list[float]] = {}

    def answer(self, customer: str, head: bytes, body: bytes, seconds: float) -> None:
        """One answer: is it the right one, and of one version?"""
        self.seconds.append(seconds)
        self.statuses[head[9:12].decode()] += 1
        if head[9:12] != b"200" or customer.encode() not in body:
            self.errors += 1
            return
        version = _header(head, VERSION)
        if version:
            self.checked += 1
            self.mixed += version.startswith(b"B") != (MARK in body)
            now = time.time()
            self.versions.setdefault(version.decode(), [now, now])[1] = now

    def told(self, started: float) -> dict[str, Any]:
        """In numbers."""
        took, ordered = time.perf_counter() - started, sorted(self.seconds)
        return {
            "requests": len(ordered),
            "per_second": len(ordered) / took,
            "errors": self.errors,
            "checked": self.checked,
            "mixed": self.mixed,
            "statuses": dict(self.statuses),
            **{name: _at(ordered, share) for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("max", 1))},
            "versions": self.versions,
        }


class Connection(asyncio.Protocol):
    """One connection that is kept: a request, its answer, the next request."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.transport: Any = None
        self.asked: tuple[str, float] | None = None
        self.received = b""

    def connection_made(self, transport: Any) -> None:
        """It is free."""
        self.transport = transport
        self.load.free(self)

    def ask(self, customer: str, due: float) -> None:
        """Send a request."""
        self.asked = customer, due
        self.transport.write(b"GET /segments/%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % customer.encode())

    def data_received(self, data: bytes) -> None:
        """Some of an answer, or all."""
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end or self.asked is None:
            return
        length = int(_header(head, LENGTH) or 0)
        if len(body) < length:
            return
        customer, due = self.asked
        self.asked, self.received = None, b""
        self.load.seen.answer(customer, head, body, time.perf_counter() - due)
        # Flask's server keeps no connection.
        if not head.startswith(b"HTTP/1.1") or b"\r\nConnection: close" in head:
            self.transport.close()
        else:
            self.load.free(self)

    def connection_lost(self, _: Exception | None) -> None:
        """Whoever was not answered was failed."""
        if self.asked:
            self.load.seen.errors += 1
        self.load.reconnect()


class Load:
    """All connections, and what is due.

    Args:
        options: of the command.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.seen = Seen()
        self.ids = _ids(options.ids)
        self.idle: deque[Connection] = deque()
        self.due: deque[float] = deque()
        self.left = options.requests or sys.maxsize
        self.is_over = False
        self.opening: set[Any] = set()

    def free(self, connection: Connection) -> None:
        """Something to do for a connection: what is due, or anything where no rate is given."""
        if self.is_over or not self.left:
            return
        if not self.options.rate:
            self.left -= 1
            connection.ask(next(self.ids), time.perf_counter())
        elif self.due:
            connection.ask(next(self.ids), self.due.popleft())
        else:
            self.idle.append(connection)

    def reconnect(self) -> None:
        """In the place of one that was closed."""
        if not self.is_over and self.left:
            task = asyncio.ensure_future(self.connect())
            self.opening.add(task)
            task.add_done_callback(self.opening.discard)

    async def connect(self) -> None:
        """One more connection."""
        await asyncio.get_running_loop().create_connection(lambda: Connection(self), "127.0.0.1", self.options.port)

    async def run(self) -> dict[str, Any]:
        """Ask until it is over."""
        for _ in range(self.options.connections):
            await self.connect()
        started = time.perf_counter()
        await (self._at_rate(started) if self.options.rate else self._until_over(started))
        self.is_over = True
        return self.seen.told(started)

    async def _until_over(self, started: float) -> None:
        wanted = self.options.requests or sys.maxsize
        while time.perf_counter() - started < self.options.seconds and len(self.seen.seconds) < wanted:
            await asyncio.sleep(0.01)

    async def _at_rate(self, started: float) -> None:
        total = int(self.options.rate * self.options.seconds)
        for number in range(total):
            due = started + number / self.options.rate
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            if self.idle:
                self.idle.popleft().ask(next(self.ids), due)
            else:
                self.due.append(due)
        end = time.perf_counter() + 10
        while len(self.seen.seconds) + self.seen.errors < total and time.perf_counter() < end:
            await asyncio.sleep(0.01)
        # Who got no answer at all.
        self.seen.errors += max(0, total - len(self.seen.seconds) - self.seen.errors)


def _ids(path: Path) -> Iterator[str]:
    ids = path.read_text().split()
    random.Random(7).shuffle(ids)  # noqa: S311 - no secret
    return itertools.cycle(ids)


def _header(head: bytes, name: bytes) -> bytes:
    at = head.lower().find(b"\n" + name)
    return head[at + 1 + len(name) :].partition(b"\r")[0] if at >= 0 else b""


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def main() -> int:
    """Ask, and print."""
    parser = argparse.ArgumentParser(description="Ask for segments.")
    parser.add_argument("port", type=int)
    parser.add_argument("ids", type=Path, help="a file of ids, one a line")
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10, help="how long at most")
    parser.add_argument("--rate", type=float, help="requests a second, offered")
    parser.add_argument("--requests", type=int, help="how many at most")
    print(json.dumps(uvloop.run(Load(parser.parse_args()).run())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
