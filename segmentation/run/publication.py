"""What readers see: the tables and the JSON of one run, which take their places together.

The commit of the customers decides. What other tables get is committed before it, and taken back if it does not come
about; the JSON files take their places after it, and are moved by the next run if this one dies in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pyspark.sql import DataFrame

from segmentation.console import LOGGER
from segmentation.engines.base import Engine
from segmentation.engines.stores import Files
from segmentation.errors import OutputBusyError
from segmentation.locations import join, local_path
from segmentation.sinks.json_export import stage_json
from segmentation.sinks.json_merge import merge, told_of
from segmentation.state.commits import withdraw
from segmentation.state.output import Output
from segmentation.state.tables import segments_spec

# The names of the files while they are out of sight.
EXPORT, CHANGES = "segments.json", "changes.json"


class Write(NamedTuple):
    """What is written to a table besides that of the customers, in one commit."""

    table: str
    write: Callable[[], None]


class Publication:
    """The outputs of a run, made whole out of sight first.

    Args:
        engine: writes.
        output: where.
        dimensions: the label columns.
        commit: what the Delta commit says of itself, and of the export when that is staged.
        confirm: raises if the output is not ours any more.
    """

    def __init__(
        self,
        engine: Engine,
        output: Output,
        dimensions: Sequence[str],
        commit: Mapping[str, Any],
        confirm: Callable[[], object],
    ) -> None:
        self.engine = engine
        self.output = output
        self.dimensions = dimensions
        self.commit = commit
        self.confirm = confirm

    def stage(self, customers: DataFrame, total: int, name: str, folder: str) -> None:
        """Write JSON in full to `folder`, out of sight, under one of the names above."""
        stage_json(self.engine, customers, total, self.dimensions, folder, name)

    def stage_export(self, customers: DataFrame, total: int, folder: str, before: Path | None) -> None:
        """The same of all customers, when that of the changes is there.

        Args:
            customers: ``customer_id`` and the labels.
            total: how many there are.
            folder: where the changes are staged.
            before: an export that differs in nothing else; None if there is none.
        """
        staged = local_path(join(folder, EXPORT))
        merged = _merged(before, Path(str(local_path(join(folder, CHANGES)))), staged) if before and staged else None
        # Those who are gone would be too many.
        if merged != total:
            self.stage(customers, total, EXPORT, folder)
        if staged:
            self.commit = {**self.commit, "exported": told_of(staged)}

    def publish(self, customers: DataFrame, total: int, folder: str, writes: Sequence[Write]) -> None:
        """Let tables and JSON take their places, the customers after `writes`; if the export cannot, all go back."""
        path, spec, to = self.output.segments, segments_spec(self.dimensions), self.engine.tables
        self.decide(lambda: to.overwrite(customers, total, path, spec, self.commit), folder, writes)

    def decide(self, commit: Callable[[], None], folder: str, writes: Sequence[Write]) -> None:
        """The same, whatever commits the customers."""
        self.confirm()
        staged = join(folder, EXPORT)
        try:
            for one in writes:
                one.write()
            self.confirm()
            commit()
            self.confirm()
            self.engine.files.replace(staged, self.output.json_file)
        except BaseException as error:
            if isinstance(error, OutputBusyError) or self.engine.files.exists(staged):
                # The JSON has not taken its place, so the tables must not keep their own.
                for table in (self.output.segments, *(one.table for one in reversed(writes))):
                    withdraw(self.engine, table, self.commit["run_id"])
            raise
        place_changes(self.engine.files, join(folder, CHANGES), self.output.changes_file)


def _merged(before: Path, changed: Path, target: Path) -> int | None:
    """How many elements were written, None where the export before cannot be read any more."""
    try:
        return merge(before, changed, target)
    except (OSError, ValueError) as error:
        LOGGER.debug("%s is not merged: %s", before, error)
        return None


def place_changes(files: Files, staged: str, target: str) -> None:
    """Let the elements that changed take their place; what is published stands, whether they can or not."""
    try:
        files.replace(staged, target)
    except Exception as error:  # noqa: BLE001 - whatever keeps it away, the same is in the table of changes
        LOGGER.warning("%s cannot be written (%s); the table segment_changes has the same.", target, error)
