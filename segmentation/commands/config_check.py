"""`segmentation config check`: everything that can be told of a configuration without data."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from segmentation.commands.outputs import show

HELP = "say what is wrong with a configuration, with keys and lines; exit code 2 if anything is"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("file", metavar="FILE", help="the YAML file")
    parser.add_argument("--json", action="store_true", help="for programs")


def execute(options: argparse.Namespace) -> int:
    """Check, and say what was found."""
    from segmentation.errors import ConfigError
    from segmentation.insights.settings import check

    told = check(options.file)
    show(told, options.json, lines)
    return 0 if told["ok"] else ConfigError.exit_code


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """What `insights.settings.check` told, for people."""
    yield from (f"{problem['place'] or told['file']}: {problem['message']}" for problem in told["problems"])
    if told["ok"]:
        yield f"OK  {told['file']}"
        yield from (f"    {name}: {', '.join(labels)}" for name, labels in (told["dimensions"] or {}).items())
    if told["not_tried"]:
        yield f"The rules were not tried: {told['not_tried']}"
