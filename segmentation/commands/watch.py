"""`segmentation watch`: run by time and when the source changes, until told to end."""

from __future__ import annotations

import argparse

HELP = "run by time and when files change, until told to end"
# Of a run, what is told again for each.
HANDED_ON = ("source", "table", "engine", "config", "output_dir", "as_of", "mode")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options: those of a run, and when."""
    parser.add_argument("--source", choices=("csv", "mongodb", "table"), default="csv", help="where the purchases lie")
    parser.add_argument("--csv-path", action="append", metavar="PATH", help="file, directory or glob; may be repeated")
    parser.add_argument("--table", metavar="PATH_OR_NAME", help="for --source table")
    parser.add_argument("--engine", choices=("auto", "spark", "embedded"), help="what computes")
    parser.add_argument("--config", metavar="FILE", help="YAML file (see conf/segmentation.yaml)")
    parser.add_argument("--output-dir", metavar="DIR", help="where to publish")
    parser.add_argument("--as-of", metavar="DAY", help="latest, today or YYYY-MM-DD")
    parser.add_argument("--mode", choices=("full", "incremental"), help="what is read")
    parser.add_argument(
        "--check", metavar="CRON", default="0 */6 * * *", help="runs if anything changed (default: every 6 hours)"
    )
    parser.add_argument(
        "--full", metavar="CRON", default="0 2 * * *", help="runs that read everything (default: daily at 02:00)"
    )
    parser.add_argument("--no-files", action="store_true", help="by time alone, whatever changes")
    parser.add_argument(
        "--settle", type=float, default=2.0, metavar="SECONDS", help="without a change before a run begins (default: 2)"
    )
    parser.add_argument(
        "--poll", type=float, metavar="SECONDS", help="look at the files so often, for network shares that tell nothing"
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
        options.retries,
        options.retry_after,
    )
    Watch(config, output, Runner(_arguments(options)), plan).forever()
    return 0


def _arguments(options: argparse.Namespace) -> list[str]:
    """Of each run."""
    given = {name: getattr(options, name) for name in HANDED_ON}
    told = [(f"--{name.replace('_', '-')}", value) for name, value in given.items() if value is not None]
    told += [("--csv-path", path) for path in options.csv_path or ()]
    return [text for pair in told for text in pair]
