"""Where an engine reads and writes: files, and Delta tables. What `Engine.files` and `Engine.tables` are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

# Who serves what was published lists files, and needs no Spark.
if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

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

    def restore(self, path: str, version: int, commit: Mapping[str, Any] | None = None) -> None:
        """Make an earlier version the current one; the commit says of itself what is given."""

    def delete(self, path: str, condition: str) -> int:
        """Remove the rows that meet an SQL condition, in one commit; return how many they were."""

    def maintain(self, path: str, keep_hours: int) -> None:
        """Put small files together, and remove those that no version of the last hours needs."""

    def checkpoint(self, path: str) -> None:
        """Write the state of the newest version in whole, so that the log before it is not needed."""
