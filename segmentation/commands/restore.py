"""`segmentation restore`: back to what an earlier run published, or to a backup."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from segmentation.commands.outputs import add_engine, add_place, configured

if TYPE_CHECKING:
    from segmentation.config import SegmentationConfig

HELP = "go back to what an earlier run published, or to a backup"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--to-run", metavar="RUN", help="publish once more what this run published")
    what.add_argument(
        "--from", metavar="BACKUP", dest="backup", help="a folder that `backup` made takes the output's place"
    )
    add_engine(parser)
    add_place(parser)


def execute(options: argparse.Namespace) -> int:
    """Restore, and say what is published now and what is left to do."""
    from segmentation.run.backup import restore_from
    from segmentation.run.restoring import restore_to_run

    config = configured(options)
    if options.backup:
        found = restore_from(config, options.backup)
        print(f"{config.output_dir} is as it was at {found.made_at}: run {found.run_id}, as of {found.as_of}.")
    else:
        said = restore_to_run(config, options.to_run)
        print(f"Published is what run {said['run_id']} published, as of {said.get('as_of', '(not recorded)')}.")
        _report(config)
    print("The next run reads the source as it is: mend what was wrong there first, or it is published again.")
    target = config.publish_to_mongodb
    if target:
        print(f"The collection {target.database}.{target.collection} in MongoDB is as it was; the next run writes it.")
    return 0


def _report(config: SegmentationConfig) -> None:
    """The report of what is published now, in the place of that of before, which is gone."""
    from segmentation.errors import ConfigError
    from segmentation.pipeline import CustomerSegmentationPipeline

    if not config.report:
        return
    try:
        CustomerSegmentationPipeline(config).report()
    except ConfigError as error:
        print(f"No report: {error}")
