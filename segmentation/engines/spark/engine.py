"""Spark as an engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from py4j.protocol import Py4JJavaError
from pyspark import StorageLevel
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from segmentation.core.source_ids import source_id_of
from segmentation.engines.base import Engine, TypedRows
from segmentation.engines.dialect import Decoding, Dialect
from segmentation.engines.spark import inputs
from segmentation.engines.spark.files import Storage
from segmentation.engines.spark.lease import Lease, held
from segmentation.engines.spark.rows import known_rows
from segmentation.engines.spark.schemes import check_schemes
from segmentation.engines.spark.session import fit_to
from segmentation.engines.spark.staging import stage
from segmentation.engines.spark.tables import SparkTables, files_for
from segmentation.engines.spark.text import decoded, text_of
from segmentation.engines.stores import Rows, StoredFile
from segmentation.errors import SourceError
from segmentation.locations import join
from segmentation.schemas import SOURCE_ID


class SparkEngine(Engine):
    """Spark in one session; see `base.Engine`.

    Args:
        session: a session of the job's own, see `session.job_session`.
        why: why this engine.
    """

    name = "spark"
    # Possessive, so that Java matches in a loop, however long a field is. Java cuts anew for each field.
    dialect = Dialect(field=r'[ \t]*+(?:"[^"]*+(?:""[^"]*+)*+"[ \t]*+|[^", \t\n][^,\n]*+)?+', at_once=True)

    def __init__(self, session: SparkSession, why: str) -> None:
        self.session = session
        self.why = why
        self.files = self._storage = Storage(session)
        self.tables = SparkTables(session)
        self._kept: list[DataFrame] = []

    @property
    def versions(self) -> dict[str, str]:
        """Spark's."""
        return {"spark": self.session.version}

    @contextmanager
    def step(self, name: str, run_id: str) -> Iterator[None]:
        """Spark's own pages call the jobs by the step; for `%X{mdc.run_id}` in executors' logs, there is the run."""
        context = self.session.sparkContext
        context.setJobDescription(f"{name} ({run_id})")
        context.setLocalProperty("mdc.run_id", run_id)
        try:
            yield
        finally:
            context.setJobDescription(None)  # type: ignore[arg-type]
            context.setLocalProperty("mdc.run_id", None)  # type: ignore[arg-type]

    def fit_to(self, size: int) -> None:
        """Choose the number of shuffle partitions."""
        fit_to(self.session, size)

    def check(self, locations: Sequence[str]) -> None:
        """Refuse a path without a scheme where Spark's file system is not the local one."""
        check_schemes(self._storage, locations)

    @contextmanager
    def lock(self, location: str, run_id: str) -> Iterator[Callable[[], None]]:
        """A lease in a file."""
        with held(Lease(self._storage, location, run_id)) as lease:
            yield lease.confirm

    def rows(self, rows: Rows, schema: StructType) -> DataFrame:
        """Literals in the plan, so that no executor needs Python."""
        return known_rows(self.session, rows, schema)

    def lines(self, files: Sequence[StoredFile], folder: str, decoding: Decoding) -> DataFrame:
        """In pieces; the name of each row's file costs half a second per ten million rows, so one needs none."""
        text = text_of(self.session, self._storage, files, folder, decoding.encoding)
        number = F.lit(source_id_of(files[0].uri)).cast("bigint") if len(files) == 1 else text.number
        return text.frame.select(number.alias(SOURCE_ID), decoded(F.col("value"), decoding).alias("record"))

    def numbered_lines(self, files: Sequence[StoredFile], folder: str, decoding: Decoding) -> DataFrame:
        """Within a file, pieces by their offset, and lines within a piece by the order in which they are read."""
        text = text_of(self.session, self._storage, files, folder, decoding.encoding)
        place = F.struct("_metadata.file_block_start", F.monotonically_increasing_id())
        return text.frame.select(
            text.number.alias(SOURCE_ID), place.alias("place"), decoded(F.col("value"), decoding).alias("line")
        )

    def delta_rows(self, location: str, folder: str) -> list[TypedRows]:  # noqa: ARG002
        """Through Delta's library."""
        return inputs.delta_rows(self.session, location)

    def parquet_rows(self, files: Sequence[StoredFile], folder: str) -> list[TypedRows]:  # noqa: ARG002
        """Through Spark's reader; executors read the files where they lie."""
        return inputs.parquet_rows(self.session, files)

    def catalog_rows(self, name: str) -> list[TypedRows]:
        """Whatever the catalog knows: Delta, Parquet, Hive, views."""
        return inputs.catalog_rows(self.session, name)

    def stage(self, frame: DataFrame, folder: str) -> DataFrame:
        """Parquet; not Spark's memory, where what is lost with an executor would be computed from the source again."""
        return stage(frame, folder)

    def keep(self, frame: DataFrame, folder: str) -> DataFrame:  # noqa: ARG002
        """In Spark's memory."""
        self._kept.append(frame.persist(StorageLevel.MEMORY_AND_DISK))
        return frame

    def write_sorted(self, lines: DataFrame, rows: int, folder: str, target: str, framed: tuple[str, str, str]) -> None:
        """Executors write sorted parts; the driver only streams their bytes into one file.

        Spark compares strings by their UTF-8 bytes.
        """
        if not rows:
            self._storage.concatenate([], target, head=framed[0], tail=framed[2], drop_last=0)
            return
        key, parts = lines.columns[0], files_for(rows)
        ranges = lines.repartitionByRange(parts, key) if parts > 1 else lines.coalesce(1)
        head, separator, tail = framed
        sorted_parts = join(folder, "json")
        writer = ranges.sortWithinPartitions(key).select("value").write
        writer.options(lineSep=separator, compression="none").mode("overwrite").text(sorted_parts)
        pieces = self._storage.files(sorted_parts)
        self._storage.concatenate(pieces, target, head=head, tail=tail, drop_last=len(separator))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Name the file or the server."""
        try:
            yield
        except (Py4JJavaError, PySparkException) as error:
            explained = _explained(error)
            if explained is None:
                raise
            raise explained from error

    def close(self) -> None:
        """Forget what was kept."""
        for frame in self._kept:
            frame.unpersist()
        self._kept.clear()


def _explained(error: Exception) -> SourceError | None:
    if "com.mongodb" in str(error):
        return SourceError(
            "The connection to MongoDB broke while documents were read. Nothing was published; see that the server "
            "runs and run the job again."
        )
    found = re.search(r"[Ee]ncountered error while reading file (\S+?)\.?\s", str(error))
    if not found:
        return None
    causes = re.findall(r"^Caused by: (.*)$", str(error), re.MULTILINE) or ["unknown"]
    return SourceError(
        f"{found[1]} could not be read to its end ({causes[-1]}). Nothing was published; check that the file is "
        "whole and readable."
    )
