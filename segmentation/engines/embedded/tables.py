"""Delta tables through delta-rs: what Sail computes comes as a stream and is committed as it comes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from segmentation.engines.embedded.stream import Staged
from segmentation.engines.embedded.taking import CONSTRAINT, are_taken, taken, takes_files
from segmentation.engines.stores import Rows, TableSpec
from segmentation.locations import local_path

# The engine writes several files, where delta-rs writes one; fewer rows are better off in one.
MANY = 100_000
# Earlier versions of the program said size(reasons).
UNKNOWN_WORDS = re.compile(r"\bsize\s*\(", re.IGNORECASE)


class DeltaRsTables:
    """The tables of an output, see `stores.Tables`.

    Args:
        staged: knows what lies in files already.
    """

    def __init__(self, staged: Staged) -> None:
        self._staged = staged

    @contextmanager
    def looked_up(self, paths: Sequence[str]) -> Iterator[None]:  # noqa: ARG002
        """Looking a table up takes milliseconds here."""
        yield

    def overwrite(self, frame: DataFrame, rows: int, path: str, spec: TableSpec, commit: Mapping[str, Any]) -> None:
        """Replace the table in one commit, and its schema where that has changed."""
        schema = _arrow(frame.schema, spec)
        table = _ensured(path, schema, spec)
        if self._took(table, frame, rows, path, spec, "overwrite", commit):
            return
        current = pa.schema(table.schema().to_arrow())
        changed = [(f.name, f.type) for f in current] != [(f.name, f.type) for f in schema]
        reader = self._staged.reader(frame, schema)
        # Only then: replacing the schema would drop what is said of columns.
        how: Literal["overwrite"] | None = "overwrite" if changed else None
        write_deltalake(table, reader, mode="overwrite", schema_mode=how, commit_properties=_said(commit))

    def append(self, frame: DataFrame, rows: int, path: str, spec: TableSpec, commit: Mapping[str, Any]) -> None:
        """Add rows in one commit."""
        schema = _arrow(frame.schema, spec)
        if not self._took(_ensured(path, schema, spec), frame, rows, path, spec, "append", commit):
            self._append(self._staged.reader(frame, schema), path, spec, commit)

    def _took(
        self,
        table: DeltaTable,
        frame: DataFrame,
        rows: int,
        path: str,
        spec: TableSpec,
        how: Literal["append", "overwrite"],
        commit: Mapping[str, Any],
    ) -> bool:
        """Commit the files that the engine writes, if there are many rows and the table can take them."""
        schema = _arrow(frame.schema, spec)
        if rows < MANY or not takes_files(table, schema, spec):
            return False
        kept, files = self._staged.kept(frame)
        if not files or not are_taken(files, kept, schema, spec):
            return False
        counts = {"numFilesAdded": len(files), "numFilesRemoved": len(table.file_uris()) if how == "overwrite" else 0}
        table.create_write_transaction(
            taken(files, path, spec), how, table.schema(), commit_properties=_said(commit, counts)
        )
        return True

    def append_rows(
        self,
        rows: Rows,
        schema: StructType,
        path: str,
        spec: TableSpec,
        commit: Mapping[str, Any],
    ) -> None:
        """Add rows that the driver knows; with none, see only that the table is there to query."""
        of_table = _arrow(schema, spec)
        if not rows:
            _ensured(path, of_table, spec)
            return
        columns = [[_value(row.get(field.name), field.type) for row in rows] for field in of_table]
        self._append(pa.table(columns, schema=of_table).to_reader(), path, spec, commit)

    def _append(self, reader: pa.RecordBatchReader, path: str, spec: TableSpec, commit: Mapping[str, Any]) -> None:
        table = _ensured(path, reader.schema, spec)
        # Merged, because a table of an earlier version of the program may lack columns.
        write_deltalake(table, reader, mode="append", schema_mode="merge", commit_properties=_said(commit))

    def merge(self, frame: DataFrame, match: str, path: str, spec: TableSpec, commit: Mapping[str, Any]) -> None:
        """delta-rs writes the files anew that hold a row that is replaced, and no others."""
        schema = _arrow(frame.schema, spec)
        reader = self._staged.reader(frame, schema)
        merging = _ensured(path, schema, spec).merge(
            reader, match, source_alias="s", target_alias="t", commit_properties=_said(commit)
        )
        merging.when_matched_update_all().when_not_matched_insert_all().execute()

    def read(self, path: str, version: int) -> DataFrame:
        """The engine reads the table's files themselves; delta-rs only says which they are, where that is enough."""
        root = Path(str(local_path(path)))
        return self._staged.of_table(DeltaTable(str(root), version=version), root)

    def restore(self, path: str, version: int, commit: Mapping[str, Any] | None = None) -> None:
        """Make an earlier version the current one."""
        said = None if commit is None else _said(commit)
        DeltaTable(str(local_path(path))).restore(version, commit_properties=said)

    def delete(self, path: str, condition: str) -> int:
        """delta-rs writes the files anew that hold such a row."""
        return int(DeltaTable(str(local_path(path))).delete(condition)["num_deleted_rows"] or 0)

    def maintain(self, path: str, keep_hours: int) -> None:
        """Two commits at most, of which readers notice nothing."""
        table = DeltaTable(str(local_path(path)))
        table.optimize.compact()
        # In full: also files that no version ever knew, of writers that died.
        table.vacuum(keep_hours, dry_run=False, enforce_retention_duration=False, full=True)

    def checkpoint(self, path: str) -> None:
        """Beside the log."""
        DeltaTable(str(local_path(path))).create_checkpoint()


def _ensured(path: str, schema: pa.Schema, spec: TableSpec) -> DeltaTable:
    """The table, made if it is not there yet, with its constraints.

    They can be added only to a table that is there, one commit each; a run that died in between is made good for. One
    that is there stays as it is, for it is kept in words of its maker's, but for words that delta-rs does not know.
    """
    where = str(local_path(path))
    if DeltaTable.is_deltatable(where):
        table = DeltaTable(where)
    else:
        table = DeltaTable.create(where, schema, configuration={"delta.dataSkippingStatsColumns": spec.key})
    found = table.metadata().configuration
    for name in spec.retired:
        if CONSTRAINT + name in found:
            table.alter.drop_constraint(name)
    for name, condition in spec.checks.items():
        known = found.get(CONSTRAINT + name)
        if known is not None and UNKNOWN_WORDS.search(known):
            table.alter.drop_constraint(name)
            known = None
        if known is None:
            table.alter.add_constraint({name: condition})
    return table


def _arrow(schema: StructType, spec: TableSpec) -> pa.Schema:
    return pa.schema(
        [field.with_nullable(field.name not in spec.never_null) for field in to_arrow_schema(schema, timezone="UTC")]
    )


def _said(commit: Mapping[str, Any], counts: Mapping[str, int] | None = None) -> CommitProperties:
    """Where Delta's library for Spark puts it, too; and numbers of files, which delta-rs does not count there."""
    counted = {name: str(count) for name, count in (counts or {}).items()}
    return CommitProperties(custom_metadata={"userMetadata": json.dumps(commit), **counted})


def _value(value: Any, kind: pa.DataType) -> Any:
    """A value as JSON has it -> as Arrow takes it."""
    if value is None:
        return None
    if pa.types.is_timestamp(kind):
        return datetime.fromisoformat(value)
    if pa.types.is_date(kind):
        return date.fromisoformat(value)
    if pa.types.is_map(kind):
        return [(key, _value(item, kind.item_type)) for key, item in value.items()]
    return value
