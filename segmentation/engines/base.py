"""What the job asks of an engine: everything that is no DataFrame expression.

The core is written in expressions that every engine understands. What differs from engine to engine, and why:

* text with the file that each line comes from, and lines with their place in the file: only Spark knows both while it
  reads;
* the fields of a record with quotes: Java's regular expressions need possessive marks to match long fields in a loop,
  and no other engine knows these;
* computing once and keeping: Spark keeps in memory, others in files;
* sorted text in one file: written by executors and put together, or streamed;
* tables, files and locks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from segmentation.engines.dialect import Decoding, Dialect

# A few rows that the driver knows, as JSON has them.
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class StoredFile:
    """A file found.

    Attributes:
        path: as users know it.
        uri: as what stands for it in the data.
        size: in bytes as stored.
        modified: when it was written last, in nanoseconds, by the clock of its file system.
    """

    path: str
    uri: str
    size: int
    modified: int = 0


@dataclass(frozen=True)
class TableSpec:
    """What a table of the output promises, whichever engine makes it.

    Attributes:
        never_null: columns that are NOT NULL.
        checks: constraints by name, as SQL conditions.
        key: the column that readers look rows up by; statistics are kept of it alone.
        retired: names of constraints that earlier versions of the program made, and that hold no more.
    """

    never_null: frozenset[str]
    checks: Mapping[str, str]
    key: str
    retired: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TypedRows:
    """Rows of a table that have their columns in common, not read yet.

    Attributes:
        columns: type by name, in Spark's words (``bigint``, ``decimal(12,2)``, ``timestamp_ntz``).
        read: purchase column -> the name of the column here, to the frame of these, under the purchase columns' names;
        floats and doubles are text, as `core.typed` says.
        where: the first file, or the table.
    """

    columns: Mapping[str, str]
    read: Callable[[Mapping[str, str]], DataFrame]
    where: str


class Files(Protocol):
    """Files where the engine reads and writes."""

    def files(self, pattern: str) -> list[StoredFile]:
        """Every file that a name, a directory or a glob stands for, by path; hidden ones left out.

        Raises:
            SourceError: it cannot be looked into.
        """

    def head(self, location: str, size: int) -> bytes:
        """The first `size` bytes, decompressed by the file's ending."""

    def exists(self, location: str) -> bool:
        """Is there a file or a directory?"""

    def delete(self, location: str) -> None:
        """Remove a file or a whole directory; fine if it is not there."""

    def replace(self, source: str, target: str) -> None:
        """Move `source` over `target` in one step, so that a reader sees the old file or the new one."""


class Tables(Protocol):
    """Delta tables. Every commit is atomic and carries the id of its run, whichever engine made the table."""

    def looked_up(self, paths: Sequence[str]) -> AbstractContextManager[None]:
        """Find out how tables stand while something else is done; what goes wrong is left to whoever needs them."""

    def overwrite(self, frame: DataFrame, rows: int, path: str, spec: TableSpec, commit: Mapping[str, Any]) -> None:
        """Replace the table by the `rows` rows of `frame` in one commit; make it if it is not there."""

    def append(self, frame: DataFrame, rows: int, path: str, spec: TableSpec, commit: Mapping[str, Any]) -> None:
        """Add the `rows` rows of `frame` in one commit; make the table if it is not there."""

    def append_rows(
        self,
        rows: Rows,
        schema: StructType,
        path: str,
        spec: TableSpec,
        commit: Mapping[str, Any],
    ) -> None:
        """Add a few rows that the driver knows, JSON-serialisable, in one commit; with none, see that it is there."""

    def merge(self, frame: DataFrame, match: str, path: str, spec: TableSpec, commit: Mapping[str, Any]) -> None:
        """Put rows in the place of those that they match, and add the others, in one commit.

        Args:
            frame: at most one row for each row of the table.
            match: when a row of the frame, ``s``, stands for one of the table, ``t``: an SQL condition.
            path: the table, which is there.
            spec: of the table.
            commit: what the commit says of itself.
        """

    def read(self, path: str, version: int) -> DataFrame:
        """The rows of a table of the output as of a version, whatever is written to it until they are computed."""

    def restore(self, path: str, version: int) -> None:
        """Make an earlier version the current one."""

    def delete(self, path: str, condition: str) -> int:
        """Remove the rows that meet an SQL condition, in one commit; return how many they were."""

    def maintain(self, path: str, keep_hours: int) -> None:
        """Put small files together, and remove those that no version of the last hours needs."""

    def checkpoint(self, path: str) -> None:
        """Write the state of the newest version in whole, so that the log before it is not needed."""


class Engine(ABC):
    """One engine, open from `choose.open_engine` until `close`.

    Attributes:
        session: computes DataFrame expressions.
        files: where the engine reads and writes.
        tables: the tables of the output.
        why: why this engine and no other, for people.
    """

    name: ClassVar[str]
    dialect: ClassVar[Dialect]
    # Is a pattern cheaper than looking at parts of a text? See `core.plain`.
    matches_cheaply: ClassVar[bool] = False
    session: SparkSession
    files: Files
    tables: Tables
    why: str

    @property
    @abstractmethod
    def versions(self) -> dict[str, str]:
        """What runs, by name, for the record."""

    @abstractmethod
    def step(self, name: str, run_id: str) -> AbstractContextManager[None]:
        """Call what is computed inside by the name of a step, wherever the engine shows it."""

    @abstractmethod
    def fit_to(self, size: int) -> None:
        """Prepare for `size` bytes of text."""

    @abstractmethod
    def check(self, locations: Sequence[str]) -> None:
        """See that locations mean the same to the engine and to the user.

        Raises:
            ConfigError: one does not.
        """

    @abstractmethod
    def lock(self, location: str, run_id: str) -> AbstractContextManager[Any]:
        """Hold an output that no operating system locks; yields a call that confirms it is still held."""

    @abstractmethod
    def rows(self, rows: Rows, schema: StructType) -> DataFrame:
        """A frame of a few rows that the driver knows; each is JSON-serialisable, what it lacks is null."""

    @abstractmethod
    def lines(self, files: Sequence[StoredFile], folder: str, decoding: Decoding) -> DataFrame:
        """Lines of text -> ``source_id`` bigint (`core.source_ids.source_id` of the file's URI), ``record`` string.

        Args:
            files: to read, in pieces and in parallel.
            folder: where the engine may put what it needs for that until the run ends.
            decoding: how bytes become text.
        """

    @abstractmethod
    def numbered_lines(self, files: Sequence[StoredFile], folder: str, decoding: Decoding) -> DataFrame:
        """The same -> ``source_id``, ``place`` (orders the lines of a file), ``line`` string."""

    @abstractmethod
    def delta_rows(self, location: str, folder: str) -> list[TypedRows]:
        """The rows of the newest version of a Delta table.

        Raises:
            SourceError: it cannot be read.
        """

    @abstractmethod
    def parquet_rows(self, files: Sequence[StoredFile], folder: str) -> list[TypedRows]:
        """The rows of Parquet files, those together that have the same columns; `Partitions` count as columns.

        Raises:
            SourceError: one cannot be read.
        """

    def catalog_rows(self, name: str) -> list[TypedRows]:
        """The rows of a table of the engine's catalog.

        Raises:
            NoDataError: there is none of this name.
        """
        raise NotImplementedError(f"{self.name} has no catalog")

    @abstractmethod
    def stage(self, frame: DataFrame, folder: str) -> DataFrame:
        """Write `frame` to `folder` once, and return it as read from there."""

    @abstractmethod
    def keep(self, frame: DataFrame, folder: str) -> DataFrame:
        """`frame`, computed once and kept until the run ends, in `folder` if not in memory."""

    @abstractmethod
    def write_sorted(self, lines: DataFrame, rows: int, folder: str, target: str, framed: tuple[str, str, str]) -> None:
        """Write one file of text, with the first column in byte order.

        Args:
            lines: what to sort by, and ``value``, the text; both string.
            rows: how many there are.
            folder: for pieces.
            target: the file.
            framed: what stands before all lines, between two, and behind all.
        """

    @abstractmethod
    def reading(self) -> AbstractContextManager[None]:
        """Turn a failure to read the source, which shows only when it is computed, into one message for people.

        Raises:
            SourceError: naming the file.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of everything that was kept; a session that the caller brought stays."""
