"""Classes in Python: from their names in a configuration to objects, ready to be used."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from segmentation.config import SegmentationConfig
from segmentation.errors import ConfigError
from segmentation.modules import installed

FIND = "a module lies beside the configuration, or is installed, or is in a folder of PYTHONPATH"


class PlugIn(NamedTuple):
    """What a class may be.

    Attributes:
        base: of which it is a subclass.
        group: where installed packages list what they bring.
        told: what a class says of itself; first what it is called.
    """

    base: type[Any]
    group: str
    told: Sequence[str] = ()


def all_of(kind: PlugIn, key: str, names: Mapping[int, str], config: SegmentationConfig) -> list[Any]:
    """Objects of the classes that a list of the configuration names.

    Args:
        kind: what they have to be.
        key: of the list.
        names: by their places in it.
        config: what they are made from.

    Raises:
        ConfigError: one cannot be used, or two are called the same.
    """
    made = [made_of(kind, f"{key}.{number}", name, config) for number, name in names.items()]
    what = kind.told[0]
    said = [getattr(one, what) for one in made]
    twice = [name for name in dict.fromkeys(said) if said.count(name) > 1]
    if twice:
        both = " and ".join(name for name, told in zip(names.values(), said, strict=True) if told == twice[0])
        raise ConfigError(f"{key}: {both} have one {what}, {twice[0]!r}: keep one, or let one extend the other.")
    return made


def made_of(kind: PlugIn, key: str, name: str, config: SegmentationConfig) -> Any:
    """An object of the class that a setting names.

    Raises:
        ConfigError: it cannot be used.
    """
    found = _class(kind, key, name)
    try:
        return found(config)
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{key}: {name} cannot be made from the configuration: {words(error)}.") from error


def _class(kind: PlugIn, key: str, name: str) -> type:
    """A class that is of a kind, and complete."""
    found = _object(kind, key, name)
    if not (inspect.isclass(found) and issubclass(found, kind.base)):
        what = "another class" if inspect.isclass(found) else f"no class but a {type(found).__name__}"
        raise ConfigError(f"{key}: {name} is {what}: expected a subclass of segmentation.{kind.base.__name__}.")
    missing = [one for one in kind.told if not isinstance(getattr(found, one, None), str)]
    missing += sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        raise ConfigError(f"{key}: {name} lacks {', '.join(missing)}, which every {kind.base.__name__} has.")
    return found


def _object(kind: PlugIn, key: str, name: str) -> Any:
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


def _place(kind: PlugIn, key: str, name: str) -> tuple[str, str]:
    there = installed(kind.group)
    if name not in there:
        known = f"installed are {', '.join(sorted(there))}" if there else "none is installed"
        raise ConfigError(
            f"{key}: no installed package brings a {kind.base.__name__} {name!r} ({known}): install it, or say "
            "module:Class."
        )
    return there[name].module, there[name].attr


def _imported(key: str, module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            raise ConfigError(f"{key}: there is no module {error.name!r}: {FIND}.") from error
        raise ConfigError(f"{key}: {module} needs {error.name}, which is not installed.") from error
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{key}: the module {module} cannot be imported: {words(error)}.") from error


def words(error: BaseException) -> str:
    """An error of somebody's code in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
