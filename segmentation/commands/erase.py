"""`segmentation erase`: remove customers from everything that was published or kept."""

from __future__ import annotations

import argparse

from segmentation.commands.outputs import add_engine, add_place, configured

HELP = "remove customers from every table, export and old version"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("customers", nargs="+", metavar="CUSTOMER", help="ids as they are published")
    add_engine(parser)
    add_place(parser)


def execute(options: argparse.Namespace) -> int:
    """Do it, and say what is left to do."""
    from segmentation.run.housekeeping import erase

    config = configured(options)
    removed = erase(config, options.customers)
    for table, rows in removed.items():
        print(f"{table}: {rows:,} rows removed")
    print(
        "The exports are written anew, and no old version of a table holds them any more. What is left to you: erase "
        "them in the source, from which a run that reads their file again would take them in again; in the log, where "
        "a dry run has shown customers; in backups and copies; and in what other systems took from here."
    )
    target = config.publish_to_mongodb
    if target:
        print(f"In MongoDB: {target.database}.{target.collection}.deleteMany({{_id: {{$in: [...]}}}})")
    return 0
