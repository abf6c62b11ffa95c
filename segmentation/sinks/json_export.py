"""The JSON export: one array, one customer a line, sorted by customer id in byte order."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.schemas import CUSTOMER_ID
from segmentation.storage import Storage, join

SEPARATOR = ",\n"


def elements(customers: DataFrame, dimensions: Sequence[str], parts: int) -> DataFrame:
    """``customer_id`` and the labels -> one string column ``value``, a JSON object a customer, sorted, in `parts`.

    Spark compares strings by their UTF-8 bytes, which is the order of the contract.
    """
    element = F.struct(CUSTOMER_ID, F.struct(*dimensions).alias("segmentation"))
    ranges = customers.repartitionByRange(parts, CUSTOMER_ID) if parts > 1 else customers.coalesce(1)
    return ranges.sortWithinPartitions(CUSTOMER_ID).select(F.to_json(element).alias("value"))


def stage_json(customers: DataFrame, dimensions: Sequence[str], folder: str, parts: int) -> str:
    """Write the whole array to a file in `folder`, out of sight, and return its path.

    Executors write the sorted parts; the driver only streams their bytes into one file.
    """
    storage = Storage(customers.sparkSession)
    sorted_parts = join(folder, "json")
    lines = elements(customers, dimensions, parts)
    lines.write.options(lineSep=SEPARATOR, compression="none").mode("overwrite").text(sorted_parts)
    staged = join(folder, "segments.json")
    storage.concatenate(storage.files(sorted_parts), staged, head="[\n", tail="\n]\n", drop_last=len(SEPARATOR))
    return staged
