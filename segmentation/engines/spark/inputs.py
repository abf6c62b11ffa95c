"""Tables as input: Delta, Parquet and tables of the catalog through Spark's readers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation.core.typed import double_amount_text, double_text
from segmentation.engines.base import TypedRows
from segmentation.engines.partitions import NULL, by_columns
from segmentation.engines.spark.files import java_message
from segmentation.engines.stores import StoredFile
from segmentation.errors import NoDataError, SourceError
from segmentation.locations import literally, local_path, readable
from segmentation.schemas import AMOUNT

# What Parquet stores a value as, where nothing more is said of it.
PHYSICAL = {"BOOLEAN": "boolean", "INT32": "int", "INT64": "bigint", "INT96": "timestamp", "FLOAT": "float"}
PHYSICAL |= {"DOUBLE": "double"}
WHOLE = {"8,true": "tinyint", "16,true": "smallint", "32,true": "int", "64,true": "bigint"}
WHOLE |= {"8,false": "smallint", "16,false": "int", "32,false": "bigint", "64,false": "decimal(20,0)"}
LOGICAL = {"STRING": "string", "ENUM": "string", "JSON": "string", "DATE": "date", "UNKNOWN": "void"}
# Spark knows no nanoseconds, and takes them for whole numbers.
NANOS = " in nanoseconds"
READ_OPTIONS = {"datetimeRebaseMode": "CORRECTED", "int96RebaseMode": "CORRECTED", "recursiveFileLookup": "true"}


def delta_rows(spark: SparkSession, location: str) -> list[TypedRows]:
    """The newest version of a Delta table, see `Engine.delta_rows`."""
    with _failures(location):
        bare = local_path(location) and not location.startswith("file:")
        return [_typed(spark.read.format("delta").load(os.path.abspath(location) if bare else location), location)]  # noqa: PTH100


def catalog_rows(spark: SparkSession, name: str) -> list[TypedRows]:
    """A table or view of the catalog, see `Engine.catalog_rows`."""
    try:
        return [_typed(spark.table(name), name)]
    except PySparkException as error:
        reason = str(error).splitlines()[0]
        if "NOT_FOUND" not in reason:
            raise SourceError(f"The table {name} cannot be read: {reason}") from error
        raise NoDataError(
            f"Spark's catalog has no table {name}, and there is no such path; {_there(spark, name)} Check --table, and "
            "that this Spark uses the catalog that you mean."
        ) from error


def _there(spark: SparkSession, name: str) -> str:
    """What the database of a name holds."""
    database = name.rpartition(".")[0] or spark.catalog.currentDatabase()
    try:
        tables = sorted(table.name for table in spark.catalog.listTables(database))
    except (PySparkException, Py4JJavaError):
        return f"there is no database {database}."
    shown = ", ".join(tables[:20]) + (" and more" if len(tables) > 20 else "")
    return f"{database} holds {shown or 'no tables'}."


def _typed(frame: DataFrame, where: str) -> TypedRows:
    columns = {field.name: field.dataType.simpleString() for field in frame.schema}

    def read(layout: Mapping[str, str]) -> DataFrame:
        found = frame.select(*[F.col(_quoted(name)).alias(column) for column, name in layout.items()])
        return _with_texts(found, {column: columns[name] for column, name in layout.items()})

    return TypedRows(columns, read, where)


def _with_texts(frame: DataFrame, kinds: Mapping[str, str]) -> DataFrame:
    """Floats and doubles as text."""
    floats = {column: double_text(F.col(column)) for column, kind in kinds.items() if kind in ("float", "double")}
    if kinds.get(AMOUNT) == "double":
        floats[AMOUNT] = double_amount_text(AMOUNT)
    return frame.withColumns(floats) if floats else frame


def parquet_rows(spark: SparkSession, files: Sequence[StoredFile]) -> list[TypedRows]:
    """Parquet files, see `Engine.parquet_rows`. Each file's own footer is asked, on the driver."""
    footers = _footers(spark)
    with ThreadPoolExecutor(max_workers=min(16, len(files))) as pool:
        columns = dict(zip(files, pool.map(footers, files), strict=True))
    groups = by_columns(files, columns.__getitem__)
    return [_part(spark, dict(found), columns[group[0]], group) for found, group in groups.items()]


def _part(
    spark: SparkSession, columns: Mapping[str, str], own: Mapping[str, str], files: Sequence[StoredFile]
) -> TypedRows:
    def read(layout: Mapping[str, str]) -> DataFrame:
        stored = [name for name in dict.fromkeys(layout.values()) if name in own]
        schema = ", ".join(f"{_quoted(name)} {_stored_as(own[name])}" for name in stored)
        reader = spark.read.options(**READ_OPTIONS)
        # Without a column of its own, a file is read for its folders alone.
        frame = (reader.schema(schema) if schema else reader).parquet(*[literally(file.path) for file in files])
        values = {
            column: _value(name, own[name]) if name in own else _from_folder(name) for column, name in layout.items()
        }
        found = frame.select(*[value.alias(column) for column, value in values.items()])
        return _with_texts(found, {column: columns[name] for column, name in layout.items()})

    return TypedRows({name: kind.removesuffix(NANOS) for name, kind in columns.items()}, read, readable(files[0].uri))


def _stored_as(kind: str) -> str:
    return "bigint" if kind.endswith(NANOS) else kind.replace("void", "string")


def _value(name: str, kind: str) -> Column:
    value = F.col(_quoted(name))
    if not kind.endswith(NANOS):
        return value
    instant = F.timestamp_micros(F.floor(value / 1000))
    return instant.cast(kind.removesuffix(NANOS))


def _from_folder(name: str) -> Column:
    """The value in the name of a folder, which is encoded, in a path that is encoded once more."""
    path = _decoded(F.col("_metadata.file_path"))
    value = F.regexp_extract(path, f"/{re.escape(name)}=([^/]*)/", 1)
    return F.when(value != NULL, _decoded(value))


def _decoded(text: Column) -> Column:
    # Not the plus of forms.
    return F.url_decode(F.replace(text, F.lit("+"), F.lit("%2B")))


def _footers(spark: SparkSession) -> Callable[[StoredFile], dict[str, str]]:
    """A function from a file to its columns; files with one schema are looked at closely once."""
    context = spark.sparkContext
    jvm: Any = context._jvm
    conf: Any = context._jsc.hadoopConfiguration()
    known: dict[str, dict[str, str]] = {}

    def columns_of(file: StoredFile) -> dict[str, str]:
        with _failures(readable(file.uri)):
            source = jvm.org.apache.parquet.hadoop.util.HadoopInputFile.fromPath(
                jvm.org.apache.hadoop.fs.Path(file.path), conf
            )
            reader = jvm.org.apache.parquet.hadoop.ParquetFileReader.open(source)
            try:
                schema = reader.getFileMetaData().getSchema()
                text = schema.toString()
                if text not in known:
                    known[text] = {field.getName(): _word(field) for field in schema.getFields()}
                return known[text]
            finally:
                reader.close()

    return columns_of


def _word(field: Any) -> str:
    """The type of a column of Parquet, in Spark's words."""
    logical = field.getLogicalTypeAnnotation()
    said = "" if logical is None else str(logical.toString())
    if not field.isPrimitive():
        return {"LIST": "array", "MAP": "map"}.get(said, "struct")
    if str(field.getRepetition().toString()) == "REPEATED":
        return "array"
    return (
        _logical_word(said)
        if said
        else PHYSICAL.get(field.asPrimitiveType().getPrimitiveTypeName().toString(), "binary")
    )


@cache
def _logical_word(said: str) -> str:
    word, _, inside = said.rstrip(")").partition("(")
    if word == "INTEGER":
        return WHOLE[inside]
    if word == "DECIMAL":
        return f"decimal({inside})"
    if word == "TIMESTAMP":
        unit, _, is_instant = inside.partition(",")
        return ("timestamp" if is_instant == "true" else "timestamp_ntz") + (NANOS if unit == "NANOS" else "")
    return LOGICAL.get(word, said.lower())


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


@contextmanager
def _failures(what: str) -> Iterator[None]:
    """Say what could not be read.

    Raises:
        SourceError: it could not.
    """
    try:
        yield
    except (Py4JJavaError, PySparkException) as error:
        reason = java_message(error) if isinstance(error, Py4JJavaError) else str(error).splitlines()[0]
        raise SourceError(
            f"{what} could not be read ({reason}). Nothing was published; check that it is whole and readable."
        ) from error
