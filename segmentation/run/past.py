"""What was published before: the customers, and what their commit says of the run that made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from segmentation.core.segmentation import Segmentation
from segmentation.engines.base import Engine
from segmentation.locations import absolute, local_path
from segmentation.sinks.json_merge import is_what_was_told
from segmentation.state.commits import last_commit, newest_version, rows_of
from segmentation.state.output import Output


class Past:
    """What an output holds when a run begins.

    Attributes:
        said: what the run said that published it, empty where nothing is.
        same_source: is the source seen to be what it was?
    """

    def __init__(self, engine: Engine, output: Output, source_fingerprint: str | None, paths: Sequence[str]) -> None:
        newest = last_commit(engine.files, output.segments)
        self.said: Mapping[str, Any] = newest.said if newest else {}
        self._is_newest = newest is not None and newest.version == newest_version(engine.files, output.segments)
        same_paths = self.said.get("paths") == [absolute(path) for path in paths]
        self.same_source = (
            same_paths and source_fingerprint is not None and self.said.get("source_fingerprint") == source_fingerprint
        )
        self._engine = engine
        self._output = output

    @cached_property
    def customers(self) -> DataFrame | None:
        """The customers as they are published, None where nothing is."""
        return rows_of(self._engine, self._output.segments) if self.said else None

    @property
    def export(self) -> Path | None:
        """The export, if it and the table are there as they were published, on this machine and under this name."""
        if not self._is_newest:
            return None
        file = local_path(self._output.json_file)
        is_it = (
            file and self._output == self._output.named(self.said) and is_what_was_told(file, self.said.get("exported"))
        )
        return file if is_it else None

    def same(self, segmentation: Segmentation, inputs: str | None, as_of: date) -> dict[str, bool]:
        """What is what it was: ``same_rules``; ``same_inputs``, by the fingerprint of second inputs; ``same_day``."""
        return {
            "same_rules": self.same_rules(segmentation),
            # What cannot be told may have changed.
            "same_inputs": self.said.get("inputs") == inputs and not (inputs is None and segmentation.config.inputs),
            "same_day": self.said.get("as_of") == as_of.isoformat(),
        }

    def same_rules(self, segmentation: Segmentation) -> bool:
        """Did the same rules lead to what is published?"""
        return bool(self.said.get("rules") == segmentation.fingerprint)
