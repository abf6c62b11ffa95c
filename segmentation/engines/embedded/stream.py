"""What the engine computes, as it comes: a few batches at a time are in memory, however many rows there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import count
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable, QueryBuilder
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from segmentation.locations import last_name

# Files that live for one run are written for speed; what may be kept, as tables keep it.
LASTING = {"compression": "snappy", "statistics_enabled": "chunk"}
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
        self._lasting: WeakSet[DataFrame] = WeakSet()

    def stage(self, frame: DataFrame, folder: str) -> DataFrame:
        """Write `frame` to `folder`, and return it as read from there."""
        return self._written(frame, folder, FAST)

    def keep(self, frame: DataFrame, folder: str) -> DataFrame:
        """The same, in a form that a table may take; of whole customers it takes no longer."""
        kept = self._written(frame, folder, LASTING)
        self._lasting.add(kept)
        return kept

    def _written(self, frame: DataFrame, folder: str, options: Mapping[str, str]) -> DataFrame:
        frame.write.mode("overwrite").options(**options).parquet(folder)
        staged = frame.sparkSession.read.schema(frame.schema).parquet(folder)
        self._folders[staged] = folder
        return staged

    def kept(self, frame: DataFrame) -> tuple[DataFrame, list[Path]]:
        """`frame` in a form that a table may take, and its files; none where there is no row."""
        if frame not in self._lasting:
            frame = self.keep(frame, str(self._scratch / f"frame {next(self._numbers)}"))
        return frame, sorted(Path(self._folders[frame]).glob("*.parquet"))

    def of_table(self, table: DeltaTable, root: Path) -> DataFrame:
        """The rows of a Delta table of the output, which lies in `root`.

        Its files are linked into folders, so that nothing in their names means anything to the engine, those together
        that are of the same types: delta-rs, Spark and earlier versions of both store texts and instants in several
        ways. Where rows are marked as deleted or columns have other names in the files, as Spark can be told to do,
        delta-rs reads.
        """
        folder = self._scratch / f"table {next(self._numbers)}"
        arrow = pa.schema([field.remove_metadata() for field in pa.schema(table.schema())])
        files: Sequence[Path] = [root.absolute() / last_name(uri) for uri in table.file_uris()]
        if not PLAIN_FEATURES.issuperset(table.protocol().reader_features or ()):
            files = [_copied(table, arrow, folder / "copy.parquet")]
        kinds: dict[str, list[Path]] = defaultdict(list)
        for file in files:
            kinds[str(pq.read_schema(file).remove_metadata())].append(file)
        schema = from_arrow_schema(arrow)
        parts = [self._typed(some, folder / str(number), schema) for number, some in enumerate(kinds.values())]
        return reduce(DataFrame.unionByName, parts) if parts else self._session.createDataFrame([], schema)

    def _typed(self, files: Sequence[Path], folder: Path, schema: StructType) -> DataFrame:
        """Files of the same types; a column that they lack, because they are older, is null."""
        folder.mkdir(parents=True)
        for number, file in enumerate(files):
            (folder / f"{number}.parquet").symlink_to(file)
        rows = self._session.read.parquet(str(folder))
        there = set(rows.columns)
        return rows.select(
            *[
                (F.col(field.name) if field.name in there else F.lit(None)).cast(field.dataType).alias(field.name)
                for field in schema
            ]
        )

    def reader(self, frame: DataFrame, schema: pa.Schema) -> pa.RecordBatchReader:
        """The rows of `frame` in any order, as batches of `schema`; all is computed before the first one comes."""
        if frame not in self._folders:
            frame = self.stage(frame, str(self._scratch / f"frame {next(self._numbers)}"))
        batches = _read(self._folders[frame], schema.names)
        return pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in batches))


def _copied(table: DeltaTable, schema: pa.Schema, target: Path) -> Path:
    target.parent.mkdir(parents=True)
    with pq.ParquetWriter(target, schema, compression="lz4") as writer:
        for batch in QueryBuilder().register("t", table).execute("SELECT * FROM t"):
            writer.write_batch(pa.record_batch(batch).cast(schema))
    return target


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
