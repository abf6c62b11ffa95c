"""All that a configuration adds, checked together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from segmentation.config import SegmentationConfig
from segmentation.core.own.functions import AGGREGATES
from segmentation.core.own.kinds import Kind
from segmentation.core.own.markets import see_markets
from segmentation.core.own.measures import OF_DAYS, TOLD, Measure, customer_kinds, hang_on_the_day, over_purchases
from segmentation.core.own.names import see_extra_columns, see_names
from segmentation.core.own.scores import scores_of
from segmentation.core.segmenters import DEFAULT_SEGMENTERS, Segmenter


class Own:
    """Metrics, scores and dimensions of a configuration.

    Args:
        config: the configuration.
        there: the dimensions that it changes or adds to.

    Attributes:
        measures: the metrics.
        aggregates: those of them that are over purchases.
        scores: the scores.

    Raises:
        ConfigError: one is wrong; naming where it stands, and why.
    """

    def __init__(self, config: SegmentationConfig, there: Sequence[Segmenter]) -> None:
        self._config = config
        self._there = there
        see_names(config, [one.dimension for one in there])
        see_extra_columns(config, list(TOLD))
        self.measures = self._read()
        self.aggregates = over_purchases(self.measures)
        self.scores = scores_of(config, {**customer_kinds(), **self._measured})
        see_markets(config, self.kinds)

    def _read(self) -> list[Measure]:
        if not self._config.metrics:
            return []
        # What reads SQL takes half a second to import.
        from segmentation.core.own.reading import measures_of

        return measures_of(self._config)

    @property
    def _measured(self) -> dict[str, Kind]:
        return {one.name: one.typed.kind for one in self.measures}

    @property
    def names(self) -> list[str]:
        """The columns of metrics and scores."""
        return [*self._measured, *(score.name for score in self.scores)]

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The kinds of metrics and scores."""
        return {**self._measured, **{score.name: score.kind for score in self.scores}}

    @property
    def of_purchases(self) -> list[str]:
        """The metrics that purchases alone move, never the day."""
        return [one.name for one in self.aggregates if not one.typed.names & OF_DAYS]

    @cached_property
    def hangs_on_the_day(self) -> bool:
        """Does a metric over purchases change for everybody when the as-of day moves?"""
        return hang_on_the_day(self.measures)

    def segmenters(self) -> list[Segmenter]:
        """The dimensions, `dimensions.arranged`."""
        if not self._config.dimensions:
            return list(self._there)
        from segmentation.core.own.dimensions import arranged

        labels = {score.name: score.labels for score in self.scores if score.labels}
        return arranged(self._config, self._there, {**customer_kinds(), **self.kinds}, labels)


def only_spark_knows(config: SegmentationConfig) -> str | None:
    """A function that the embedded engine lacks, and where it stands; None where there is none.

    Raises:
        ConfigError: what is configured is wrong.
    """
    own = Own(config, [kind(config) for kind in DEFAULT_SEGMENTERS])
    for number, one in enumerate(own.measures):
        name = next((name for name in sorted(one.typed.functions) if _why(name)), None)
        if name:
            return f"only Spark computes {name} ({config.place('metrics', number, 'sql')}): {_why(name)}"
    return None


def _why(name: str) -> str | None:
    return AGGREGATES[name].only_spark if name in AGGREGATES else None
