"""`segmentation watch`: run by time and when the source changes, until told to end."""

from __future__ import annotations

import argparse

from segmentation.commands import run

HELP = "run by time and when files change, until told to end"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options: those of a run, and when."""
    from segmentation.automation.schedule import CHECK, FULL

    run.add_what(parser)
    parser.add_argument(
        "--check", metavar="CRON", default=CHECK, help="runs if anything changed (default: every 6 hours)"
    )
    parser.add_argument(
        "--full", metavar="CRON", default=FULL, help="runs that read everything (default: daily at 02:00)"
    )
    parser.add_argument("--no-files", action="store_true", help="by time alone, whatever changes")
    parser.add_argument(
        "--settle", type=float, default=2.0, metavar="SECONDS", help="without a change before a run begins (default: 2)"
    )
    parser.add_argument(
        "--poll",
        type=float,
        metavar="SECONDS",
        help="look at the files so often, for network shares that tell nothing (MongoDB without change streams: 30)",
    )
    parser.add_argument("--retries", type=int, default=3, metavar="N", help="of a run that failed (default: 3)")
    parser.add_argument(
        "--retry-after",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="before the first; each pause after is twice as long (default: 30)",
    )
    parser.add_argument("--log-level", choices=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO", metavar="LEVEL")


def execute(options: argparse.Namespace) -> int:
    """Watch."""
    from segmentation.automation.runner import Runner
    from segmentation.automation.watch import Plan, Watch
    from segmentation.commands.outputs import configured
    from segmentation.commands.passed_on import passed_on
    from segmentation.console import setup_console
    from segmentation.errors import ConfigError
    from segmentation.run.request import Request
    from segmentation.state.output import Output

    setup_console(options.log_level)
    config = configured(options)
    output = Output.of(config)
    request = Request.of(options.source, options.csv_path, options.mode, config, table=options.table)
    output.refuse_inside(request.locations)
    if output.local is None:
        raise ConfigError(f"{output.root} is not on this machine: use a scheduler that starts segmentation run.")
    output.create()
    plan = Plan(
        options.check,
        options.full,
        [] if options.no_files else request.locations,
        options.settle,
        options.poll,
        (options.poll or 30.0) if options.source == "mongodb" and not options.no_files else None,
        options.retries,
        options.retry_after,
    )
    Watch(config, output, Runner([*passed_on(options, {}, ["log_level"])]), plan).forever()
    return 0
