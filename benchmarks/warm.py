"""A session that has run before: parse the file into plain strings, run the job on it, in turn. FILE OUTPUT REPEAT."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from segmentation import run_segmentation
from segmentation.config import load_config
from segmentation.engines.spark.session import open_session

SMALL = 100 << 20


def main() -> int:
    """Print the times as JSON."""
    path, output, repeat = sys.argv[1], sys.argv[2], int(sys.argv[3])
    spark = open_session(load_config(None), "csv")
    seconds: dict[str, list[float]] = {"parse": [], "job warm": []}
    since = 0.0
    # Opened as a notebook opens it, not fitted to a small input, whose JVM would never compile well. So short runs take
    # a longer warm-up, until it has compiled what they use.
    warm_up = 1 if Path(path).stat().st_size > SMALL else 8
    for round_ in range(repeat + warm_up):
        started = time.time()
        spark.read.option("header", True).csv(path).write.format("noop").mode("overwrite").save()
        parsed = time.time()
        run_segmentation(csv_path=path, spark=spark, output_dir=output, config={"report": False})
        done = time.time()
        if round_ >= warm_up:
            seconds["parse"].append(parsed - started)
            seconds["job warm"].append(done - parsed)
        since = parsed
    print(json.dumps({**seconds, "jobs": jobs_since(spark, since)}))
    return 0


def jobs_since(spark: SparkSession, since: float) -> list[list[Any]]:
    """Spark's jobs from then on: start, seconds, what for, executor's seconds, processor's seconds."""
    gateway: Any = spark.sparkContext._jvm
    store = spark.sparkContext._jsc.sc().statusStore()
    as_java = gateway.scala.jdk.javaapi.CollectionConverters.asJava
    rows = []
    for job in as_java(store.jobsList(None)):
        if job.submissionTime().isEmpty() or job.completionTime().isEmpty():
            continue
        started = job.submissionTime().get().getTime() / 1000
        if started < since:
            continue
        stages = [store.lastStageAttempt(stage) for stage in as_java(job.stageIds())]
        ran = [stage for stage in stages if stage.status().toString() == "COMPLETE"]
        what = job.description().get() if job.description().isDefined() else job.name()
        run = sum(stage.executorRunTime() for stage in ran) / 1000
        took = job.completionTime().get().getTime() / 1000 - started
        rows.append([round(started - since, 2), round(took, 2), what, round(run, 2), job.numTasks()])
    return sorted(rows)


if __name__ == "__main__":
    sys.exit(main())
