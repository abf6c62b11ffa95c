"""`segmentation maintain`: what tables need from time to time; never a side effect of a run."""

from __future__ import annotations

import argparse

from segmentation.commands.outputs import add_engine, add_place, configured

HELP = "put small files of the tables together, remove old versions and old rows"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument(
        "--keep-versions",
        type=int,
        default=7,
        metavar="DAYS",
        help="old versions of tables stay readable so long (default: 7)",
    )
    parser.add_argument(
        "--keep-history", type=int, metavar="DAYS", help="changes of labels stay so long (default: all)"
    )
    parser.add_argument("--keep-rejected", type=int, metavar="DAYS", help="rejected rows stay so long (default: all)")
    add_engine(parser)
    add_place(parser)


def execute(options: argparse.Namespace) -> int:
    """Do it, and say what was done."""
    from segmentation.errors import ConfigError
    from segmentation.run.housekeeping import maintain

    for name in ("keep_versions", "keep_history", "keep_rejected"):
        days = getattr(options, name)
        if days is not None and days < 0:
            raise ConfigError(f"--{name.replace('_', '-')}: expected a number of days, found {days}.")
    config = configured(options)
    kept = maintain(
        config,
        keep_versions=options.keep_versions,
        keep_history=options.keep_history,
        keep_rejected=options.keep_rejected,
    )
    for table, removed in kept.items():
        print(f"{table}: files put together, old versions removed" + (f", {removed:,} old rows" if removed else ""))
    return 0
