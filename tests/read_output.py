"""What readers of an output see, for `spark-submit` with the packages of its store: a line of JSON."""

from __future__ import annotations

import hashlib
import json
import sys

from pyspark.sql import SparkSession

DIMENSIONS = ("purchase_frequency", "spending", "category")


def main() -> None:
    root = sys.argv[1]
    spark = SparkSession.builder.getOrCreate()
    exported = spark.read.text(f"{root}/customer_segmentation.json", wholetext=True).first()[0]
    rows = spark.read.format("delta").load(f"{root}/delta/customer_segments").collect()
    labels = {row.customer_id: {name: row[name] for name in DIMENSIONS} for row in rows}
    seen = {
        "json": hashlib.sha256(exported.encode()).hexdigest(),
        "same": labels == {row["customer_id"]: row["segmentation"] for row in json.loads(exported)},
        "outcomes": sorted(row.outcome for row in spark.read.format("delta").load(f"{root}/delta/runs").collect()),
    }
    print("seen:" + json.dumps(seen))


main()
