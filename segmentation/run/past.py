"""What was published before: the customers, and what their commit says of the run that made them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame

from segmentation.engines.base import Engine
from segmentation.state.commits import last_commit
from segmentation.state.output import Output


class Past:
    """What an output holds when a run begins.

    Attributes:
        said: what the run said that published it, empty where nothing is.
    """

    def __init__(self, engine: Engine, output: Output) -> None:
        newest = last_commit(engine.files, output.segments)
        self.said: Mapping[str, Any] = newest.said if newest else {}
        self._engine = engine
        self._output = output

    @cached_property
    def customers(self) -> DataFrame | None:
        """The customers as they are published, None where nothing is."""
        return self._engine.tables.read(self._output.segments) if self.said else None
