"""The JSON export: one array, one customer a line, sorted by customer id in byte order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.engines.base import Engine
from segmentation.locations import join
from segmentation.schemas import CUSTOMER_ID
from segmentation.sinks.escapes import ESCAPES, FRAMED, HEAD, MIDDLE

NOBODY = ("[", ",\n", "]\n")
NEEDS_ESCAPE = r'[\x00-\x1f"\\]'


def json_string(text: Column) -> Column:
    """Text -> a JSON string; engines' own writers differ in how they write control characters."""
    escaped = reduce(lambda so_far, mark: F.replace(so_far, F.lit(mark), F.lit(ESCAPES[mark])), ESCAPES, text)
    return F.concat(F.lit('"'), F.when(text.rlike(NEEDS_ESCAPE), escaped).otherwise(text), F.lit('"'))


def elements(customers: DataFrame, dimensions: Sequence[str]) -> DataFrame:
    """``customer_id`` and the labels -> ``customer_id``, ``value``: a JSON object a customer, string."""
    labels = [
        part
        for number, name in enumerate(dimensions)
        for part in (F.lit(f'{"," if number else ""}"{name}":'), json_string(F.col(name)))
    ]
    head = F.lit(HEAD), json_string(F.col(CUSTOMER_ID)), F.lit(MIDDLE)
    return customers.select(CUSTOMER_ID, F.concat(*head, *labels, F.lit("}}")).alias("value"))


def stage_json(
    engine: Engine, customers: DataFrame, rows: int, dimensions: Sequence[str], folder: str, name: str
) -> None:
    """Write the whole array to a file in `folder`, out of sight."""
    framed = FRAMED if rows else NOBODY
    engine.write_sorted(elements(customers, dimensions), rows, folder, join(folder, name), framed)
