"""`segmentation preview`: who would get another label under other settings."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from segmentation.commands.outputs import add_place, configured, show

WIDTH = 120
HELP = "show who would get another label under other settings, before anything is published"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting; may be repeated")
    parser.add_argument("--json", action="store_true", help="for programs")
    add_place(parser, config="the configuration to try; with --set, the one that was published")


def execute(options: argparse.Namespace) -> int:
    """Compare, and print."""
    from segmentation.config import override
    from segmentation.pipeline import CustomerSegmentationPipeline

    config = override(configured(options), dict(map(_setting, options.set)))
    told = CustomerSegmentationPipeline(config).preview()
    show(told, options.json, lines)
    return 0


def _setting(given: str) -> tuple[str, Any]:
    """``key=value``, the value as in a YAML file."""
    import yaml

    from segmentation.errors import ConfigError

    key, mark, value = given.partition("=")
    try:
        read = yaml.safe_load(value)
    except yaml.YAMLError:
        mark = ""
    if not mark or read is None:
        raise ConfigError(f"--set: expected KEY=VALUE, as in high_aov_threshold=20000, found {given!r}.")
    return key.strip(), read


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """What `insights.preview` told, for people."""
    from segmentation.console import columns

    if not told["settings"]:
        yield "These are the settings that were published: nothing would change."
        return
    yield f"As of {told['as_of']}, {told['moved']:,} of {told['customers']:,} customers would get another label, with:"
    for name, values in told["settings"].items():
        shown = f"  {name}: {_shown(values['to'])} instead of {_shown(values['from'])}"
        yield shown if len(shown) <= WIDTH else f"  {name}: others (--json shows both)"
    for one in told["dimensions"]:
        if one["flows"]:
            yield ""
            yield from columns(list(_table(one)), (False, True, True, True, True, True))
            yield from (f"  {line}" for line in columns(list(_flows(one)), (False, False, True, True)))


def _table(one: Mapping[str, Any]) -> Iterator[list[str]]:
    yield [one["dimension"], "customers", "then", "", "spend", "then"]
    for row in one["labels"]:
        before, after = (row["customers"][when] for when in ("before", "after"))
        moved = f"{after - before:+,}" if after != before else ""
        spend = [_amount(row["spend"][when]) for when in ("before", "after")]
        yield [_label(row["label"]), f"{before:,}", f"{after:,}", moved, *spend]


def _flows(one: Mapping[str, Any]) -> Iterator[list[str]]:
    for flow in one["flows"]:
        moved = f"{_label(flow['from_label'])} -> {_label(flow['to_label'])}"
        yield ["", moved, f"{flow['customers']:,}", _amount(flow["spend"])]


def _label(label: str | None) -> str:
    from segmentation.console import printable

    return "(not published)" if label is None else printable(label)


def _amount(text: str) -> str:
    from decimal import Decimal

    return f"{Decimal(text):,.2f}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
