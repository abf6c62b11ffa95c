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
from typing import Any, ClassVar

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from segmentation.engines.dialect import Decoding, Dialect
from segmentation.engines.stores import Files, Rows, StoredFile, Tables


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
