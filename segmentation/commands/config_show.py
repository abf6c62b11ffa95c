"""`segmentation config show`: all values, and where each comes from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from segmentation.commands.outputs import show

HELP = "show all values and where each comes from: default, file and line, environment, option"
# A longer value is cut for people.
WIDTH = 60
# Options of a run that are settings.
SETTINGS = {"output_dir": "--output-dir", "as_of": "--as-of", "engine": "--engine", "mode": "--mode"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options: those of a run that are settings."""
    parser.add_argument("--config", metavar="FILE", help="YAML file (default: the defaults)")
    for name, option in SETTINGS.items():
        parser.add_argument(option, metavar="VALUE", help=f"as in segmentation run: {name}")
    parser.add_argument("--json", action="store_true", help="for programs, and in full")


def execute(options: argparse.Namespace) -> int:
    """Show them; secrets are hidden."""
    from segmentation.config.origins import origins

    given = {name: getattr(options, name) for name in SETTINGS}
    values = origins(options.config, {name: value for name, value in given.items() if value is not None})
    show({"values": [one.told(SETTINGS) for one in values]}, options.json, lines)
    return 0


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """A line a value."""
    from segmentation.console import columns, printable

    yield from columns([(one["key"], printable(_short(one["value"])), _origin(one)) for one in told["values"]])


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def _origin(one: Mapping[str, Any]) -> str:
    found = {
        "option": one["option"],
        "environment": f"environment variable {one['variable']}, {one['place']}",
        "file": one["place"],
    }
    return str(found.get(one["from"], one["from"]))
