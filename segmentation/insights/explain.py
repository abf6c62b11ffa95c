"""Explain one customer of an output."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from segmentation.config import SegmentationConfig
from segmentation.core.segmentation import Segmentation
from segmentation.insights.explained import explained
from segmentation.insights.facts import facts_of
from segmentation.insights.ruled import ruled
from segmentation.insights.shelf import Shelf
from segmentation.insights.solving import Ask, Row, Terms
from segmentation.state.output import Output


def explain(segmentation: Segmentation, output: Output, customer: str) -> dict[str, Any]:
    """Explain one customer of an output; an engine is started only for conditions that nobody else can say.

    Args:
        segmentation: the dimensions; the settings are those that were published.
        output: where they were published.
        customer: the id.

    Returns:
        What `explained.explained` says.

    Raises:
        NoDataError: nothing of this customer is published.
        ConfigError: nothing is published, or not on this machine.
    """
    facts = facts_of(Shelf(output), segmentation.config, customer)
    with ExitStack() as opened:
        return explained(ruled(segmentation, facts.said), facts, _engine(segmentation.config, output, opened))


def _engine(config: SegmentationConfig, output: Output, opened: ExitStack) -> Ask:
    """One that starts when it is asked first."""
    known: list[Ask] = []

    def ask(terms: Terms, rows: Sequence[Row]) -> list[Row]:
        if not known:
            from segmentation.insights.reader import reader
            from segmentation.insights.solving import asking

            known.append(asking(opened.enter_context(reader(config, output))[0]))
        return known[0](terms, rows)

    return ask
