"""`make report-demo`: three months of the bundled sample, one after the other, and the report on them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data" / "purchase_records.csv"
FOLDER = ROOT / "output" / "report-demo"
# What came in when: everything up to a month, then a month each.
MONTHS = ("2025-10", "2025-11", "2025-12")


def main() -> int:
    """Run three times, then ask."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    source = FOLDER / "in"
    source.mkdir(parents=True)
    header, *rows = SAMPLE.read_text().splitlines(keepends=True)
    place = ["--output-dir", str(FOLDER / "out")]
    for number, month in enumerate(MONTHS):
        before = MONTHS[number - 1] if number else ""
        chosen = [row for row in rows if before < _month(row) <= month or (not number and not _month(row))]
        (source / f"{month}.csv").write_text(header + "".join(chosen))
        segmentation("run", "--mode", "incremental", "--csv-path", str(source), "--engine", "embedded", *place)
    segmentation("history", "--since", "2000-01-01", *place)
    segmentation("report", *place)
    return 0


def _month(row: str) -> str:
    """Of a row's date; nothing for what is no date."""
    fields = row.split(",")
    return fields[2][:7] if len(fields) > 2 and fields[2][:2] == "20" else ""


def segmentation(*arguments: str) -> None:
    """A command, shown and run."""
    print(f"\n$ segmentation {' '.join(arguments)}", flush=True)
    subprocess.run([sys.executable, "-m", "segmentation.cli", *arguments], check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
