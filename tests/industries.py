"""The dimensions of conf/industries by plain Python: what the tests and the demonstration compare the job with."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from .processes import ROOT

Rows = list[dict[str, str]]
Labels = dict[str, str]
GENERATOR = ROOT / "jobs" / "generate_industry.py"


def generate(industry: str, folder: Path, rows: int = 600, *options: str) -> None:
    """Let the generator write the files of an industry into a folder."""
    command = [sys.executable, str(GENERATOR), "--industry", industry, "--rows", str(rows), "--output", str(folder)]
    subprocess.run([*command, *options], check=True, capture_output=True)


def read(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def by(key: str, rows: Iterable[dict[str, str]]) -> dict[str, Rows]:
    """The rows of each customer; those of nobody are left out."""
    found: dict[str, Rows] = defaultdict(list)
    for row in rows:
        if row[key]:
            found[row[key]].append(row)
    return found


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def most_frequent(values: Iterable[str]) -> str | None:
    counts = Counter(value for value in values if value)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else None


def fashion(folder: Path) -> dict[str, Labels]:
    return {customer: _fashion(rows) for customer, rows in by("Customer_ID", read(folder / "purchases.csv")).items()}


def _fashion(rows: Rows) -> Labels:
    ages = [(date.fromisoformat(row["Date"]) - there).days for row in rows if (there := day(row["Launched"]))]
    names = Counter(row["Collection"].split()[0] for row in rows)
    early, late = (share(sum(map(test, ages)), len(ages)) for test in (lambda age: age <= 45, lambda age: age > 180))
    if early is None or late is None:
        trend = "Unknown"
    elif early >= 0.4:
        trend = "Trendsetter"
    elif late >= 0.6:
        trend = "Bargain Hunter"
    else:
        season = next((name for name in ("Summer", "Winter") if names[name] >= 0.8 * len(rows)), None)
        trend = season if season and len(rows) >= 3 else "All Year"
    sizes = [row["Size"] for row in rows]
    preferred = {"XS": "Small", "S": "Small", "M": "Medium", "L": "Large", "XL": "Large"}[most_frequent(sizes) or ""]
    return {"season_trend": trend, "size_preference": "Several" if len(set(sizes)) >= 3 else preferred}


ORACLES: dict[str, Callable[[Path], dict[str, Labels]]] = {"fashion": fashion}
