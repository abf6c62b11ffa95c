"""Delta tables through Delta's library for Spark."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from delta.tables import DeltaTable
from pyspark import InheritableThread
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from segmentation.engines.spark.rows import known_rows
from segmentation.engines.stores import Rows, TableSpec

# About 10 MB of Parquet. Every file costs a writer and a reader more than its rows do where it holds few.
ROWS_PER_FILE = 250_000
CHECKS_RETENTION = "spark.databricks.delta.retentionDurationCheck.enabled"
LISTS_BY = "spark.sql.sources.parallelPartitionDiscovery.parallelism"
COMMIT_SAYS = "spark.databricks.delta.commitInfo.userMetadata"


class SparkTables:
    """The tables of an output, see `stores.Tables`."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark

    @contextmanager
    def looked_up(self, paths: Sequence[str]) -> Iterator[None]:
        """Have Delta find out how its tables stand while something else is done, which it would do later on.

        Whatever goes wrong here goes wrong again, and is reported, where the table is really needed.
        """

        def look() -> None:
            with suppress(Exception):
                self.spark.sparkContext.setJobDescription("Look up tables")
                for path in paths:
                    if DeltaTable.isDeltaTable(self.spark, path):
                        self.spark.read.format("delta").load(path).inputFiles()

        looker = InheritableThread(target=look)
        looker.start()
        try:
            yield
        finally:
            looker.join()

    def overwrite(self, frame: DataFrame, rows: int, path: str, spec: TableSpec, commit: Mapping[str, Any]) -> None:
        """Replace the table in one commit, and its schema where that has changed."""
        self._ensure(path, frame.schema, spec)
        current = self.spark.read.format("delta").load(path).schema
        changed = [(f.name, f.dataType) for f in current] != [(f.name, f.dataType) for f in frame.schema]
        fitting = frame.coalesce(files_for(rows))
        writer = fitting.write.format("delta").mode("overwrite").option("userMetadata", json.dumps(commit))
        # Only then: replacing the schema would drop NOT NULL.
        (writer.option("overwriteSchema", "true") if changed else writer).save(path)

    def append(self, frame: DataFrame, rows: int, path: str, spec: TableSpec, commit: Mapping[str, Any]) -> None:
        """Add rows in one commit."""
        self._ensure(path, frame.schema, spec)
        # Merged, because a table of an earlier version of the program may lack columns.
        options = {"userMetadata": json.dumps(commit), "mergeSchema": "true"}
        # Not coalesced: what comes before would be computed in as few tasks.
        fitting = frame.repartition(files_for(rows))
        fitting.write.format("delta").mode("append").options(**options).save(path)

    def append_rows(
        self,
        rows: Rows,
        schema: StructType,
        path: str,
        spec: TableSpec,
        commit: Mapping[str, Any],
    ) -> None:
        """Add rows that the driver knows; with none, see only that the table is there to query."""
        frame = known_rows(self.spark, rows, schema)
        if rows:
            self.append(frame, len(rows), path, spec, commit)
        else:
            self._ensure(path, frame.schema, spec)

    def merge(self, frame: DataFrame, match: str, path: str, spec: TableSpec, commit: Mapping[str, Any]) -> None:
        """Delta writes the files anew that hold a row that is replaced, and no others."""
        self._ensure(path, frame.schema, spec)
        merging = DeltaTable.forPath(self.spark, path).alias("t").merge(frame.alias("s"), match)
        with self._saying(commit):
            merging.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()

    def read(self, path: str, version: int) -> DataFrame:
        """Without the version, Spark would compute anew what it keeps in memory, and with other rows, at each write."""
        return self.spark.read.format("delta").option("versionAsOf", version).load(path)

    def restore(self, path: str, version: int, commit: Mapping[str, Any] | None = None) -> None:
        """Make an earlier version the current one."""
        with self._saying(commit) if commit is not None else nullcontext():
            DeltaTable.forPath(self.spark, path).restoreToVersion(version)

    @contextmanager
    def _saying(self, commit: Mapping[str, Any]) -> Iterator[None]:
        """MERGE and RESTORE have no option for what a commit says."""
        self.spark.conf.set(COMMIT_SAYS, json.dumps(commit))
        try:
            yield
        finally:
            self.spark.conf.unset(COMMIT_SAYS)

    def delete(self, path: str, condition: str) -> int:
        """Delta writes the files anew that hold such a row."""
        count = self.spark.read.format("delta").load(path).where(condition).count()
        if count:
            DeltaTable.forPath(self.spark, path).delete(condition)
        return count

    def maintain(self, path: str, keep_hours: int) -> None:
        """Two commits at most, of which readers notice nothing."""
        table = DeltaTable.forPath(self.spark, path)
        table.optimize().executeCompaction()
        # Whoever runs this says how long versions are kept; nobody else writes meanwhile.
        self.spark.conf.set(CHECKS_RETENTION, "false")
        # A table of ours is one folder, and VACUUM starts this many tasks, 10,000 by default, however few files it has.
        self.spark.conf.set(LISTS_BY, "8")
        table.vacuum(keep_hours)

    def checkpoint(self, path: str) -> None:
        """Beside the log; Delta offers it to Java alone."""
        log: Any = DeltaTable.forPath(self.spark, path)._jdt.deltaLog()
        log.checkpoint()

    def _ensure(self, path: str, schema: StructType, spec: TableSpec) -> None:
        """Create the table with its constraints, in one commit, if it is not there yet.

        One that the embedded engine began to make may lack some: it adds them one by one.
        """
        if DeltaTable.isDeltaTable(self.spark, path):
            self._add_missing(path, spec)
            return
        builder = DeltaTable.createIfNotExists(self.spark).location(path)
        for field in schema.fields:
            builder = builder.addColumn(field.name, field.dataType, nullable=field.name not in spec.never_null)
        for name, condition in spec.checks.items():
            builder = builder.property(f"delta.constraints.{name}", condition)
        builder.property("delta.dataSkippingStatsColumns", spec.key).execute()

    def _add_missing(self, path: str, spec: TableSpec) -> None:
        # What `detail` shows as well, which takes a Spark job of a sixth of a second at each write.
        log: Any = DeltaTable.forPath(self.spark, path)._jdt.deltaLog()
        found = log.unsafeVolatileSnapshot().metadata().configuration()
        for name, condition in spec.checks.items():
            if not found.contains(f"delta.constraints.{name}"):
                self.spark.sql(f"ALTER TABLE {_quoted(path)} ADD CONSTRAINT {name} CHECK ({condition})")
        for name in spec.retired:
            if found.contains(f"delta.constraints.{name}"):
                self.spark.sql(f"ALTER TABLE {_quoted(path)} DROP CONSTRAINT {name}")


def _quoted(path: str) -> str:
    return "delta.`" + path.replace("`", "``") + "`"


def files_for(rows: int) -> int:
    """How many files so many rows go into."""
    return max(1, -(-rows // ROWS_PER_FILE))
