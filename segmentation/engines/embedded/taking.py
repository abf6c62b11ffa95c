"""Files that the engine wrote become those of a Delta table: nothing is written twice.

delta-rs commits them. Where it would do more than that to the rows, or the files are not just as it would write them,
it writes the rows itself.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.transaction import AddAction, RemoveAction
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.engines.stores import TableSpec
from segmentation.locations import local_path

CONSTRAINT = "delta.constraints."
# What tables of the job say that asks nothing more of who writes files.
PLAIN = {"delta.dataSkippingStatsColumns"}
WRITER_FEATURES = {"appendOnly", "invariants", "checkConstraints", "timestampNtz"}
# What a file says of the least and the largest text may be cut off there.
CUT_OFF = 60


def takes_files(table: DeltaTable, schema: pa.Schema, spec: TableSpec) -> bool:
    """Is a table such that whoever adds a file to it must see to nothing but its own `spec`?

    Args:
        table: the table.
        schema: of the rows.
        spec: what the table promises.
    """
    about, protocol = table.metadata(), table.protocol()
    asked = {name for name in about.configuration if name not in PLAIN}
    return (
        asked == {CONSTRAINT + name for name in spec.checks}
        and not about.partition_columns
        and WRITER_FEATURES.issuperset(protocol.writer_features or ())
        and _types(pa.schema(table.schema().to_arrow())) == _types(schema)
        and {field.name for field in table.schema().fields if not field.nullable} == spec.never_null & set(schema.names)
        and all(about.configuration[CONSTRAINT + name] == condition for name, condition in spec.checks.items())
    )


def are_taken(files: Sequence[Path], frame: DataFrame, schema: pa.Schema, spec: TableSpec) -> bool:
    """Do files hold just what a table of `schema` and `spec` may hold?

    Args:
        files: Parquet.
        frame: their rows.
        schema: names and types of the table's columns.
        spec: what must hold of every row.
    """
    read = [pq.ParquetFile(file) for file in files]
    if any(_types(one.schema_arrow) != _types(schema) or _has_null(one.metadata, spec) for one in read):
        return False
    holds = [F.expr(condition).eqNullSafe(F.lit(True)) for condition in spec.checks.values()]
    return not any(not frame.where(~one).limit(1).isEmpty() for one in holds)


def taken(files: Sequence[Path], path: str, spec: TableSpec) -> list[AddAction | RemoveAction]:
    """Put files beside those of the table, where nobody reads them until they are committed.

    Args:
        files: Parquet.
        path: of the table.
        spec: what its readers skip files by.
    """
    return [_added(file, Path(str(local_path(path))), spec.key) for file in files]


def _added(file: Path, folder: Path, key: str) -> AddAction:
    target = folder / f"part-00000-{uuid4()}-c000.snappy.parquet"
    try:
        os.link(file, target)
    except OSError:
        # Another file system, or one that has no links.
        shutil.copyfile(file, target)
    told = target.stat()
    stats = json.dumps(_statistics(pq.read_metadata(target), key))
    return AddAction(target.name, told.st_size, {}, int(told.st_mtime * 1000), True, stats)


def _statistics(of: pq.FileMetaData, key: str) -> Mapping[str, Any]:
    """How many rows there are, and between which values of `key`, as Delta's protocol has it."""
    said: dict[str, Any] = {"numRecords": of.num_rows}
    groups = [_column(of, number, key).statistics for number in range(of.num_row_groups)]
    if not groups or not all(one is not None and one.has_min_max and one.has_null_count for one in groups):
        return said
    least, largest = min(one.min for one in groups), max(one.max for one in groups)
    if any(len(str(value).encode()) >= CUT_OFF for value in (least, largest)):
        return said
    nulls = sum(one.null_count for one in groups)
    return said | {"minValues": {key: str(least)}, "maxValues": {key: str(largest)}, "nullCount": {key: nulls}}


def _has_null(of: pq.FileMetaData, spec: TableSpec) -> bool:
    """Has a column nulls that may have none, as far as is known?"""
    for number in range(of.num_row_groups):
        for name in spec.never_null:
            known = _column(of, number, name).statistics
            if known is None or not known.has_null_count or known.null_count:
                return True
    return False


def _column(of: pq.FileMetaData, group: int, name: str) -> pq.ColumnChunkMetaData:
    paths = {of.schema.column(number).path.split(".")[0]: number for number in range(of.num_columns)}
    return of.row_group(group).column(paths[name])


def _types(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    return [(field.name, field.type) for field in schema]
