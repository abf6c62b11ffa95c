"""Rules, metrics and sources in Python, by their names in the configuration."""

from __future__ import annotations

from segmentation.classes import PlugIn, all_of, made_of
from segmentation.config import SegmentationConfig
from segmentation.core.segmentation import Segmentation
from segmentation.core.segmenters import DEFAULT_SEGMENTERS, Segmenter
from segmentation.modules import SEGMENTERS, SOURCES, installed
from segmentation.sources.base import Source

SEGMENTER = PlugIn(Segmenter, SEGMENTERS, ("dimension",))
SOURCE = PlugIn(Source, SOURCES)


def segmentation_of(config: SegmentationConfig) -> Segmentation:
    """What customers are labelled by, with the segmenters that the configuration names.

    Raises:
        ConfigError: one cannot be used.
    """
    return Segmentation(config, segmenters_of(config))


def segmenters_of(config: SegmentationConfig) -> list[Segmenter]:
    """The usual dimensions and those that the configuration names.

    One of a dimension that is there takes its place; others follow, in their order.

    Raises:
        ConfigError: one cannot be used, or two are of one dimension.
    """
    own = all_of(SEGMENTER, "segmenters", dict(enumerate(config.segmenters)), config)
    usual = [kind(config) for kind in DEFAULT_SEGMENTERS]
    return list({one.dimension: one for one in (*usual, *own)}.values())


def source_of(name: str, config: SegmentationConfig) -> Source:
    """A source that the configuration names, or that a package brings.

    Raises:
        ConfigError: there is none of this name, or it cannot be used.
    """
    key = f"sources.{name}" if name in config.sources else "--source"
    source: Source = made_of(SOURCE, key, config.sources.get(name, name), config)
    return source


def source_names(config: SegmentationConfig) -> list[str]:
    """What there is besides files, tables and MongoDB."""
    return sorted({*config.sources, *installed(SOURCES)})
