"""Labelled rows, written once: everything after needs them more than once, and a source may change between two reads.

The files live for one run, so they are written for speed: without statistics, and without dictionaries for values that
hardly ever repeat.
"""

from __future__ import annotations

from pyspark.sql import DataFrame

from segmentation.locations import literally
from segmentation.schemas import CUSTOMER_ID, PURCHASE_ID

FAST = {
    "compression": "lz4_raw",
    f"parquet.enable.dictionary#{CUSTOMER_ID}": "false",
    f"parquet.enable.dictionary#{PURCHASE_ID}": "false",
    "parquet.column.statistics.enabled": "false",
    "parquet.size.statistics.enabled": "false",
}


def stage(rows: DataFrame, folder: str) -> DataFrame:
    """Write `rows` to `folder` as Parquet and return them as read from there."""
    rows.write.mode("overwrite").options(**FAST).parquet(folder)
    return rows.sparkSession.read.schema(rows.schema).parquet(literally(folder))
