"""Rules, metrics and sources in Python: from their names in the configuration to classes, ready to be used."""

from __future__ import annotations

import difflib
import hashlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from segmentation.config import SegmentationConfig
from segmentation.core.metric import Metric
from segmentation.core.segmentation import Segmentation
from segmentation.core.segmenters import DEFAULT_SEGMENTERS, Segmenter
from segmentation.errors import ConfigError
from segmentation.sources.base import Source

# Where installed packages list what they bring, by kind.
GROUPS: Mapping[type, str] = {
    Segmenter: "segmentation.segmenters",
    Metric: "segmentation.metrics",
    Source: "segmentation.sources",
}
# What a class says of itself, by kind: first what it is called.
TOLD: Mapping[type, Sequence[str]] = {Segmenter: ("dimension",), Metric: ("name", "type"), Source: ()}
FIND = "a module lies beside the configuration, or is installed, or is in a folder of PYTHONPATH"


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
    own = _all_of(Segmenter, "segmenters", config.segmenters, config)
    usual = [kind(config) for kind in DEFAULT_SEGMENTERS]
    return list({one.dimension: one for one in (*usual, *own)}.values())


def metrics_of(names: Sequence[str], config: SegmentationConfig) -> list[Metric]:
    """The metrics that are named, ready to be asked for their columns.

    Raises:
        ConfigError: one cannot be used, or two have one name.
    """
    return _all_of(Metric, "metrics", names, config)


def source_of(name: str, config: SegmentationConfig) -> Source:
    """A source that the configuration names, or that a package brings.

    Raises:
        ConfigError: there is none of this name, or it cannot be used.
    """
    key = f"sources.{name}" if name in config.sources else "--source"
    source: Source = _made(Source, key, config.sources.get(name, name), config)
    return source


def source_names(config: SegmentationConfig) -> list[str]:
    """What there is besides files, tables and MongoDB."""
    return sorted({*config.sources, *_installed(Source)})


def code_of(config: SegmentationConfig, source: str | None) -> str | None:
    """A hash of the modules of the segmenters, and of the source if it is somebody's own; None where none are named.

    It tells a change of their text, not of what they import in turn; nothing is imported but the packages around them.
    """
    named: list[tuple[type, str]] = [(Segmenter, name) for name in config.segmenters]
    if source is not None:
        named.append((Source, config.sources.get(source, source)))
    modules = sorted({_module_of(kind, name) for kind, name in named})
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


def _module_of(kind: type, name: str) -> str:
    module, mark, _ = name.partition(":")
    found = None if mark else _installed(kind).get(name)
    return found.module if found else module


def _installed(kind: type) -> dict[str, EntryPoint]:
    return {one.name: one for one in entry_points(group=GROUPS[kind])}


def _all_of(kind: type[Any], key: str, names: Sequence[str], config: SegmentationConfig) -> list[Any]:
    made = [_made(kind, f"{key}.{number}", name, config) for number, name in enumerate(names)]
    what = TOLD[kind][0]
    said = [getattr(one, what) for one in made]
    twice = [name for name in dict.fromkeys(said) if said.count(name) > 1]
    if twice:
        both = " and ".join(name for name, told in zip(names, said, strict=True) if told == twice[0])
        raise ConfigError(f"{key}: {both} have one {what}, {twice[0]!r}: keep one, or let one extend the other.")
    return made


def _made(kind: type[Any], key: str, name: str, config: SegmentationConfig) -> Any:
    """An object of a class, by the configuration."""
    found = _class(kind, key, name)
    try:
        return found(config)
    except Exception as error:
        raise ConfigError(f"{key}: {name} cannot be made from the configuration: {_words(error)}.") from error


def _class(kind: type, key: str, name: str) -> type:
    """A class that is of a kind, and complete."""
    found = _object(kind, key, name)
    if not (inspect.isclass(found) and issubclass(found, kind)):
        what = "another class" if inspect.isclass(found) else f"no class but a {type(found).__name__}"
        raise ConfigError(f"{key}: {name} is {what}: expected a subclass of segmentation.{kind.__name__}.")
    missing = [one for one in TOLD[kind] if not isinstance(getattr(found, one, None), str)]
    missing += sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        raise ConfigError(f"{key}: {name} lacks {', '.join(missing)}, which every {kind.__name__} has.")
    return found


def _object(kind: type, key: str, name: str) -> Any:
    """What a name stands for."""
    module, mark, attribute = name.partition(":")
    if not mark:
        module, attribute = _place(kind, key, name)
    imported = _imported(key, module)
    if not hasattr(imported, attribute):
        known = [one for one, value in vars(imported).items() if inspect.isclass(value)]
        close = difflib.get_close_matches(attribute, known, 1)
        hint = f", did you mean {close[0]!r}?" if close else f"; it has {', '.join(known) or 'no classes'}."
        raise ConfigError(f"{key}: the module {module} has no {attribute!r}{hint}")
    return getattr(imported, attribute)


def _place(kind: type, key: str, name: str) -> tuple[str, str]:
    installed = _installed(kind)
    if name not in installed:
        known = f"installed are {', '.join(sorted(installed))}" if installed else "none is installed"
        raise ConfigError(
            f"{key}: no installed package brings a {kind.__name__} {name!r} ({known}): install it, or say module:Class."
        )
    return installed[name].module, installed[name].attr


def _imported(key: str, module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            raise ConfigError(f"{key}: there is no module {error.name!r}: {FIND}.") from error
        raise ConfigError(f"{key}: {module} needs {error.name}, which is not installed.") from error
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{key}: the module {module} cannot be imported: {_words(error)}.") from error


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
