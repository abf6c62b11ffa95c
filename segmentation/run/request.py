"""What a run is asked to do, checked before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.config import SegmentationConfig
from segmentation.config.table import Table, table_of
from segmentation.errors import ConfigError, NoDataError

# Engines bring PySpark along, for which questions that need none do not wait.
if TYPE_CHECKING:
    from segmentation.engines.choose import Task
    from segmentation.sources.base import Source

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "purchase_records.csv"
SOURCES = ("csv", "mongodb", "table")
MODES = ("full", "incremental")


@dataclass(frozen=True)
class Request:
    """Attributes:
    source: ``csv``, ``mongodb``, ``table``, or the name of somebody's own.
    paths: what to read: files, directories, globs, or the one collection, table or source.
    table: the table, where that is the source.
    inputs: where second inputs lie.
    mode: ``full``, or ``incremental``, which goes on from what earlier runs took in.
    dry_run: compute and count, publish nothing.
    force: rebuild in full, whatever the mode.
    accept_shift: publish what is unlike what was published before.
    trigger: who or what asked for it, for the record.
    own: the source, where it is somebody's own.
    """

    source: str
    paths: list[str]
    table: Table | None = None
    mode: str = "full"
    dry_run: bool = False
    force: bool = False
    accept_shift: bool = False
    trigger: str = "manual"
    inputs: Sequence[str] = ()
    own: Source | None = None

    @property
    def locations(self) -> list[str]:
        """What is read and is a path."""
        return [*self.source_locations, *self.inputs]

    @property
    def source_locations(self) -> list[str]:
        """The same of purchases alone."""
        return self.paths if self.source == "csv" or (self.table and not self.table.is_name) else []

    def task(self, output: str) -> Task:
        """What an engine has to do."""
        from segmentation.engines.choose import Task

        if self.own:
            return Task(self.source, self.inputs, output, only_spark=self.own.only_spark)
        return Task(self.source, [*self.paths, *self.inputs], output, self.table)

    @classmethod
    def of(
        cls,
        source: str,
        csv_path: str | Path | Sequence[str | Path] | None,
        mode: str | None,
        config: SegmentationConfig,
        *,
        table: str | Path | None = None,
        dry_run: bool = False,
        force: bool = False,
        accept_shift: bool = False,
        trigger: str = "manual",
    ) -> Request:
        """The request, if it makes sense.

        Raises:
            ConfigError: an unknown source or mode, or a collection or table that
                nobody named.
            NoDataError: no path was given and there is no bundled sample.
        """
        mode = mode or config.mode
        # What is installed is looked through only where that matters: it takes as long as the rest.
        sources = SOURCES if source in SOURCES else (*SOURCES, *_others(config))
        for name, value, known in (("source", source, sources), ("mode", mode, MODES)):
            if value not in known:
                raise ConfigError(f"Unknown {name} {value!r}: expected one of {', '.join(known)}.")
        if table is not None and source != "table":
            raise ConfigError(f"A table was named, but the source is {source}: add --source table, or leave it out.")
        if csv_path is not None and source != "csv":
            raise ConfigError(f"Files were named, but the source is {source}: leave out --source, or the files.")
        how = (mode, dry_run, force, accept_shift, trigger, [one.path for one in config.inputs.values()])
        if source == "table":
            found = table_of(config.table, None if table is None else str(table))
            return cls(source, [found.place], found, *how)
        if source not in SOURCES:
            from segmentation.plug_ins import source_of

            return cls(source, [source], None, *how, source_of(source, config))
        paths = [_collection(config)] if source == "mongodb" else _paths(csv_path)
        return cls(source, paths, None, *how)


def _others(config: SegmentationConfig) -> list[str]:
    from segmentation.plug_ins import source_names

    return source_names(config)


def _collection(config: SegmentationConfig) -> str:
    if config.mongodb is None:
        raise ConfigError(
            "--source mongodb needs to know where: add mongodb: {host: ..., database: ..., collection: ...} to the "
            "configuration (see conf/segmentation.yaml) and name it with --config."
        )
    return f"{config.mongodb.database}.{config.mongodb.collection}"


def _paths(csv_path: str | Path | Sequence[str | Path] | None) -> list[str]:
    if csv_path is None:
        if not SAMPLE.is_file():
            raise NoDataError("the bundled sample is not here; name your files with --csv-path.")
        return [str(SAMPLE)]
    paths = [csv_path] if isinstance(csv_path, str | Path) else list(csv_path)
    if not paths or not all(str(path).strip() for path in paths):
        raise ConfigError("csv_path is empty: expected a file, a directory, a glob or a list of them.")
    return [str(path) for path in paths]
