"""`segmentation report`: what there is to say of a publication, as a page and as text."""

from __future__ import annotations

import argparse

from segmentation.commands.outputs import add_place, configured

HELP = "write the report of what is published: a page, and Markdown"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add_place(parser, config="what the runs are configured with")


def execute(options: argparse.Namespace) -> int:
    """Write it, and say where."""
    from segmentation.pipeline import CustomerSegmentationPipeline

    for path in CustomerSegmentationPipeline(configured(options)).report():
        print(f"Report  {path}")
    return 0
