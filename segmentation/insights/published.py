"""The rules that a publication was made with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segmentation.config import override
from segmentation.core.segmentation import Segmentation
from segmentation.engines.base import Engine
from segmentation.errors import ConfigError
from segmentation.state.commits import last_commit
from segmentation.state.output import Output

# Settings that publications of earlier versions of the program do not speak of.
NOT_THEN: Mapping[str, Any] = {"metrics": (), "scores": (), "dimensions": (), "per": {}}


def said_of(engine: Engine, output: Output) -> Mapping[str, Any]:
    """What the commit of the customers says, nothing where there is none."""
    newest = last_commit(engine.files, output.segments)
    return newest.said if newest else {}


def as_published(segmentation: Segmentation, said: Mapping[str, Any]) -> Segmentation:
    """The rules with the settings that were published, whatever those of `segmentation` are.

    Args:
        segmentation: the dimensions, and how purchases are read.
        said: what the commit of the customers says.

    Raises:
        ConfigError: other dimensions were published, or further columns of purchases.
    """
    settings = {**NOT_THEN, **said.get("settings", {})} if "settings" in said else {}
    published = with_settings(segmentation, settings)
    if said.get("dimensions", published.dimensions) != published.dimensions:
        raise ConfigError(
            f"the dimensions {', '.join(said['dimensions'])} are published, and the rules given are for "
            f"{', '.join(published.dimensions)}: name the configuration of the runs with --config, or, where they "
            "were given segmenters, ask CustomerSegmentationPipeline(config, segmenters) with the same ones."
        )
    return published


def with_settings(segmentation: Segmentation, settings: Mapping[str, Any]) -> Segmentation:
    """The rules with settings of a publication.

    Raises:
        ConfigError: they name what only the configuration of the runs knows.
    """
    try:
        return segmentation.with_config(override(segmentation.config, settings))
    except ConfigError as error:
        raise ConfigError(
            f"what was published hangs on what is not here: name the configuration of the runs with --config. {error}"
        ) from error
