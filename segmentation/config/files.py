"""YAML files, what they include, and where in them each setting stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from segmentation.errors import ConfigError

INCLUDE = "include"
# Lists to which each file adds its own; every other setting is that of the file that comes last.
ADDED = ("segmenters", "metrics", "scores", "dimensions")


class Places(dict[tuple[str, ...], str]):
    """Path of a setting -> file and line. Where settings stand is no part of what they are, so all are equal."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Places)

    __hash__ = None


class Content(NamedTuple):
    """Settings, the file and line of each by its path, and the folders of the files, included ones last."""

    settings: dict[str, Any]
    places: Places
    folders: tuple[Path, ...] = ()


class _OnceLoader(yaml.SafeLoader):
    """A key that stands twice is an error: of two, one would be lost without a word."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """A mapping, if its keys differ; those that it merges with ``<<`` it may say otherwise."""
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if (key.tag, key.value) in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands there twice", key.start_mark)
            seen.add((key.tag, key.value))
        return node


def content_of(given: Mapping[str, Any] | Path) -> Content:
    """Settings with those that they include, of a file or as they are given; of these, paths start where the job does.

    Raises:
        ConfigError: a file cannot be read, is no YAML, or includes itself.
    """
    if isinstance(given, Path):
        return _read(given, ())
    return _with_included(Content(dict(given), Places()), Path(), ())


def place_of(path: tuple[str, ...], places: Places) -> str | None:
    """Where a setting stands, or what it is part of; None where it is in no file."""
    return next((places[path[:end]] for end in range(len(path), 0, -1) if path[:end] in places), None)


def _read(path: Path, within: tuple[Path, ...]) -> Content:
    if path.resolve() in within:
        raise ConfigError(f"The configuration {path} includes itself: {' -> '.join(map(str, (*within, path)))}.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        settings, places = _parsed(text, path)
    except OSError as error:
        raise ConfigError(
            f"The configuration {path} cannot be read: {error.strerror}. Check --config and {INCLUDE}."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"The configuration {path} is not valid YAML: {reason}") from None
    if settings is None:
        settings = {}
    if not isinstance(settings, dict):
        raise ConfigError(
            f"The configuration {path} must be a mapping of keys to values, found {type(settings).__name__}."
        )
    return _with_included(Content(settings, places, (path.absolute().parent,)), path.parent, (*within, path.resolve()))


def _parsed(text: str, path: Path) -> tuple[Any, Places]:
    loader = _OnceLoader(text)
    try:
        node = loader.get_single_node()
        settings = loader.construct_document(node) if node else None
        return settings, Places(_places(node, (), path, ()))
    finally:
        loader.dispose()


def _with_included(own: Content, folder: Path, within: tuple[Path, ...]) -> Content:
    included = own.settings.pop(INCLUDE, None) or []
    paths = [included] if isinstance(included, str) else included
    if not isinstance(paths, list | tuple) or not all(isinstance(path, str) for path in paths):
        where = own.places.get((INCLUDE,))
        raise ConfigError(
            f"{where + ': ' if where else ''}{INCLUDE}: expected paths of configurations, seen from the folder of this "
            f"one, found {included!r}."
        )
    return reduce(_together, [*(_read(folder / path, within) for path in paths), own])


def _together(first: Content, then: Content) -> Content:
    settings, places = {**first.settings}, Places(first.places)
    for key, value in then.settings.items():
        before, moved = settings.get(key), 0
        if key in ADDED and isinstance(before, list) and isinstance(value, list):
            settings[key], moved = [*before, *value], len(before)
        elif key == "inputs" and isinstance(before, dict) and isinstance(value, dict):
            settings[key] = {**before, **value}
        elif key == "input" and isinstance(before, dict) and isinstance(value, dict):
            extra = "extra_columns"
            settings[key] = {**before, **value, extra: {**(before.get(extra) or {}), **(value.get(extra) or {})}}
        else:
            settings[key] = value
        added = {_moved(path, moved): place for path, place in then.places.items() if path[0] == str(key)}
        whole = (str(key),)
        if moved and whole in places and whole in added:
            added[whole] = f"{places[whole]}; {added[whole]}"
        places.update(added)
    return Content(settings, places, (*then.folders, *first.folders))


def _moved(path: tuple[str, ...], by: int) -> tuple[str, ...]:
    if by == 0:
        return path
    return path if len(path) == 1 else (path[0], str(int(path[1]) + by), *path[2:])


def _places(
    node: yaml.Node | None, path: tuple[str, ...], file: Path, around: tuple[yaml.Node, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """The path of every setting below a node, and where it stands."""
    if node is None:
        return
    if any(node is one for one in around):
        raise yaml.constructor.ConstructorError(None, None, "an alias stands in what it stands for", node.start_mark)
    if path:
        yield path, f"{file}, line {node.start_mark.line + 1}"
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _places(value, (*path, str(key.value)), file, (*around, node))
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _places(value, (*path, str(number)), file, (*around, node))
