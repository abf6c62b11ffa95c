"""Explain one customer of an output."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from functools import cached_property
from typing import Any

from pyspark.sql.types import StructType

from segmentation.core.segmentation import Segmentation
from segmentation.insights.explained import explained
from segmentation.insights.facts import facts_of
from segmentation.insights.reader import reader, see_installed
from segmentation.insights.ruled import ruled
from segmentation.insights.shelf import Shelf, see_published
from segmentation.insights.solving import Ask, Row, Terms
from segmentation.state.output import Output


def explain(segmentation: Segmentation, output: Output, customer: str) -> dict[str, Any]:
    """Explain one customer of an output; an engine is started only for what nobody else can say.

    Args:
        segmentation: the dimensions; the settings are those that were published.
        output: where they were published.
        customer: the id.

    Returns:
        What `explained.explained` says.

    Raises:
        NoDataError: nothing of this customer is published.
        ConfigError: nothing is published, or not on this machine, or what reads it is not installed.
    """
    see_published(output)
    see_installed()
    shelf = Shelf(output)
    facts = facts_of(shelf, segmentation.config, customer)
    with ExitStack() as opened:
        return explained(ruled(segmentation, shelf.said), facts, _Later(segmentation, shelf, opened))


class _Later:
    """An engine that starts when it is asked first, see `solving.Ask`."""

    def __init__(self, segmentation: Segmentation, shelf: Shelf, opened: ExitStack) -> None:
        self._segmentation = segmentation
        self._shelf = shelf
        self._opened = opened

    def values(self, terms: Terms, rows: Sequence[Row], schema: StructType) -> list[Row]:
        return self._engine.values(terms, rows, schema)

    def metrics(self, purchases: Sequence[Row], customer: Row, days: Sequence[date]) -> list[Row]:
        return self._engine.metrics(purchases, customer, days)

    @cached_property
    def _engine(self) -> Ask:
        from segmentation.insights.asking import EngineAsked

        engine, _ = self._opened.enter_context(reader(self._segmentation.config, self._shelf.output))
        return EngineAsked(engine, self._segmentation, self._shelf.said)
