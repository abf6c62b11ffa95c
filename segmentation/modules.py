"""Where classes in Python are, without importing them, and what tells that their code changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from segmentation.config import SegmentationConfig

# Where installed packages list what they bring.
SEGMENTERS, METRICS, SOURCES = (f"segmentation.{what}" for what in ("segmenters", "metrics", "sources"))


def installed(group: str) -> dict[str, EntryPoint]:
    """What packages bring, by what they call it."""
    return {one.name: one for one in entry_points(group=group)}


def code_of(config: SegmentationConfig, source: str | None) -> str | None:
    """A hash of the modules of rules and metrics, and of the source if it is somebody's own; None where none is named.

    It tells a change of their text, not of what they import in turn.
    """
    named = [(SEGMENTERS, name) for name in config.segmenters]
    named += [(METRICS, one) for one in config.metrics if isinstance(one, str)]
    if source is not None:
        named.append((SOURCES, config.sources.get(source, source)))
    modules = sorted({_module_of(group, name) for group, name in named})
    return code_hash(modules) if modules else None


def _module_of(group: str, name: str) -> str:
    module, mark, _ = name.partition(":")
    found = None if mark else installed(group).get(name)
    return found.module if found else module


def code_hash(modules: Sequence[str]) -> str:
    """The same for modules of the same text, each with all of its package; nothing is imported but the packages around.

    What they import in turn is not looked at, nor what is in no file.
    """
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
