"""What the engine computes, as it comes: a few batches at a time are in memory, however many rows there are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable, QueryBuilder
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

# The files live for one run, so they are written for speed.
FAST = {"compression": "lz4_raw", "dictionary_enabled": "false", "statistics_enabled": "none"}
BATCH = 65_536
# What a table may need of its reader, for its files to hold just its rows under its columns' names.
PLAIN_FEATURES = {"timestampNtz", "vacuumProtocolCheck", "v2Checkpoint"}


class Staged:
    """Frames that were written as Parquet, and where: from there they are read five times as fast as they are sent.

    Args:
        session: reads.
        scratch: a folder for frames that nobody named one for.
    """

    def __init__(self, session: SparkSession, scratch: Path) -> None:
        self._session = session
        self._scratch = scratch
        self._numbers = count()
        self._folders: WeakKeyDictionary[DataFrame, str] = WeakKeyDictionary()

    def stage(self, frame: DataFrame, folder: str) -> DataFrame:
        """Write `frame` to `folder`, and return it as read from there."""
        frame.write.mode("overwrite").options(**FAST).parquet(folder)
        staged = frame.sparkSession.read.schema(frame.schema).parquet(folder)
        self._folders[staged] = folder
        return staged

    def of_table(self, table: DeltaTable, root: Path) -> DataFrame:
        """The rows of a Delta table of the output, which lies in `root`.

        Its files are linked into a folder, so that nothing in their names means anything to the engine. Where rows are
        marked as deleted, columns have other names in the files, or instants are of the old kind, all of which Spark
        can be told to do, delta-rs reads.
        """
        folder = self._scratch / f"table {next(self._numbers)}"
        folder.mkdir(parents=True)
        # No metadata of columns, which would be compared with that of files.
        arrow = pa.schema([field.remove_metadata() for field in pa.schema(table.schema())])
        schema = from_arrow_schema(arrow)
        files = [root.absolute() / uri.rsplit("/", 1)[-1] for uri in table.file_uris()]
        has_features = not PLAIN_FEATURES.issuperset(table.protocol().reader_features or ())
        if has_features or (any(pa.types.is_timestamp(field.type) for field in arrow) and any(map(_is_old, files))):
            found = QueryBuilder().register("t", table).execute("SELECT * FROM t")
            with pq.ParquetWriter(folder / "0.parquet", arrow, compression="lz4") as writer:
                for batch in found:
                    writer.write_batch(pa.record_batch(batch).cast(arrow))
            return self._session.read.schema(schema).parquet(str(folder))
        for number, file in enumerate(files):
            (folder / f"{number}.parquet").symlink_to(file)
        rows = self._session.read.schema(schema)
        return rows.parquet(str(folder)) if files else self._session.createDataFrame([], schema)

    def reader(self, frame: DataFrame, schema: pa.Schema) -> pa.RecordBatchReader:
        """The rows of `frame` in any order, as batches of `schema`; all is computed before the first one comes."""
        if frame not in self._folders:
            frame = self.stage(frame, str(self._scratch / f"frame {next(self._numbers)}"))
        batches = _read(self._folders[frame], schema.names)
        return pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in batches))


def _is_old(file: Path) -> bool:
    """Does a file hold instants as Parquet wrote them long ago, and Spark by default?"""
    columns = pq.ParquetFile(file).schema
    return any(columns.column(number).physical_type == "INT96" for number in range(len(columns)))


def _read(folder: str, names: list[str]) -> Iterator[pa.RecordBatch]:
    """Few batches ahead: by default, what is read ahead is more than all that the engine holds."""
    # Where there are no rows, the engine writes nothing.
    if not any(Path(folder).glob("*.parquet")):
        return
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
