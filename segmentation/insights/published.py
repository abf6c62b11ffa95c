"""The rules that a publication was made with."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from segmentation.config import SegmentationConfig, override
from segmentation.core.segmentation import Segmentation
from segmentation.engines.base import Engine
from segmentation.errors import ConfigError
from segmentation.state.commits import last_commit
from segmentation.state.output import Output


def said_of(engine: Engine, output: Output) -> Mapping[str, Any]:
    """What the commit of the customers says, nothing where there is none."""
    newest = last_commit(engine.files, output.segments)
    return newest.said if newest else {}


def with_config(segmentation: Segmentation, config: SegmentationConfig) -> Segmentation:
    """The same dimensions, by another configuration."""
    segmenters = [copy.copy(one) for one in segmentation.segmenters]
    for one in segmenters:
        one.config = config
    return Segmentation(config, segmenters)


def as_published(segmentation: Segmentation, said: Mapping[str, Any]) -> Segmentation:
    """The rules with the settings that were published, whatever those of `segmentation` are.

    Args:
        segmentation: the dimensions, and how purchases are read.
        said: what the commit of the customers says.

    Raises:
        ConfigError: other dimensions were published.
    """
    if said.get("dimensions", segmentation.dimensions) != segmentation.dimensions:
        raise ConfigError(
            f"the dimensions {', '.join(said['dimensions'])} are published, and the rules given are for "
            f"{', '.join(segmentation.dimensions)}: name the configuration of the runs with --config, or, where they "
            "were given segmenters, ask CustomerSegmentationPipeline(config, segmenters) with the same ones."
        )
    settings = said.get("settings")
    return with_config(segmentation, override(segmentation.config, settings)) if settings else segmentation
