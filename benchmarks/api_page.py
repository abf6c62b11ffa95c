"""What `make bench-api` measured -> docs/serving-benchmark.md."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "serving-benchmark.md"
START, END = "<!-- measured: begin -->", "<!-- measured: end -->"
Record = dict[str, Any]


def write(record: Record) -> None:
    """Put what was measured between the marks."""
    text = PAGE.read_text()
    head, tail = text[: text.index(START) + len(START)], text[text.index(END) :]
    parts = [_machine(record), _targets(record), _example(record), _loads(record), _swaps(record), _memory(record)]
    PAGE.write_text("\n\n".join([head, *parts, tail]))


def _machine(record: Record) -> str:
    facts = "; ".join(f"{name} {value}" for name, value in record["machine"].items())
    return (
        f"Measured in one run, {record['seconds']} seconds each: {facts}. Load of the machine before: "
        f"{record['busy']:.1f}."
    )


def _table(*head: str, rows: Iterator[tuple[object, ...]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def _targets(record: Record) -> str:
    def rows() -> Iterator[tuple[object, ...]]:
        first = record["ours"][0]
        ratio = first["saturated"]["per_second"] / record["example"]["saturated"]["per_second"]
        yield "times the example's throughput, saturated", "1000", f"{ratio:,.0f}", _met(ratio >= 1000)
        for one in record["ours"]:
            name = _name(one)
            most = 10 if one["customers"] <= 1_000_000 else 20
            for what in ("offered", "swapped"):
                took = one[what]["p99"] * 1000
                yield f"{name}, p99, {SAID[what]}", f"{most} ms", f"{took:.1f} ms", _met(took <= most)
            faults = one["swapped"]["errors"] + one["swapped"]["mixed"]
            yield f"{name}, errors and mixed answers while swapped", "0", faults, _met(faults == 0)
            slowest = max(one["swapped"]["noticed"], default=0.0)
            yield f"{name}, new version noticed, slowest", "1 s", f"{slowest:.2f} s", _met(slowest <= 1)
            start = statistics.median(one["starts"])
            yield f"{name}, first answer", "2 s", f"{start:.2f} s", _met(start <= 2)
            if one["customers"] <= 1_000_000:
                held = max(found["VmRSS"] for found in one["memory at last"] if found["what"] in WORKERS) / 2**20
                yield f"{name}, memory of a worker", "150 MB", f"{held:.0f} MB", _met(held <= 150)

    return _table("what", "target", "measured", "met", rows=rows())


SAID = {
    "saturated": "50 connections, saturated",
    "offered": "500 a second offered",
    "swapped": "500 a second, a new version every second",
}
WORKERS = ("worker", "server")


def _met(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _name(one: Record) -> str:
    workers = "1 worker" if one["workers"] == 1 else f"{one['workers']} workers"
    return f"{one['customers']:,} customers, {workers}"


def _example(record: Record) -> str:
    found = record["example"]
    alone, most = found["alone"], found["saturated"]
    return (
        f"The example, on the same file: a request alone takes {alone['p50']:.1f} s and "
        f"{found['memory of one'] / 2**30:.1f} GB. With {found['connections']} connections, as many as memory allows "
        f"(at most 50), it answers {most['per_second']:.3f} requests a second, the slowest after {most['max']:.0f} s, "
        f"and holds {found['memory'] / 2**30:.1f} GB; {most['errors']} of {most['requests']} failed."
    )


def _loads(record: Record) -> str:
    def rows() -> Iterator[tuple[object, ...]]:
        for one in record["ours"]:
            for what, said in SAID.items():
                load = one[what]
                times = [f"{load[name] * 1000:.1f} ms" for name in ("p50", "p99", "p999", "max")]
                yield (
                    _name(one),
                    said,
                    f"{load['per_second']:,.0f}",
                    *times,
                    f"{load['computed'] * 1e6:.0f} µs",
                    f"{load['waited']:.0%}",
                )

    return _table("output", "load", "requests/s", "p50", "p99", "p99.9", "max", "computed each", "no core", rows=rows())


def _swaps(record: Record) -> str:
    def rows() -> Iterator[tuple[object, ...]]:
        for one in record["ours"]:
            load, took = one["swapped"], one["swapped"]["noticed"]
            middle = f"{statistics.median(took):.2f} s, {max(took):.2f} s" if took else "-"
            yield _name(one), len(took), load["requests"], load["errors"], load["mixed"], middle

    return _table("output", "swaps", "requests", "errors", "mixed", "noticed after: median, slowest", rows=rows())


def _memory(record: Record) -> str:
    def rows() -> Iterator[tuple[object, ...]]:
        for one in record["ours"]:
            for when in ("memory at first", "memory at last"):
                for held in one[when]:
                    sizes = [f"{held[kind] / 2**20:.0f} MB" for kind in ("VmRSS", "RssAnon", "RssFile")]
                    yield _name(one), when.removeprefix("memory "), held["what"], *sizes

    return _table("output", "when", "process", "VmRSS", "RssAnon", "RssFile", rows=rows())
