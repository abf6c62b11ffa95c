"""`segmentation rejected`: rejected rows as a file in the form of the input, ready to be corrected and read again."""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation.commands.outputs import add_place, configured, opened

if TYPE_CHECKING:
    from segmentation.config import SegmentationConfig
    from segmentation.state.output import Output

HELP = "write rejected rows to a CSV file, ready to be corrected and read again"
# What helps to correct a row; the job ignores further columns.
NOTES = ("reasons", "source", "raw_record")
UNUSED = "unused"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--to", metavar="FILE", required=True, help="the file to write; it must not be there")
    parser.add_argument("--reason", action="append", metavar="REASON", help="only rows with it; may be repeated")
    parser.add_argument("--run", metavar="RUN", help="the run that rejected them (default: the last one that did)")
    add_place(parser, config="what that run was configured with: the file has its form")


def execute(options: argparse.Namespace) -> int:
    """Write the rows, and say how many."""
    from segmentation.errors import ConfigError
    from segmentation.schemas import Reason
    from segmentation.state.output import Output

    config = configured(options)
    unknown = sorted(set(options.reason or ()) - set(Reason))
    if unknown:
        raise ConfigError(f"--reason: expected one of {', '.join(Reason)}, found {unknown[0]}.")
    run_id, rows = _rows(Output.of(config), options.run, options.reason or ())
    written = _write(Path(options.to), config, rows)
    print(f"{written:,} rejected rows of {run_id}" + (f" -> {options.to}" if written else "; nothing is written"))
    return 0


def _rows(output: Output, run: str | None, reasons: Sequence[str]) -> tuple[str, Iterator[Mapping[str, Any]]]:
    """A run, and its rejected rows with one of `reasons`, a few at a time."""
    from segmentation.errors import ConfigError

    table = opened(output, output.rejected, "rejected")
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = table.to_pyarrow_dataset()
    # The second in an id is too coarse to tell which of two runs was the last one.
    last: dict[str, datetime] = {}
    for batch in rows.to_batches(columns=["run_id", "rejected_at"]):
        found = pa.Table.from_batches([batch]).group_by("run_id").aggregate([("rejected_at", "max")])
        last |= {row["run_id"]: row["rejected_at_max"] for row in found.to_pylist()}
    ids = sorted(last, key=lambda one: last[one])
    chosen = run or (ids[-1] if ids else "no run")
    if run and run not in ids:
        raise ConfigError(f"--run: {run} rejected no rows here; those that did: {', '.join(ids[-5:]) or 'none'}.")
    batches = rows.to_batches(filter=pc.field("run_id") == chosen)
    wanted = (row for batch in batches for row in batch.to_pylist())
    return chosen, (row for row in wanted if not reasons or set(reasons) & set(row["reasons"]))


def _write(target: Path, config: SegmentationConfig, rows: Iterator[Mapping[str, Any]]) -> int:
    """Write what a run with this configuration reads; a file only if there are rows, and only when it is whole."""
    from segmentation.errors import ConfigError
    from segmentation.local_files import whole_or_not_at_all

    if os.path.lexists(target):
        raise ConfigError(f"{target} is there already. Name another file, or remove it.")
    first = next(rows, None)
    if first is None:
        return 0
    try:
        # The mark says UTF-8 to whoever opens it, whatever `encoding` is.
        with whole_or_not_at_all(target) as hidden, hidden.open("w", encoding="utf-8-sig", newline="") as out:
            writer = csv.writer(out, delimiter=config.delimiter, lineterminator="\r\n")
            writer.writerows([["Rejected rows, to be corrected"]] * config.skip_lines)
            header = header_of(config)
            writer.writerow(list(header))
            count = sum(1 for row in chain([first], rows) if writer.writerow(_cells(row, header)))
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}.") from error
    return count


def _cells(row: Mapping[str, Any], header: Mapping[str, str]) -> list[Any]:
    """What stands under each name; a table from before a column was there has none of it."""
    found = {**row, "reasons": ",".join(row["reasons"])}
    return [found.get(column) for column in header.values()]


def header_of(config: SegmentationConfig) -> dict[str, str]:
    """The columns of a purchase, by the names and at the places that this configuration finds them by; then notes.

    Numbered columns are at their places; what is left free between them is ``unused``.
    """
    from segmentation.sources.header import DOCUMENT_COLUMNS, wanted

    columns = wanted(config.file_columns)
    names = {column: DOCUMENT_COLUMNS.get(column, column) for column in columns}
    names |= {column: theirs for column, theirs in config.file_columns.items() if isinstance(theirs, str)}
    places = {theirs - 1: column for column, theirs in config.file_columns.items() if isinstance(theirs, int)}
    named = iter([column for column in columns if column not in places.values()])
    ordered = [places.get(at) or next(named, UNUSED) for at in range(max([len(columns), *(at + 1 for at in places)]))]
    ordered += named
    header: dict[str, str] = {}
    for column in [*ordered, *NOTES]:
        name = names.get(column, column)
        taken = {one.strip().lower() for one in (*header, *(names.values() if column in (UNUSED, *NOTES) else ()))}
        header[next(one for one in _spellings(name) if one.strip().lower() not in taken)] = column
    return header


def _spellings(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} {number}" for number in count(2))
