"""`segmentation rejected`: rejected rows as a file in the form of the input, ready to be corrected and read again."""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segmentation.config import SegmentationConfig
    from segmentation.state.output import Output

HELP = "write rejected rows to a CSV file, ready to be corrected and read again"
INSTALL = "pip install 'customer-segmentation[embedded]'"
# What helps to correct a row; the job ignores further columns.
NOTES = ("reasons", "source", "raw_record")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--to", metavar="FILE", required=True, help="the file to write; it must not be there")
    parser.add_argument("--reason", action="append", metavar="REASON", help="only rows with it; may be repeated")
    parser.add_argument("--run", metavar="RUN", help="the run that rejected them (default: the last one that did)")
    parser.add_argument("--config", metavar="FILE")
    parser.add_argument("--output-dir", metavar="DIR", help="where that run published")


def execute(options: argparse.Namespace) -> int:
    """Write the rows, and say how many."""
    from segmentation.config import load_config, override
    from segmentation.errors import ConfigError
    from segmentation.schemas import Reason
    from segmentation.state.output import Output

    config = override(load_config(options.config), {"output_dir": options.output_dir})
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

    try:
        import pyarrow.compute as pc
        from deltalake import DeltaTable
    except ImportError as error:
        raise ConfigError(f"segmentation rejected needs {error.name}: {INSTALL}.") from error
    if output.local is None:
        raise ConfigError(f"{output.rejected} is not on this machine: query it with Spark, filtered by run_id.")
    if not DeltaTable.is_deltatable(output.rejected):
        raise ConfigError(f"{output.root} holds no table of rejected rows. Check --output-dir and --config.")
    rows = DeltaTable(output.rejected).to_pyarrow_dataset()
    ids = pc.unique(rows.to_table(columns=["run_id"])["run_id"]).to_pylist()
    # An id begins with the time of its run.
    chosen = run or max(ids, default="no run")
    if run and run not in ids:
        raise ConfigError(
            f"--run: {run} rejected no rows here; those that did: {', '.join(sorted(ids)[-5:]) or 'none'}."
        )
    batches = rows.to_batches(filter=pc.field("run_id") == chosen)
    wanted = (row for batch in batches for row in batch.to_pylist())
    return chosen, (row for row in wanted if not reasons or set(reasons) & set(row["reasons"]))


def _write(target: Path, config: SegmentationConfig, rows: Iterator[Mapping[str, Any]]) -> int:
    """Write what a run with this configuration reads; a file only if there are rows, and only when it is whole."""
    from segmentation.errors import ConfigError

    if os.path.lexists(target):
        raise ConfigError(f"{target} is there already. Name another file, or remove it.")
    first = next(rows, None)
    if first is None:
        return 0
    hidden = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        # The mark says UTF-8 to whoever opens it, whatever `encoding` is.
        with hidden.open("w", encoding="utf-8-sig", newline="") as out:
            writer = csv.writer(out, delimiter=config.delimiter, lineterminator="\n")
            writer.writerows([["Rejected rows, to be corrected"]] * config.skip_lines)
            writer.writerow([*_header(config), *NOTES])
            count = sum(1 for row in chain([first], rows) if writer.writerow(_cells(row)))
        hidden.replace(target)
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        hidden.unlink(missing_ok=True)
    return count


def _cells(row: Mapping[str, Any]) -> list[Any]:
    from segmentation.schemas import PURCHASE_COLUMNS

    return [row[name] for name in PURCHASE_COLUMNS] + [",".join(row["reasons"]), row["source"], row["raw_record"]]


def _header(config: SegmentationConfig) -> list[str]:
    """The names by which this configuration finds the columns of a purchase."""
    from segmentation.sources.header import DOCUMENT_COLUMNS

    mapped = {name: theirs for name, theirs in config.columns.items() if isinstance(theirs, str)}
    return [mapped.get(name, usual) for name, usual in DOCUMENT_COLUMNS.items()]
