"""What readers see: the table and the JSON of one run, which take their places together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame

from segmentation.engines.base import Engine
from segmentation.errors import OutputBusyError
from segmentation.sinks.json_export import stage_json
from segmentation.state.output import Output
from segmentation.state.tables import segments_spec


class Publication:
    """The outputs of a run, made whole out of sight first.

    Args:
        engine: writes.
        output: where.
        dimensions: the label columns.
        commit: what the Delta commit says of itself.
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

    def stage(self, customers: DataFrame, total: int, folder: str) -> str:
        """Write the JSON in full to `folder`, out of sight; return its path."""
        return stage_json(self.engine, customers, total, self.dimensions, folder)

    def publish(self, customers: DataFrame, total: int, staged: str) -> None:
        """Let table and JSON take their places, the table first; if the JSON cannot, the table goes back."""
        self.confirm()
        spec = segments_spec(self.dimensions)
        try:
            self.engine.tables.overwrite(customers, total, self.output.segments, spec, self.commit)
            self.confirm()
            self.engine.files.replace(staged, self.output.json_file)
        except BaseException as error:
            if isinstance(error, OutputBusyError) or self.engine.files.exists(staged):
                # The JSON has not taken its place, so the table must not keep its own.
                self.engine.tables.withdraw(self.output.segments, self.commit["run_id"])
            raise
