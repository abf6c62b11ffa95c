"""What `make bench` measured -> docs/benchmarks.md and its chart. MEASURED.JSON."""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from benchmarks import incremental

DOCS = Path(__file__).resolve().parents[1] / "docs"
NAMES = {
    "embedded cold": "this job, embedded, cold",
    "embedded open": "this job, embedded, in one process",
    "job cold": "this job, Spark, cold",
    "job warm": "this job, Spark, warm session",
    "parse": "Spark: parse only",
    "pandas_rules": "pandas, rules only",
    "pandas_contract": "pandas, validation too",
    "polars_rules": "Polars, rules only",
    "duckdb_rules": "DuckDB, rules only",
}
START, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def main() -> int:
    """Put the tables between the marks, and draw the chart."""
    record = json.loads(Path(sys.argv[1]).read_text())
    found = {(one["what"], one["rows"]): one for one in record["measured"]}
    sizes = sorted({rows for what, rows in found if what == "job cold"})
    page = DOCS / "benchmarks.md"
    text = page.read_text()
    head, tail = text[: text.index(START) + len(START)], text[text.index(END) :]
    parts = [machine(record), times(found, sizes), targets(found, sizes[-1]), steps(record["stages"], sizes[-1])]
    parts.append(incremental.table(record["incremental"], record["disk"]))
    page.write_text("\n\n".join([head, *parts, tail]))
    chart(found).save(DOCS / "benchmarks.svg")
    return 0


def median(found: dict[Any, Any], what: str, rows: int) -> float:
    """Seconds."""
    return statistics.median(found[what, rows]["seconds"])


def machine(record: dict[str, Any]) -> str:
    """Where and with what it was measured."""
    facts = "; ".join(f"{name} {value}" for name, value in record["machine"].items())
    return f"Measured in one run, {record['repeat']} repetitions each: {facts}."


def times(found: dict[Any, Any], sizes: list[int]) -> str:
    """A row a contender, a column a size: median seconds, from the fastest to the slowest, and peak memory."""
    lines = ["| seconds (fastest to slowest), peak memory | " + " | ".join(f"{rows:,} rows" for rows in sizes) + " |"]
    lines.append("|---" * (len(sizes) + 1) + "|")
    for what, name in NAMES.items():
        cells = []
        for rows in sizes:
            one = found[what, rows]
            low, high = min(one["seconds"]), max(one["seconds"])
            middle = statistics.median(one["seconds"])
            cells.append(f"{middle:.2f} ({low:.2f} to {high:.2f}), {one['memory'] >> 20} MB")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def targets_embedded(found: dict[Any, Any], largest: int) -> list[tuple[str, str, float, str]]:
    """What the embedded engine is measured by: what, target, value, unit."""
    cold, memory = median(found, "embedded cold", largest), found["embedded cold", largest]["memory"] / 2**20
    pandas, parse = median(found, "pandas_rules", largest), median(found, "parse", largest)
    even, small = median(found, "embedded cold", 1_000_000), median(found, "embedded cold", 100_000)
    single, files = median(found, "embedded cold single", 1_000_000), median(found, "embedded cold files", 100_000)
    return [
        ("embedded, cold, 10,000 rows", "2.0 s", median(found, "embedded cold", 10_000), " s"),
        ("embedded, cold, 100,000 rows", "2.5 s", small, " s"),
        ("embedded, cold, 1,000,000 rows", "4.0 s", even, " s"),
        ("embedded, again in one process, 10,000 rows", "0.5 s", median(found, "embedded open", 10_000), " s"),
        (f"embedded, cold, {largest:,} rows / pandas, rules only", "0.75", cold / pandas, ""),
        (f"embedded, cold, {largest:,} rows / Spark's parse of the file", "4.5", cold / parse, ""),
        (f"embedded, peak memory, {largest:,} rows", "2000 MB", memory, " MB"),
        ("embedded, 1,000,000 customers with a row each / even", "1.5", single / even, ""),
        ("embedded, 100,000 rows in 2,000 files / in one", "2.0", files / small, ""),
    ]


def targets(found: dict[Any, Any], largest: int) -> str:
    """The targets of the project and what this run gave."""
    warm = median(found, "job warm", largest)
    even, single = median(found, "job warm", 1_000_000), median(found, "job warm single", 1_000_000)
    rows = [
        *targets_embedded(found, largest),
        (
            f"Spark, warm, {largest:,} rows / Spark's parse of the file",
            "4.5",
            warm / median(found, "parse", largest),
            "",
        ),
        ("the same / pandas with validation", "0.8", warm / median(found, "pandas_contract", largest), ""),
        ("the same / pandas, rules only", "1.3", warm / median(found, "pandas_rules", largest), ""),
        ("Spark, cold, 10,000 rows", "7 s", median(found, "job cold", 10_000), " s"),
        ("Spark, warm, 10,000 rows", "0.7 s", median(found, "job warm", 10_000), " s"),
        ("Spark, warm, 1,000,000 rows", "4 s", even, " s"),
        ("`--check-freshness`, nothing new", "1 s", median(found, "check freshness", 10_000), " s"),
        ("`--help`", "0.3 s", median(found, "help", 0), " s"),
        (
            "Spark, one customer with 10% of 1,000,000 rows / even",
            "1.3",
            median(found, "job warm whale", 1_000_000) / even,
            "",
        ),
        ("Spark, 1,000,000 customers with a row each / even", "1.3", single / even, ""),
    ]
    lines = ["| what | target | measured | met |", "|---|---|---|---|"]
    for what, target, value, unit in rows:
        met = "yes" if value <= float(target.split()[0]) else "no"
        lines.append(f"| {what} | {target} | {value:.2f}{unit} | {met} |")
    return "\n".join(lines)


def steps(jobs: list[list[Any]], rows: int) -> str:
    """Where the time of one warm run on Spark goes."""
    lines = [f"One warm run of {rows:,} rows on Spark, by Spark job (those under 0.1 s left out):", ""]
    lines += ["| starts at | takes | step | executors' time | tasks |", "|---|---|---|---|---|"]
    for start, took, what, run, tasks in jobs:
        if took >= 0.1:
            lines.append(f"| {start:.1f} s | {took:.1f} s | {what.split(' (')[0]} | {run:.1f} s | {tasks} |")
    total: dict[str, float] = defaultdict(float)
    for _, took, what, _, _ in jobs:
        total["Delta's own" if what.startswith("Delta: ") else what.split(" (")[0]] += took
    lines += ["", "By step: " + ", ".join(f"{what} {took:.1f} s" for what, took in total.items()) + "."]
    return "\n".join(lines)


def chart(found: dict[Any, Any]) -> alt.HConcatChart:
    """Time and memory against rows, both logarithmic."""
    frame = pd.DataFrame(
        [
            {
                "contender": NAMES[what],
                "rows": rows,
                "seconds": statistics.median(one["seconds"]),
                "memory, MB": one["memory"] / 2**20,
            }
            for (what, rows), one in found.items()
            if what in NAMES
        ]
    )
    base = alt.Chart(frame).mark_line(point=True)
    x = alt.X("rows:Q", scale=alt.Scale(type="log"), axis=alt.Axis(format="~s"))
    color = alt.Color("contender:N", sort=list(NAMES.values()), title=None)

    def panel(what: str) -> alt.Chart:
        y = alt.Y(f"{what}:Q", scale=alt.Scale(type="log"))
        return base.encode(x=x, y=y, color=color).properties(width=330, height=300)

    return alt.hconcat(panel("seconds"), panel("memory, MB"))


if __name__ == "__main__":
    sys.exit(main())
