"""All values of a configuration, and where each comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from segmentation.config.files import Content, Places, content_of
from segmentation.config.loading import REFERENCE, load_config, override

# What pydantic shows of a secret, and what is shown where one is part of a text.
HIDDEN, HIDDEN_PART = "**********", "***"
Key = tuple[str, ...]


class Value(NamedTuple):
    """A value as JSON has it, without secrets, and where it comes from.

    Attributes:
        key: its path.
        value: what it is; where the environment tells, the reference to it, because it may be a secret.
        place: file and line, None where it is in no file.
        variables: of the environment, that tell it.
        is_option: is it given on the command line?
    """

    key: Key
    value: Any
    place: str | None = None
    variables: Sequence[str] = ()
    is_option: bool = False

    def told(self, options: Mapping[str, str]) -> dict[str, Any]:
        """For programs; `options` are named by their settings."""
        origin = (
            "option" if self.is_option else "environment" if self.variables else "file" if self.place else "default"
        )
        return {
            "key": ".".join(self.key),
            "value": self.value,
            "from": origin,
            "place": self.place,
            "variable": ", ".join(self.variables) or None,
            "option": options[self.key[0]] if self.is_option else None,
        }


def origins(file: str | None, given: Mapping[str, Any]) -> list[Value]:
    """Every value.

    Args:
        file: of the configuration, None for the defaults.
        given: settings that options replace.

    Raises:
        ConfigError: the configuration is not valid.
    """
    config = override(load_config(file), given)
    content = content_of(Path(file)) if file else Content({}, Places())
    references = dict(_references(content.settings, ()))
    secrets = [text for text in config.secrets() if text]
    return [_value(path, shown, content, references, secrets, given) for path, shown in _leaves(config, ())]


def _leaves(model: BaseModel, path: Key) -> Iterator[tuple[Key, Any]]:
    shown = model.model_dump(mode="json", by_alias=True)
    for name, field in type(model).model_fields.items():
        value, key = getattr(model, name), field.alias or name
        if isinstance(value, BaseModel):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), shown[key]


def _references(settings: Any, path: Key) -> Iterator[tuple[Key, str]]:
    """Texts of the file that the environment completes, by their paths."""
    if isinstance(settings, str) and REFERENCE.search(settings):
        yield path, settings
    inner = settings.items() if isinstance(settings, Mapping) else enumerate(settings) if _is_list(settings) else ()
    for key, value in inner:
        yield from _references(value, (*path, str(key)))


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _value(
    path: Key,
    shown: Any,
    content: Content,
    references: Mapping[Key, str],
    secrets: Sequence[str],
    given: Mapping[str, Any],
) -> Value:
    if path[0] in given:
        return Value(path, _masked(shown, secrets), is_option=True)
    inside = {key: text for key, text in references.items() if key[: len(path)] == path}
    variables = list(dict.fromkeys(name for text in inside.values() for name in REFERENCE.findall(text)))
    return Value(path, _masked(_as_written(shown, path, inside), secrets), content.places.get(path), variables)


def _as_written(value: Any, path: Key, references: Mapping[Key, str]) -> Any:
    """A value with the references that stand for parts of it; a secret stays hidden."""
    if isinstance(value, dict):
        return {key: _as_written(inner, (*path, str(key)), references) for key, inner in value.items()}
    if _is_list(value):
        return [_as_written(inner, (*path, str(number)), references) for number, inner in enumerate(value)]
    return value if value == HIDDEN else references.get(path, value)


def _masked(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {key: _masked(inner, secrets) for key, inner in value.items()}
    if _is_list(value):
        return [_masked(inner, secrets) for inner in value]
    if isinstance(value, str) and secrets:
        return re.sub("|".join(map(re.escape, sorted(secrets, key=len, reverse=True))), HIDDEN_PART, value)
    return value
