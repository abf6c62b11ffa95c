"""`segmentation backup`: a copy of what is published."""

from __future__ import annotations

import argparse

from segmentation.commands.outputs import add_engine, add_place, configured

HELP = "copy what is published, with all that belongs to it, to a new folder"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--to", required=True, metavar="FOLDER", help="complete or not there; it must not be there yet")
    add_engine(parser)
    add_place(parser)


def execute(options: argparse.Namespace) -> int:
    """Copy, and say what."""
    from segmentation.run.backup import back_up

    found = back_up(configured(options), options.to)
    print(f"Run {found.run_id}, as of {found.as_of}: {len(found.files):,} files -> {options.to}")
    return 0
