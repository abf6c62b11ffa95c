"""A frame of one row, made without sending rows to the JVM."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F


def one_row(spark: SparkSession, values: Mapping[str, Any], schema: str) -> DataFrame:
    """One row of `schema`; `values` is JSON-serialisable, what it lacks is null."""
    row = F.from_json(F.lit(json.dumps(values)), schema)
    return spark.range(1, numPartitions=1).select(row.alias("row")).select("row.*")
