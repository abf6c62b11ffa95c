"""The command line: lists the commands, and turns errors into exit codes. Nothing heavy is imported before it is known
to be needed.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from segmentation.commands import (
    alerts,
    as_of,
    backup,
    check_input,
    config,
    erase,
    explain,
    export,
    festive,
    history,
    maintain,
    new_dimension,
    preview,
    query,
    rejected,
    report,
    restore,
    run,
    schedule,
    serve,
    status,
    suggest,
    watch,
)
from segmentation.engines.failures import is_panic, root_of
from segmentation.errors import SegmentationError
from segmentation.version import VERSION

COMMANDS = {
    "run": run,
    "check-input": check_input,
    "config": config,
    "new-dimension": new_dimension,
    "rejected": rejected,
    "report": report,
    "explain": explain,
    "preview": preview,
    "suggest": suggest,
    "query": query,
    "history": history,
    "as-of": as_of,
    "watch": watch,
    "schedule": schedule,
    "status": status,
    "alerts": alerts,
    "serve": serve,
    "maintain": maintain,
    "export": export,
    "backup": backup,
    "restore": restore,
    "erase": erase,
    "festive": festive,
}
FULL = "Readers see the state before or a whole new one, nothing between. Make room, and do the same once more."
DESCRIPTION = "Segment the customers of a retailer."


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script ``segmentation``."""
    parser = argparse.ArgumentParser(prog="segmentation", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        command.add_options(commands.add_parser(name, help=command.HELP))
    options = parser.parse_args(arguments)
    return _guarded(COMMANDS[options.command].execute, options)


def run_parser() -> argparse.ArgumentParser:
    """The options of ``jobs/run_segmentation.py``."""
    parser = argparse.ArgumentParser(description=DESCRIPTION)
    run.add_options(parser)
    return parser


def run_main(arguments: Sequence[str] | None = None) -> int:
    """The entry point of ``jobs/run_segmentation.py``."""
    return _guarded(run.execute, run_parser().parse_args(arguments))


def _with_streams() -> None:
    """Daemons close what nobody reads; then it goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 - open until the process ends


def _aftermath(options: argparse.Namespace) -> str:
    """What an unexpected failure left, and where its traceback is; only runs have a log."""
    if getattr(options, "command", "run") == "run":
        return (
            "Readers see the state before this run or a whole new one, nothing between; the traceback is in "
            "segmentation_runs.log in the output directory, or above if that is not local."
        )
    traceback.print_exc()
    return "What is published is as it was, or whole and new; the traceback is above."


def _guarded(command: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """Run a command; an error becomes one message on stderr and an exit code."""
    _with_streams()
    try:
        return command(options)
    except SegmentationError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("error: interrupted; readers see the state before this run or a whole new one.", file=sys.stderr)
        return 1
    except BaseException as error:
        if not isinstance(error, Exception | SystemExit) and not is_panic(error):
            raise
        if "No space left on device" in str(error):
            print(f"error: a disk is full: {root_of(error)}. {FULL}", file=sys.stderr)
            return 1
        print(f"error: unexpected failure: {root_of(error)}. {_aftermath(options)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
