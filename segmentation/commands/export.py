"""`segmentation export`: the JSON once more, from the table."""

from __future__ import annotations

import argparse

from segmentation.commands.outputs import add_engine, add_place, configured

HELP = "write the JSON of what is published once more, from the table"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--to", metavar="FILE", help="write it here; it must not be there (default: its place)")
    add_engine(parser)
    add_place(parser)


def execute(options: argparse.Namespace) -> int:
    """Write it, and say where."""
    from segmentation.run.exports import export

    file, run_id = export(configured(options), options.to)
    print(f"Customers of run {run_id} -> {file}")
    return 0
