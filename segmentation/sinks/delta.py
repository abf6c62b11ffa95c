"""Delta tables: customers, rejected rows, runs. Every commit is atomic and carries the id of its run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import unquote

from delta.tables import DeltaTable
from pyspark import InheritableThread
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from segmentation.rows import known_rows
from segmentation.schemas import CUSTOMER_ID, PURCHASE_COLUMNS, RAW, RAW_RECORD, RAW_TEXTS, REASONS, SOURCE, SOURCE_ID
from segmentation.validation import source_id

SEGMENT_CHECKS: Mapping[str, str] = {
    "has_purchases": "total_purchases >= 1",
    "spend_not_negative": "lifetime_spend >= 0",
    "first_before_last": "first_purchase <= last_purchase AND last_purchase <= as_of",
}
REJECTED_CHECKS: Mapping[str, str] = {"has_reason": "size(reasons) >= 1"}
COUNTS_ADD_UP = "rows_read = purchases_used + rows_rejected + purchases_after_as_of"
RUN_CHECKS: Mapping[str, str] = {"nothing_is_lost": f"outcome != 'succeeded' OR {COUNTS_ADD_UP}"}

RUN_SCHEMA = """
    run_id string, outcome string, message string, started_at timestamp, finished_at timestamp,
    mode string, source string, source_paths array<string>, as_of date,
    rows_read bigint, purchases_used bigint, rows_rejected bigint, purchases_after_as_of bigint, total_customers bigint,
    rejected_by_reason map<string,bigint>, warnings_by_reason map<string,bigint>,
    segments map<string,map<string,bigint>>, festive_days array<string>,
    config_fingerprint string, versions map<string,string>, durations map<string,double>
"""


def ensure_table(
    spark: SparkSession, path: str, schema: StructType, never_null: set[str], checks: Mapping[str, str], key: str
) -> None:
    """Create the table with its constraints, in one commit, if it is not there yet.

    Of all columns, Delta keeps the smallest and largest value a file of `key` only: readers look rows up by it.
    """
    if DeltaTable.isDeltaTable(spark, path):
        return
    builder = DeltaTable.createIfNotExists(spark).location(path)
    for field in schema.fields:
        builder = builder.addColumn(field.name, field.dataType, nullable=field.name not in never_null)
    for name, condition in checks.items():
        builder = builder.property(f"delta.constraints.{name}", condition)
    builder.property("delta.dataSkippingStatsColumns", key).execute()


@contextmanager
def looked_up(spark: SparkSession, paths: Sequence[str]) -> Iterator[None]:
    """Have Delta find out how its tables stand while something else is done, which it would do later on.

    Whatever goes wrong here goes wrong again, and is reported, where the table is really needed.
    """

    def look() -> None:
        with suppress(Exception):
            spark.sparkContext.setJobDescription("Look up tables")
            for path in paths:
                if DeltaTable.isDeltaTable(spark, path):
                    spark.read.format("delta").load(path).inputFiles()

    looker = InheritableThread(target=look)
    looker.start()
    try:
        yield
    finally:
        looker.join()


def publish_segments(customers: DataFrame, path: str, labels: list[str], commit: Mapping[str, Any]) -> None:
    """Replace the table of customers in one commit.

    Args:
        customers: one row per customer, all columns of the table.
        path: the table.
        labels: the label columns, which are never null.
        commit: what the commit's user metadata says, ``run_id`` above all.
    """
    spark = customers.sparkSession
    never_null = {CUSTOMER_ID, "total_purchases", "lifetime_spend", "as_of", "run_id", "updated_at", *labels}
    ensure_table(spark, path, customers.schema, never_null, SEGMENT_CHECKS, CUSTOMER_ID)
    current = spark.read.format("delta").load(path).schema
    changed = [(f.name, f.dataType) for f in current] != [(f.name, f.dataType) for f in customers.schema]
    writer = customers.write.format("delta").mode("overwrite").option("userMetadata", json.dumps(commit))
    # Only then: replacing the schema would drop NOT NULL.
    (writer.option("overwriteSchema", "true") if changed else writer).save(path)


def published_by(spark: SparkSession, path: str, run_id: str) -> int | None:
    """The version of the table that this run committed last, if it is the table's newest one; else None."""
    if not DeltaTable.isDeltaTable(spark, path):
        return None
    newest = DeltaTable.forPath(spark, path).history(1).select("version", "userMetadata").first()
    return newest["version"] if newest and f'"{run_id}"' in (newest["userMetadata"] or "") else None


def withdraw(spark: SparkSession, path: str, run_id: str) -> None:
    """Take back what this run committed, if it did: the version before is current again."""
    version = published_by(spark, path, run_id)
    if version is not None:
        DeltaTable.forPath(spark, path).restoreToVersion(version - 1)


def rejected_rows(labelled: DataFrame, names: Sequence[str], run_id: str, rejected_at: Column) -> DataFrame:
    """The rejected rows as the table shows them: raw texts under the canonical names, so that they can be corrected
    and read again.

    Args:
        labelled: the labelled frame.
        names: of the files or the collection that were read, as URIs.
        run_id: the run.
        rejected_at: timestamp of the run.

    Returns:
        One row per rejected row: ``source``, ``raw_record`` (the whole row if it is malformed), the five texts as
        they were read (null where there was none), ``reasons``, ``run_id``, ``rejected_at``.
    """
    has_raw = F.col(RAW).isNotNull()
    raw = {name: F.when(has_raw, F.col(RAW)[number]) for number, name in enumerate(RAW_TEXTS)}
    texts = [F.when(has_raw, raw[name]).otherwise(F.col(name).cast("string")) for name in PURCHASE_COLUMNS]
    spark = labelled.sparkSession
    sources = known_rows(
        spark, [{"name": name, SOURCE: readable(name)} for name in names], f"name string, {SOURCE} string"
    )
    known = F.broadcast(sources.select(source_id(F.col("name")).alias(SOURCE_ID), SOURCE))
    rejected = labelled.where(F.col(REASONS).isNotNull())
    return rejected.join(known, on=SOURCE_ID, how="left").select(
        SOURCE,
        raw[RAW_RECORD].alias(RAW_RECORD),
        *[text.alias(name) for name, text in zip(PURCHASE_COLUMNS, texts, strict=True)],
        REASONS,
        F.lit(run_id).alias("run_id"),
        rejected_at.alias("rejected_at"),
    )


def readable(name: str) -> str:
    """A local file as its path, everything else as it is."""
    return re.sub("^file:(//)?(?=/)", "", unquote(name))


def append_rejected(rejected: DataFrame, count: int, path: str, commit: Mapping[str, Any]) -> None:
    """Add `count` rejected rows to their table in one commit; with none, see only that the table is there to query."""
    never_null = {REASONS, "run_id", "rejected_at"}
    ensure_table(rejected.sparkSession, path, rejected.schema, never_null, REJECTED_CHECKS, "run_id")
    if count:
        rejected.write.format("delta").mode("append").option("userMetadata", json.dumps(commit)).save(path)


def append_run(spark: SparkSession, path: str, record: Mapping[str, Any]) -> None:
    """Add one run to the table of runs; `record` is JSON-serialisable and has the columns of `RUN_SCHEMA`."""
    row = known_rows(spark, [record], RUN_SCHEMA)
    ensure_table(spark, path, row.schema, {"run_id", "outcome", "started_at"}, RUN_CHECKS, "run_id")
    row.write.format("delta").mode("append").option("userMetadata", json.dumps({"run_id": record["run_id"]})).save(path)
