"""The command line. Nothing heavy is imported before it is known to be needed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from segmentation.errors import SegmentationError
from segmentation.versions import VERSION

EXIT_CODES = """exit codes: 0 done or nothing to do; 1 unexpected failure; 2 usage or configuration; 3 no data, missing
columns or source not reachable; 4 refused by a data-quality gate; 5 another run holds the output"""


def run_parser(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """The options of a run."""
    parser = parser or argparse.ArgumentParser(description="Segment the customers of a retailer.", epilog=EXIT_CODES)
    parser.add_argument("--source", choices=("csv", "mongodb"), default="csv", help="where the purchases lie")
    parser.add_argument(
        "--csv-path", action="append", metavar="PATH", help="file, directory or glob; may be repeated (default: sample)"
    )
    parser.add_argument("--config", metavar="FILE", help="YAML file (see conf/segmentation.yaml)")
    parser.add_argument("--output-dir", metavar="DIR", help="local path or Hadoop URI (default: output)")
    parser.add_argument("--as-of", metavar="DAY", help="latest, today or YYYY-MM-DD (default: latest)")
    parser.add_argument("--mode", choices=("full", "incremental"), default="full")
    parser.add_argument(
        "--check-freshness",
        action="store_true",
        help="run only if source, config or day changed since the last success",
    )
    parser.add_argument("--force", action="store_true", help="always run, and rebuild in full")
    parser.add_argument("--dry-run", action="store_true", help="compute and count, publish nothing")
    parser.add_argument("--log-level", choices=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO", metavar="LEVEL")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script ``segmentation``."""
    parser = argparse.ArgumentParser(prog="segmentation", description="Segment the customers of a retailer.")
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    run_parser(commands.add_parser("run", help="run the job", epilog=EXIT_CODES))
    festive = commands.add_parser("festive", help="show which days are festive")
    festive.add_argument("--config", metavar="FILE")
    this_year = datetime.now(UTC).year
    festive.add_argument("--from-year", type=int, default=this_year - 1)
    festive.add_argument("--to-year", type=int, default=this_year)
    options = parser.parse_args(arguments)
    return _guarded(run if options.command == "run" else show_festive, options)


def run_main(arguments: Sequence[str] | None = None) -> int:
    """The entry point of ``jobs/run_segmentation.py``."""
    return _guarded(run, run_parser().parse_args(arguments))


def run(options: argparse.Namespace) -> int:
    """Run the job as the options say."""
    from segmentation.api import override
    from segmentation.config import load_config
    from segmentation.report import print_summary, setup_console

    setup_console(options.log_level)
    given = {"as_of": options.as_of, "output_dir": options.output_dir}
    config = override(load_config(options.config), {key: value for key, value in given.items() if value is not None})
    if options.check_freshness and not options.force and _nothing_to_do(options, config):
        print("Nothing to do: source and configuration are as they were at the last successful run.")
        return 0
    from segmentation.pipeline import CustomerSegmentationPipeline

    result = CustomerSegmentationPipeline(config).run(
        options.source,
        options.csv_path,
        mode="full" if options.force else options.mode,
        dry_run=options.dry_run,
        progress_bar=sys.stderr.isatty(),
    )
    print_summary(result)
    return 0


def _nothing_to_do(options: argparse.Namespace, config: Any) -> bool:
    from segmentation.freshness import is_unchanged, state_of
    from segmentation.output import Output
    from segmentation.request import check_request

    paths = check_request(options.source, options.csv_path, options.mode, config)
    return is_unchanged(Output.of(config), state_of(config, options.source, paths, datetime.now(UTC)))


def show_festive(options: argparse.Namespace) -> int:
    """Print the festive days of some years."""
    from segmentation.config import load_config
    from segmentation.festive import resolve

    config = load_config(options.config)
    calendar = resolve(config.festive_periods, date(options.from_year, 1, 1), date(options.to_year, 12, 31))
    for line in calendar.describe():
        print(line)
    for name, years in calendar.unknown_years.items():
        print(f"{name}: not known for {', '.join(map(str, years))}")
    return 0


def _guarded(command: Any, options: argparse.Namespace) -> int:
    """Run a command; an error becomes one message on stderr and an exit code."""
    try:
        return int(command(options))
    except SegmentationError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("error: interrupted; readers see the state before this run or a whole new one.", file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort, where the exit code is decided
        print(
            f"error: unexpected failure: {_root(error)}. Readers see the state before this run or a "
            "whole new one, nothing between; the traceback is in segmentation_runs.log in the output directory, or "
            "above if that is not local.",
            file=sys.stderr,
        )
        return 1


def _root(error: Exception) -> str:
    """What went wrong, in a line: of an error out of the JVM its root, not the call that met it."""
    from py4j.protocol import Py4JJavaError

    from segmentation.storage import java_message

    if isinstance(error, Py4JJavaError):
        return java_message(error)
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


if __name__ == "__main__":
    sys.exit(main())
