"""Frames of the few rows that the driver knows, made without Python on any executor (`createDataFrame` needs it)."""

from __future__ import annotations

import json

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from segmentation.engines.stores import Rows


def known_rows(spark: SparkSession, rows: Rows, schema: StructType) -> DataFrame:
    """Rows of `schema`; each is JSON-serialisable, what it lacks is null."""
    parsed = F.from_json(F.lit(json.dumps(rows)), f"array<{schema.simpleString()}>")
    return spark.range(1, numPartitions=1).select(F.inline(parsed))
