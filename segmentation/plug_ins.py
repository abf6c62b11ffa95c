"""Rules, metrics and sources in Python, by their names in the configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from segmentation.classes import PlugIn, all_of, installed, made_of, module_of
from segmentation.config import SegmentationConfig
from segmentation.core.own.in_python import METRIC
from segmentation.core.segmentation import Segmentation
from segmentation.core.segmenters import DEFAULT_SEGMENTERS, Segmenter
from segmentation.sources.base import Source

SEGMENTER = PlugIn(Segmenter, "segmentation.segmenters", ("dimension",))
SOURCE = PlugIn(Source, "segmentation.sources")


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
    return sorted({*config.sources, *installed(SOURCE)})


def code_of(config: SegmentationConfig, source: str | None) -> str | None:
    """A hash of the modules of rules and metrics, and of the source if it is somebody's own; None where none is named.

    It tells a change of their text, not of what they import in turn; nothing is imported but the packages around them.
    """
    named = [(SEGMENTER, name) for name in config.segmenters]
    named += [(METRIC, one) for one in config.metrics if isinstance(one, str)]
    if source is not None:
        named.append((SOURCE, config.sources.get(source, source)))
    modules = sorted({module_of(kind, name) for kind, name in named})
    return _hash(modules) if modules else None


def _hash(modules: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for module in modules:
        digest.update(module.encode())
        for file in _files_of(module):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:32]


def _files_of(module: str) -> Iterator[Path]:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec and spec.submodule_search_locations:
        for folder in spec.submodule_search_locations:
            yield from sorted(Path(folder).rglob("*.py"))
    elif spec and spec.origin and Path(spec.origin).is_file():
        yield Path(spec.origin)
