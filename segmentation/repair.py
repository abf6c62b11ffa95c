"""What a run does first: clean up after one that was killed."""

from __future__ import annotations

from pyspark.sql import SparkSession

from segmentation.output import Output
from segmentation.report import LOGGER
from segmentation.sinks import delta
from segmentation.storage import Storage


def repair(spark: SparkSession, output: Output) -> None:
    """Clean up after a run that was killed: finish what it had decided, remove what it left.

    A run decides by its Delta commit. If it died after that and before its JSON took its place, the JSON is complete
    in its staging directory and is moved now; in every other case what is staged is of no use.
    """
    storage = Storage(spark)
    left = storage.files(output.staging) if storage.exists(output.staging) else []
    for file in left:
        if not file.path.endswith("/segments.json"):
            continue
        run_id = file.path.rstrip("/").split("/")[-2]
        if delta.published_by(spark, output.segments, run_id) is not None:
            storage.replace(file.path, output.json_file)
            LOGGER.warning("Run %s was killed while it published; its JSON has taken its place now.", run_id)
    storage.delete(output.staging)
