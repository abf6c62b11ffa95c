"""Tables as input: Delta through delta-rs, Parquet through Arrow; both come as a stream and go into one file.

Sail's own reader of Delta tables takes a column for constant where the log's statistics have one value for its least
and its largest, although NaN is in neither; and Sail knows no nanoseconds and no dictionaries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_type

from segmentation.engines.base import TypedRows
from segmentation.engines.embedded.doubles import as_text
from segmentation.engines.embedded.stream import BATCH
from segmentation.engines.partitions import by_columns, partitions_of
from segmentation.engines.stores import StoredFile
from segmentation.errors import SourceError
from segmentation.locations import local_path, readable
from segmentation.schemas import AMOUNT

WIDER = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64(), pa.uint64(): pa.decimal128(20, 0)}
# What older writers, Spark among them, put instants into; Arrow takes them for times without a zone.
INT96 = "INT96"


def delta_rows(session: SparkSession, location: str, folder: str) -> list[TypedRows]:
    """The newest version of a Delta table, see `Engine.delta_rows`."""
    with _failures(location):
        table = DeltaTable(str(local_path(location)))
        schema = pa.schema(table.schema())
    types = {field.name: plain_type(field.type) for field in schema}

    def read(layout: Mapping[str, str]) -> DataFrame:
        selected = ", ".join(f"{_quoted(name)} AS {_quoted(column)}" for column, name in layout.items())
        wanted = pa.schema([(column, types[name]) for column, name in layout.items()])
        with _failures(location):
            found = QueryBuilder().register("input", table).execute(f"SELECT {selected} FROM input")  # noqa: S608 - names are quoted
            batches = (pa.record_batch(batch) for batch in found)
            return _staged(session, batches, wanted, Path(folder, "delta.parquet"))

    return [TypedRows({name: word(kind) for name, kind in types.items()}, read, location)]


def parquet_rows(session: SparkSession, files: Sequence[StoredFile], folder: str) -> list[TypedRows]:
    """Parquet files, see `Engine.parquet_rows`."""
    types = {file: _types(file) for file in files}
    groups = by_columns(files, lambda file: {name: word(kind) for name, kind in types[file].items()})
    return [
        _part(session, dict(columns), group, types, Path(folder, f"{number}.parquet"))
        for number, (columns, group) in enumerate(groups.items())
    ]


def _part(
    session: SparkSession,
    columns: Mapping[str, str],
    files: Sequence[StoredFile],
    types: Mapping[StoredFile, Mapping[str, pa.DataType]],
    target: Path,
) -> TypedRows:
    own = types[files[0]]

    def read(layout: Mapping[str, str]) -> DataFrame:
        wanted = pa.schema([(column, own.get(name, pa.string())) for column, name in layout.items()])
        return _staged(session, _batches(files, layout), wanted, target)

    return TypedRows(columns, read, readable(files[0].uri))


def _batches(files: Sequence[StoredFile], layout: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    for file in files:
        folders = partitions_of(file)
        with _failures(readable(file.uri)):
            found = _opened(file)
            fields = {
                column: ds.field(name) if name in found.schema.names else pa.scalar(folders[name], pa.string())
                for column, name in layout.items()
            }
            yield from found.to_batches(columns=_expressions(fields), batch_size=BATCH, batch_readahead=2)


def _expressions(fields: Mapping[str, ds.Expression | pa.Scalar]) -> dict[str, ds.Expression]:
    return {name: field if isinstance(field, ds.Expression) else ds.scalar(field) for name, field in fields.items()}


def _opened(file: StoredFile) -> ds.Dataset:
    # Nanoseconds, which are the default, reach from 1677 to 2262.
    how = ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(coerce_int96_timestamp_unit="us"))
    return ds.dataset(str(local_path(file.path)), format=how)


def _staged(session: SparkSession, batches: Iterator[pa.RecordBatch], wanted: pa.Schema, target: Path) -> DataFrame:
    """Write what comes to one file, and return it as the engine reads it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    texts = pa.schema([(field.name, _sent_as(field.type)) for field in wanted])
    with pq.ParquetWriter(target, texts, compression="lz4", use_dictionary=False, write_statistics=False) as writer:
        for batch in batches:
            writer.write_batch(_cast(batch, wanted, texts))
    return session.read.parquet(str(target))


def _sent_as(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_floating(kind) else kind


def _cast(batch: pa.RecordBatch, wanted: pa.Schema, texts: pa.Schema) -> pa.RecordBatch:
    """To plain types; what is finer than a microsecond is cut off, for only the day counts."""
    columns = [_sent(_plain(batch.column(field.name), field.type), field.name) for field in wanted]
    return pa.record_batch(columns, schema=texts)


def _sent(values: pa.Array, column: str) -> pa.Array:
    return as_text(values, is_amount=column == AMOUNT) if pa.types.is_floating(values.type) else values


def _plain(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_timestamp(kind) and values.type.tz != kind.tz:
        values = values.cast(pa.timestamp(values.type.unit, kind.tz))
    return values.cast(kind, safe=not pa.types.is_timestamp(kind))


def _types(file: StoredFile) -> dict[str, pa.DataType]:
    with _failures(readable(file.uri)):
        found = pq.ParquetFile(str(local_path(file.path)))
        leaves = [found.schema.column(number) for number in range(len(found.schema))]
        instants = {leaf.path for leaf in leaves if leaf.physical_type == INT96}
        return {
            field.name: pa.timestamp("us", "UTC") if field.name in instants else plain_type(field.type)
            for field in found.schema_arrow
        }


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type that Spark has for an Arrow type, where there is one."""
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_decimal(kind) and kind.precision <= 38:
        return pa.decimal128(kind.precision, kind.scale)
    return WIDER.get(kind, kind)


def word(kind: pa.DataType) -> str:
    """The type in Spark's words, in Arrow's where Spark has none."""
    try:
        return from_arrow_type(kind, prefer_timestamp_ntz=True).simpleString()
    except (PySparkException, ImportError):
        return str(kind)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _failures(what: str) -> Iterator[None]:
    """Say what could not be read.

    Raises:
        SourceError: it could not.
    """
    try:
        yield
    except (pa.ArrowException, OSError, DeltaError) as error:
        reason = " ".join(str(error).split())[:300]
        raise SourceError(
            f"{what} could not be read ({reason}). Nothing was published; check that it is whole and readable, or try "
            "--engine spark."
        ) from error
