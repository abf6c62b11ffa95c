"""The tables of one publication, read without an engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segmentation.engines.local import LocalFiles
from segmentation.errors import ConfigError
from segmentation.locations import DELTA_LOG, join, last_name
from segmentation.state.commits import last_commit, newest_version, published_version
from segmentation.state.damage import see_whole
from segmentation.state.output import Output

# One row is looked for, in tables of millions: beside each other is no quicker, and keeps ten times the memory.
FRUGAL = (
    "execution.target_partitions = 1",
    "execution.parquet.pushdown_filters = true",
    "execution.parquet.max_predicate_cache_size = 0",
)


class Shelf:
    """What a publication holds; whatever is published later is not seen. It may be kept and asked again.

    Args:
        output: where it was published.
        said: what its commit of the customers says; None for the one that holds now.

    Attributes:
        output: the same.
        said: what the commit of the customers says, empty where that says nothing.
        tables: the names of those that are there.

    Raises:
        ConfigError: nothing is published there, it is not on this machine, or what reads it is not installed.
        DamagedOutputError: a table is not whole.
    """

    def __init__(self, output: Output, said: Mapping[str, Any] | None = None) -> None:
        see_published(output)
        try:
            from deltalake import DeltaTable, QueryBuilder
        except ImportError as error:
            # Whoever serves needs no Spark, which this knows.
            from segmentation.engines.choose import INSTALL_EMBEDDED

            raise ConfigError(f"this needs {error.name}: {INSTALL_EMBEDDED}.") from error
        self.output = output
        self.said, versions = _published(output) if said is None else (said, _versions(output, said))
        self._builder = QueryBuilder()
        for setting in FRUGAL:
            self._builder.execute(f"SET datafusion.{setting}")
        self._opened = {last_name(path): DeltaTable(path, version=version) for path, version in versions.items()}
        for name, table in self._opened.items():
            self._builder.register(name, table)
        self.tables = frozenset(self._opened)

    def columns(self, table: str) -> list[str]:
        """The names of the columns of a table that is there."""
        return [field.name for field in self._opened[table].schema().fields]

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """What a query gives, a dict per row: decimals, days and moments (in UTC) as Python has them."""
        found = []
        for batch in self._builder.execute(sql):
            columns = [_values(batch.column(at)) for at in range(batch.num_columns)]
            found += [dict(zip(batch.schema.names, values, strict=True)) for values in zip(*columns, strict=True)]
        return found


def _values(column: Any) -> list[Any]:
    return [value.as_py() for value in column]


def see_published(output: Output) -> None:
    """See that there is something to read.

    Raises:
        ConfigError: nothing is published there, or it is not on this machine.
        DamagedOutputError: a table is not whole.
    """
    if output.local is None:
        raise ConfigError(
            f"{output.root} is not on this machine: query it with Spark (docs/tables.md has the queries)."
        )
    see_whole(output)
    if not _is_there(output.segments):
        raise ConfigError(f"{output.root} holds no table of customers. Check --output-dir and --config.")


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def named(column: str) -> str:
    """The name of a column as SQL writes it, in upper and lower case as it is."""
    return f'"{column}"'


def _published(output: Output) -> tuple[Mapping[str, Any], dict[str, int]]:
    """What a publication says, and the versions of the tables that belong to it."""
    files = LocalFiles()
    while True:
        customers = newest_version(files, output.segments)
        newest = last_commit(files, output.segments)
        said = newest.said if newest else {}
        versions = _versions(output, said)
        # Else something was published meanwhile.
        if newest_version(files, output.segments) == customers:
            return said, versions


def _versions(output: Output, said: Mapping[str, Any]) -> dict[str, int]:
    """The versions of the tables that belong to a publication; rejected rows are told of all runs."""
    files = LocalFiles()
    # The commit of the customers says nothing of its own table.
    told = {**said, "tables": {**said.get("tables", {}), last_name(output.segments): said.get("run_id")}}
    there = filter(_is_there, (output.segments, output.changes, output.purchases, output.early))
    versions = {path: published_version(files, path, told) for path in there}
    if _is_there(output.rejected):
        versions[output.rejected] = newest_version(files, output.rejected)
    return versions


def _is_there(table: str) -> bool:
    return Path(join(table, DELTA_LOG)).is_dir()
