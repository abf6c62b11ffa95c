"""A YAML file or a dict -> a checked configuration."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from segmentation.config.mongodb import MongoConfig
from segmentation.config.settings import SegmentationConfig
from segmentation.errors import ConfigError


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
    content = _read_yaml(Path(given)) if isinstance(given, str | Path) else dict(given or {})
    try:
        return SegmentationConfig.model_validate(_resolve(content, ()))
    except ValidationError as error:
        raise ConfigError(f"The {where} is not valid: " + "; ".join(map(_explain, error.errors()))) from None


def override(config: SegmentationConfig, given: Mapping[str, Any]) -> SegmentationConfig:
    """`config` with some settings replaced, checked again; None stands for none given."""
    told = {key: value for key, value in given.items() if value is not None}
    return load_config({**config.model_dump(by_alias=True, exclude_unset=True), **told}) if told else config


class _OnceLoader(yaml.SafeLoader):
    """A key that stands twice is an error: of two, one would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A dict, if its keys differ."""
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} stands there twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_OnceLoader)  # noqa: S506 - a safe one
    except OSError as error:
        raise ConfigError(f"The configuration {path} cannot be read: {error.strerror}. Check --config.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"The configuration {path} is not valid YAML: {reason}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(
            f"The configuration {path} must be a mapping of keys to values, found {type(content).__name__}."
        )
    return content


_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _resolve(value: Any, path: tuple[str, ...]) -> Any:
    """Replace every ``${NAME}`` by the environment's value."""
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

    return _REFERENCE.sub(lookup, value)


def _explain(error: Any) -> str:
    """One problem as ``key.path: what was expected``."""
    path = ".".join(str(part) for part in error["loc"] if not str(part).startswith(("function-", "literal[")))
    if error["type"] == "extra_forbidden":
        key = str(error["loc"][-1])
        known = SegmentationConfig.model_fields if len(error["loc"]) == 1 else MongoConfig.model_fields
        close = difflib.get_close_matches(key, known, 1)
        return f"{path}: unknown key" + (f", did you mean {close[0]!r}?" if close else "")
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{path}: {message}" if path else message
