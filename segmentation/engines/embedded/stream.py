"""What the engine computes, as it comes: one batch at a time is in memory, however many rows there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame


def batches(frame: DataFrame, schema: pa.Schema | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of `frame`, in its order.

    `DataFrame.toLocalIterator` makes a Python object of every row, at ten times the price; this is what it is made of.

    Args:
        frame: of a Connect session.
        schema: of the batches; None for the engine's own.
    """
    client: Any = frame.sparkSession.client
    plan: Any = frame._plan
    for part in client.to_table_as_iterator(plan.to_proto(client), {}):
        if isinstance(part, pa.Table):
            for batch in part.to_batches():
                yield batch.cast(schema) if schema is not None else batch
