"""`segmentation query`: SQL on the published tables, which it cannot change."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from segmentation.commands.outputs import add_place, configured, opened

if TYPE_CHECKING:
    import pyarrow as pa

    from segmentation.state.output import Output

HELP = "run SQL on the published tables"
# How a statement that only reads begins. Not with a comment: where that ends is for the parser alone to know.
READS = re.compile(r"[\s(]*(?:SELECT|WITH|VALUES|DESCRIBE)\b", re.IGNORECASE)
# As many rows as a terminal is asked to show; widths are known only when all are here.
SHOWN = 1000


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument(
        "sql", metavar="SQL", help='as in "SELECT spending, count(*) FROM customer_segments GROUP BY 1"'
    )
    parser.add_argument("--format", choices=tuple(WRITERS), default="table", help="default: table, for people")
    parser.add_argument("--to", metavar="FILE", help="write there instead; it must not be there")
    add_place(parser)


def execute(options: argparse.Namespace) -> int:
    """Run the query, and print what it gives."""
    from segmentation.console import read_or_not
    from segmentation.errors import ConfigError
    from segmentation.state.output import Output

    if not READS.match(options.sql):
        raise ConfigError(
            f"query: only reads, so it takes SELECT, WITH, VALUES or DESCRIBE, found {options.sql[:40]!r}."
        )
    if options.format == "parquet" and not options.to:
        raise ConfigError("query: --format parquet is for files: name one with --to.")
    schema, batches = _result(Output.of(configured(options)), options.sql)
    with read_or_not(is_all_there_is=True), _target(options.to) as out:
        WRITERS[options.format](schema, batches, out)
    return 0


def _result(output: Output, sql: str) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """What a query gives, a few rows at a time.

    Raises:
        ConfigError: nothing is published here, or the query cannot be run.
        DamagedOutputError: a table is not whole.
    """
    import pyarrow as pa

    from segmentation.errors import ConfigError
    from segmentation.state.damage import see_whole

    see_whole(output)
    tables = {Path(path).name: path for path in output.tables if path == output.segments or _is_there(path)}
    found = {name: opened(output, path, "query") for name, path in tables.items()}
    from deltalake import QueryBuilder
    from deltalake.exceptions import DeltaError

    builder = QueryBuilder()
    for name, table in found.items():
        builder.register(name, table)

    def running(step: Callable[[], Any]) -> Any:
        try:
            return step()
        except (DeltaError, ValueError, OSError) as error:
            raise ConfigError(f"query: {str(error).rstrip('.')}. The tables here: {', '.join(tables)}.") from error

    reader = running(lambda: pa.RecordBatchReader.from_stream(builder.execute(sql)))

    def batches() -> Iterator[pa.RecordBatch]:
        while (batch := running(lambda: next(reader, None))) is not None:
            yield batch

    return reader.schema, batches()


def _is_there(path: str) -> bool:
    from segmentation.locations import DELTA_LOG, join

    return Path(join(path, DELTA_LOG)).is_dir()


@contextmanager
def _target(name: str | None) -> Iterator[IO[bytes]]:
    """Where the result goes; a file is there only when it is whole."""
    from segmentation.errors import ConfigError
    from segmentation.local_files import whole_or_not_at_all

    if name is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(name)
    if target.exists():
        raise ConfigError(f"{target} is there already. Name another file, or remove it.")
    try:
        with whole_or_not_at_all(target) as hidden, hidden.open("xb") as out:
            yield out
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror or error}.") from error


def _write_table(schema: pa.Schema, batches: Iterator[pa.RecordBatch], out: IO[bytes]) -> None:
    """Columns for people: numbers to the right, nothing that a terminal would obey."""
    from segmentation.console import columns, printable

    rows: list[list[str]] = []
    more = 0
    for batch in batches:
        shown = _rows(batch)
        more += max(0, len(shown) - (SHOWN - len(rows)))
        rows += [[printable(_text(value)) for value in row] for row in shown[: SHOWN - len(rows)]]
    to_the_right = [_is_number(field.type) for field in schema]
    for line in columns([schema.names, *rows], to_the_right):
        out.write(f"{line}\n".encode())
    count = f"{len(rows) + more:,} rows" if len(rows) + more != 1 else "1 row"
    out.write(f"({count}{f', the first {SHOWN:,} shown; --format csv gives all' if more else ''})\n".encode())


def _write_csv(schema: pa.Schema, batches: Iterator[pa.RecordBatch], out: IO[bytes]) -> None:
    """RFC 4180, with a header; lists and maps as JSON."""
    import csv
    import io

    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(schema.names)
    for batch in batches:
        writer.writerows([[_text(value) for value in row] for row in _rows(batch)])
    text.detach()


def _write_json(schema: pa.Schema, batches: Iterator[pa.RecordBatch], out: IO[bytes]) -> None:
    """An array, a row a line; decimals as text, to the cent.

    Raises:
        ConfigError: two columns have one name, of which JSON would keep one.
    """
    from segmentation.errors import ConfigError

    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if twice:
        raise ConfigError(f"query: two columns are called {', '.join(twice)}; give them names of their own with AS.")
    between = "[\n"
    for batch in batches:
        for row in _rows(batch):
            out.write(f"{between}{_json(dict(zip(schema.names, row, strict=True)))}".encode())
            between = ",\n"
    out.write(b"[]\n" if between == "[\n" else b"\n]\n")


def _write_parquet(schema: pa.Schema, batches: Iterator[pa.RecordBatch], out: IO[bytes]) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(out, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


WRITERS: dict[str, Callable[[Any, Iterator[Any], IO[bytes]], None]] = {
    "table": _write_table,
    "csv": _write_csv,
    "json": _write_json,
    "parquet": _write_parquet,
}


def _rows(batch: pa.RecordBatch) -> list[tuple[Any, ...]]:
    """By place: columns may have the same name."""
    return list(zip(*[column.to_pylist(maps_as_pydicts="strict") for column in batch.columns], strict=True))


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return _json(value) if isinstance(value, dict | Sequence) and not isinstance(value, str) else str(value)


def _json(value: Any) -> str:
    from segmentation.insights.plain import plain

    return json.dumps(plain(value), ensure_ascii=False)
