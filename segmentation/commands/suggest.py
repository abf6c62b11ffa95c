"""`segmentation suggest`: settings that fit a shop's own data."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from segmentation.commands.outputs import add_place, configured, show

HELP = "suggest settings from the data, with reasons and what they would change"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--json", action="store_true", help="for programs")
    add_place(parser, config="what the runs are configured with")


def execute(options: argparse.Namespace) -> int:
    """Suggest, and print."""
    from segmentation.pipeline import CustomerSegmentationPipeline

    told = CustomerSegmentationPipeline(configured(options)).suggest()
    show(told, options.json, lines)
    return 0


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """A fragment of a configuration, and below it, as comments, what it would change."""
    import textwrap

    import yaml

    from segmentation.commands import preview

    yield f"# Suggested from the purchases up to {told['as_of']}; take what fits your business."
    for one in told["advice"]:
        none = f"{one['setting']}: no advice, " if one["value"] is None else ""
        yield from textwrap.wrap(none + one["why"], 110, initial_indent="# ", subsequent_indent="# ")
        if one["value"] is not None:
            yield from yaml.safe_dump({one["setting"]: one["value"]}, sort_keys=False).splitlines()
    yield "#"
    yield from (f"# {line}".rstrip() for line in preview.lines(told["preview"]))
