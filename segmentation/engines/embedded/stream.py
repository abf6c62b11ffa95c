"""What the engine computes, as it comes: a few batches at a time are in memory, however many rows there are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa
import pyarrow.dataset as ds
from pyspark.sql import DataFrame

# The files live for one run, so they are written for speed.
FAST = {"compression": "lz4_raw", "dictionary_enabled": "false", "statistics_enabled": "none"}
BATCH = 65_536


class Staged:
    """Frames that were written as Parquet, and where: from there they are read five times as fast as they are sent.

    Args:
        scratch: a folder for frames that nobody named one for.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._numbers = count()
        self._folders: WeakKeyDictionary[DataFrame, str] = WeakKeyDictionary()

    def stage(self, frame: DataFrame, folder: str) -> DataFrame:
        """Write `frame` to `folder`, and return it as read from there."""
        frame.write.mode("overwrite").options(**FAST).parquet(folder)
        staged = frame.sparkSession.read.schema(frame.schema).parquet(folder)
        self._folders[staged] = folder
        return staged

    def reader(self, frame: DataFrame, schema: pa.Schema) -> pa.RecordBatchReader:
        """The rows of `frame` in any order, as batches of `schema`; all is computed before the first one comes."""
        if frame not in self._folders:
            frame = self.stage(frame, str(self._scratch / f"frame {next(self._numbers)}"))
        batches = _read(self._folders[frame], schema.names)
        return pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in batches))


def _read(folder: str, names: list[str]) -> Iterator[pa.RecordBatch]:
    """Few batches ahead: by default, what is read ahead is more than all that the engine holds."""
    yield from ds.dataset(folder).to_batches(columns=names, batch_size=BATCH, batch_readahead=2, fragment_readahead=1)


def sent(frame: DataFrame) -> Iterator[pa.RecordBatch]:
    """The rows of `frame`, in its order.

    `DataFrame.toLocalIterator` makes a Python object of every row, at ten times the price; this is what it is made of.
    """
    client: Any = frame.sparkSession.client
    plan: Any = frame._plan
    for part in client.to_table_as_iterator(plan.to_proto(client), {}):
        if isinstance(part, pa.Table):
            yield from part.to_batches()
