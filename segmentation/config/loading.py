"""A YAML file or a dict -> a checked configuration."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from segmentation.config.files import Places, content_of, place_of
from segmentation.config.mongodb import MongoConfig
from segmentation.config.settings import SegmentationConfig
from segmentation.config.values import BY_FORM
from segmentation.errors import ConfigError, InvalidSettings, Problem, among


def load_config(given: SegmentationConfig | Mapping[str, Any] | str | Path | None = None) -> SegmentationConfig:
    """Read, fill in and check a configuration.

    Args:
        given: a YAML file's path, a dict, a ready object, or None for the defaults.

    Raises:
        ConfigError: the file cannot be read, or a key is unknown or has an impossible value.
    """
    if isinstance(given, SegmentationConfig):
        return given
    where = f"configuration {given}" if isinstance(given, str | Path) else "configuration"
    content = content_of(Path(given) if isinstance(given, str) else given or {})
    config = _checked(_resolve(content.settings, ()), where, content.places)
    config._places.update(content.places)
    _find_modules(config, content.folders)
    return config


def _checked(settings: Mapping[str, Any], where: str, places: Places) -> SegmentationConfig:
    try:
        return SegmentationConfig.model_validate(settings)
    except ValidationError as error:
        raise InvalidSettings(where, [_problem(one, places) for one in error.errors()]) from None


def _problem(error: Any, places: Places) -> Problem:
    message = _explain(error)
    # What concerns several settings says in front which.
    path = _path(error) or tuple(message.partition(":")[0].split("."))
    return Problem(message, place_of(path, places))


def _find_modules(config: SegmentationConfig, folders: Sequence[Path]) -> None:
    """Let modules beside the files be found, last of all: what happens to lie there hides nothing that is installed."""
    named = (*config.segmenters, *config.metrics, *config.sources.values())
    if any(isinstance(name, str) and ":" in name for name in named):
        sys.path.extend(str(folder) for folder in dict.fromkeys(folders) if str(folder) not in sys.path)


def override(config: SegmentationConfig, given: Mapping[str, Any]) -> SegmentationConfig:
    """`config` with some settings replaced, checked again; None stands for none given."""
    told = {key: value for key, value in given.items() if value is not None}
    if not told:
        return config
    changed = load_config({**config.model_dump(by_alias=True, exclude_unset=True), **told})
    # What was replaced stands in no file.
    changed._places.update({path: place for path, place in config._places.items() if path[0] not in told})
    return changed


def with_inputs_at(config: SegmentationConfig, paths: Sequence[str]) -> SegmentationConfig:
    """`config` with second inputs elsewhere.

    Args:
        config: which second inputs there are.
        paths: ``name=path`` of those that are elsewhere.

    Raises:
        ConfigError: there is no input of a name, or no name in front of a path.
    """
    inputs = dict(config.model_dump(by_alias=True, exclude_unset=True).get("inputs", {}))
    for given in paths:
        name, _, path = given.partition("=")
        if name not in inputs or not path:
            raise ConfigError(
                f"--input: expected the name of one of the inputs of the configuration, and a path, as in "
                f"{next(iter(inputs), 'events')}=PATH, found {given!r}"
                f"{'.' if name in inputs else among(name, inputs, 'There are')}"
            )
        inputs[name] = {**inputs[name], "path": path}
    return override(config, {"inputs": inputs}) if paths else config


EXPRESSIONS = ("metrics",), ("scores",), ("dimensions",)
REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _resolve(value: Any, path: tuple[str, ...]) -> Any:
    """Replace every ``${NAME}`` by the environment's value, but in expressions: messages show these."""
    if path[:1] in EXPRESSIONS:
        return value
    if isinstance(value, Mapping):
        return {str(key): _resolve(item, (*path, str(key))) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_resolve(item, (*path, str(number))) for number, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def lookup(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ConfigError(
                f"{'.'.join(path)}: the environment variable {match[1]} is not set; export it and run again."
            )
        return os.environ[match[1]]

    return REFERENCE.sub(lookup, value)


def _path(error: Any) -> tuple[str, ...]:
    """Keys and numbers, without the names of what checks."""
    return tuple(str(part) for part in error["loc"] if not str(part).startswith(("function-", "literal[", BY_FORM)))


def _explain(error: Any) -> str:
    """One problem as ``key.path: what was expected``."""
    path = ".".join(_path(error))
    if error["type"] == "extra_forbidden":
        key = str(error["loc"][-1])
        known = SegmentationConfig.model_fields if len(error["loc"]) == 1 else MongoConfig.model_fields
        close = difflib.get_close_matches(key, known, 1)
        return f"{path}: unknown key" + (f", did you mean {close[0]!r}?" if close else "")
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{path}: {message}" if path else message
