"""What commands on what was published have in common: where it lies, and reading its tables without an engine."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from segmentation.locations import last_name

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from segmentation.config import SegmentationConfig
    from segmentation.state.output import Output


def add_place(parser: argparse.ArgumentParser, config: str = "YAML file (see conf/segmentation.yaml)") -> None:
    """The options that say where runs published."""
    parser.add_argument("--config", metavar="FILE", help=config)
    parser.add_argument("--output-dir", metavar="DIR", help="where the runs published")


def add_engine(parser: argparse.ArgumentParser) -> None:
    """The option of commands that write to tables."""
    parser.add_argument("--engine", choices=("auto", "spark", "embedded"), help="what keeps the tables")


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """The option of commands that read."""
    parser.add_argument(
        "--input",
        action="append",
        metavar="NAME=PATH",
        help="where a second input of the configuration lies; may be repeated",
    )


def show(told: Mapping[str, Any], as_json: bool, lines: Callable[[Mapping[str, Any]], Iterable[str]]) -> None:
    """Print an answer: for programs, or for people as `lines` words it."""
    from segmentation.console import read_or_not

    with read_or_not():
        print(json.dumps(told, ensure_ascii=False, indent=2) if as_json else "\n".join(lines(told)))


def configured(options: argparse.Namespace) -> SegmentationConfig:
    """The configuration that these options name."""
    from segmentation.config import load_config, override
    from segmentation.config.loading import with_inputs_at

    given = {"output_dir": options.output_dir, "engine": getattr(options, "engine", None)}
    return with_inputs_at(override(load_config(options.config), given), getattr(options, "input", None) or ())


def midnight(what: str, day: str, config: SegmentationConfig) -> datetime:
    """When a day begins in the configured time zone.

    Raises:
        ConfigError: it is no day.
    """
    from segmentation.errors import ConfigError

    try:
        return datetime.combine(date.fromisoformat(day), time(), config.zone)
    except ValueError:
        raise ConfigError(f"{what}: expected a day like 2024-06-30, found {day!r}.") from None


def opened(output: Output, path: str, command: str, version: int | None = None) -> DeltaTable:
    """A table, at a version if one is given.

    Raises:
        ConfigError: it is not here, or what reads it is not installed.
        DamagedOutputError: it is not whole.
    """
    from segmentation.errors import ConfigError
    from segmentation.state.damage import see_whole

    try:
        from deltalake import DeltaTable
    except ImportError as error:
        from segmentation.engines.choose import INSTALL_EMBEDDED

        raise ConfigError(f"segmentation {command} needs {error.name}: {INSTALL_EMBEDDED}.") from error
    if output.local is None:
        raise ConfigError(f"{path} is not on this machine: query it with Spark (docs/tables.md has the queries).")
    see_whole(output, path)
    if not DeltaTable.is_deltatable(path):
        raise ConfigError(f"{output.root} holds no table {last_name(path)}. Check --output-dir and --config.")
    return DeltaTable(path, version=version)
