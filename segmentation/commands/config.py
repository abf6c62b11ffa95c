"""`segmentation config`: look at a configuration, whatever the data."""

from __future__ import annotations

import argparse

from segmentation.commands import config_check, config_schema, config_show

HELP = "check a configuration, show its values and where they come from, or its form for editors"
ACTIONS = {"check": config_check, "show": config_show, "schema": config_schema}


def add_options(parser: argparse.ArgumentParser) -> None:
    """What can be done, each with its own options."""
    actions = parser.add_subparsers(dest="action", required=True)
    for name, action in ACTIONS.items():
        action.add_options(actions.add_parser(name, help=action.HELP))


def execute(options: argparse.Namespace) -> int:
    """Do it."""
    return int(ACTIONS[options.action].execute(options))
