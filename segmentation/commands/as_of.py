"""`segmentation as-of`: the customers as they were published on a day."""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.commands.outputs import add_place, configured, midnight, opened

if TYPE_CHECKING:
    from segmentation.config import SegmentationConfig
    from segmentation.state.commits import Commit
    from segmentation.state.output import Output

HELP = "write the customers as they were published on a day"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("day", metavar="DAY", help="YYYY-MM-DD: what its end saw published")
    parser.add_argument("--to", metavar="FILE", help="write them to this .parquet or .csv; it must not be there")
    add_place(parser)


def execute(options: argparse.Namespace) -> int:
    """Say which version it is, and write it if asked to."""
    from segmentation.state.output import Output

    config = configured(options)
    output = Output.of(config)
    opened(output, output.segments, "as-of")
    commit = published_on(output, options.day, config)
    when = datetime.fromtimestamp(commit.at / 1000, config.zone).isoformat(timespec="seconds")
    print(
        f"Version {commit.version} of {output.segments}, published {when} by run {commit.said['run_id']}, as of "
        f"{commit.said.get('as_of', '(not recorded)')}."
    )
    if options.to:
        _write(output, commit.version, Path(options.to))
    else:
        print(f"Query: SELECT * FROM delta.`{output.segments}` VERSION AS OF {commit.version}")  # noqa: S608 - shown
    return 0


def published_on(output: Output, day: str, config: SegmentationConfig) -> Commit:
    """The last publication before the end of a day in the configured time zone.

    Raises:
        ConfigError: it is no day, or nothing was published by then that is still known.
    """
    from segmentation.engines.local import LocalFiles
    from segmentation.errors import ConfigError
    from segmentation.state.commits import publications

    end = (midnight("as-of", day, config) + timedelta(days=1)).timestamp() * 1000
    oldest = None
    for commit in publications(LocalFiles(), output.segments):
        if commit.at < end:
            return commit
        oldest = commit
    known = datetime.fromtimestamp(oldest.at / 1000, config.zone).date() if oldest else "none"
    raise ConfigError(f"as-of: no publication of {day} or before is kept; the oldest one that is: {known}.")


def _write(output: Output, version: int, target: Path) -> None:
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    from segmentation.errors import ConfigError
    from segmentation.local_files import whole_or_not_at_all

    if target.suffix not in (".parquet", ".csv"):
        raise ConfigError(f"--to: expected a name that ends in .parquet or .csv, found {target.name!r}.")
    if target.exists():
        raise ConfigError(f"{target} is there already. Name another file, or remove it.")
    rows = 0
    try:
        found = opened(output, output.segments, "as-of", version).to_pyarrow_dataset()
        make = pq.ParquetWriter if target.suffix == ".parquet" else csv.CSVWriter
        with whole_or_not_at_all(target) as hidden, make(hidden, found.schema) as writer:
            for batch in found.to_batches():
                writer.write(pa.Table.from_batches([batch]))
                rows += batch.num_rows
    except OSError as error:
        raise ConfigError(
            f"{target} cannot be written: {error.strerror or error}. Files of a version that `segmentation maintain` "
            "has removed cannot be read any more."
        ) from error
    print(f"{rows:,} customers -> {target}")
