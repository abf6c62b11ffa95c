"""`segmentation schedule`: the job by itself, at fixed times, by cron or by systemd."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation.commands import run

if TYPE_CHECKING:
    from segmentation.automation.schedule import Schedule
    from segmentation.config import SegmentationConfig
    from segmentation.run.request import Request
    from segmentation.state.output import Output

HELP = "run the job by itself: lines in the crontab, or timers of systemd"
EPILOG = "All other options are those of segmentation run, and are passed on to it."
# The two lines give these themselves.
OF_THE_LINES = ("check_freshness", "force", "dry_run")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options: those of a run, and when."""
    from segmentation.automation.schedule import CHECK, FULL, LOG

    run.add_options(parser)
    parser.epilog = EPILOG
    parser.add_argument("action", choices=tuple(ACTIONS), help="write the two lines, show what is there, remove them")
    parser.add_argument("--check", default=CHECK, metavar="TIMES", help=f"run if something changed (default: {CHECK})")
    parser.add_argument("--full", default=FULL, metavar="TIMES", help=f"rebuild everything (default: {FULL})")
    parser.add_argument("--systemd", action="store_true", help="timers of systemd in the place of lines in the crontab")
    parser.add_argument("--print", dest="only_print", action="store_true", help="print what would be written, and stop")
    parser.add_argument("--env-file", metavar="FILE", help="NAME=value lines: the environment of scheduled runs")
    parser.add_argument("--log", metavar="FILE", help=f"takes what runs say (default: {LOG} in the output directory)")


def execute(options: argparse.Namespace) -> int:
    """Do it, and say what was done."""
    return ACTIONS[options.action](options)


def install(options: argparse.Namespace) -> int:
    """Write the schedule, if all of it can be used."""
    from segmentation.automation.trial import try_start
    from segmentation.commands import scheduling
    from segmentation.state.output import Output

    config = _config(options)
    output = Output.of(config)
    schedule = _schedule(options, config, output)
    if options.only_print:
        print(scheduling.text_of(schedule, timers=options.systemd), end="")
        return 0
    try_start(schedule, _absolute(options.config))
    output.create()
    print("\n".join(scheduling.installed(schedule, timers=options.systemd)))
    return 0


def show(options: argparse.Namespace) -> int:
    """What is installed, and when each line is due."""
    from segmentation.commands import scheduling

    only = _root(options) if options.output_dir or options.config else None
    print("\n".join(scheduling.shown(only)))
    return 0


def remove(options: argparse.Namespace) -> int:
    """Take the schedule of an output away, from the crontab and from systemd."""
    from segmentation.commands import scheduling

    print("\n".join(scheduling.removed(_root(options))))
    return 0


ACTIONS = {"install": install, "show": show, "remove": remove}


def _config(options: argparse.Namespace) -> SegmentationConfig:
    from segmentation.config import load_config, override

    given = {"output_dir": options.output_dir, "as_of": options.as_of, "engine": options.engine}
    config = override(load_config(options.config), given)
    # One name for one directory: a schedule is known by it.
    return override(config, {"output_dir": _absolute(config.output_dir)})


def _root(options: argparse.Namespace) -> str:
    from segmentation.state.output import Output

    return Output.of(_config(options)).root


def _schedule(options: argparse.Namespace, config: SegmentationConfig, output: Output) -> Schedule:
    """The schedule, with everything in it checked."""
    from segmentation.automation.schedule import Schedule
    from segmentation.automation.times import next_times, times_of
    from segmentation.commands.passed_on import passed_on
    from segmentation.run.request import Request

    _refuse_own(options)
    check, full = times_of(options.check), times_of(options.full)
    for times in (check, full):
        next_times(times, count=1)
    request = Request.of(options.source, options.csv_path, options.mode, config, table=options.table)
    output.refuse_inside(request.locations)
    return Schedule(
        output=output.root,
        folder=str(Path.cwd()),
        python=sys.executable,
        options=tuple(passed_on(options, _absolutes(options, request, output), OF_THE_LINES)),
        log=_log(options, output),
        environment=_env_file(options),
        check=check,
        full=full,
        minutes=config.max_run_minutes,
    )


def _refuse_own(options: argparse.Namespace) -> None:
    from segmentation.errors import ScheduleError

    for name in OF_THE_LINES:
        if getattr(options, name):
            raise ScheduleError(
                f"--{name.replace('_', '-')} cannot be scheduled: one of the two lines runs with "
                "--check-freshness, the other with --force; say when with --check and --full."
            )


def _absolutes(options: argparse.Namespace, request: Request, output: Output) -> dict[str, Any]:
    """The paths among the options of a run, from the root on."""
    from segmentation.locations import absolute

    found: dict[str, Any] = {"output_dir": output.root, "config": _absolute(options.config)}
    if options.csv_path:
        found["csv_path"] = [absolute(path) for path in options.csv_path]
    if options.input:
        named = (given.partition("=") for given in options.input)
        found["input"] = [f"{name}={absolute(path)}" for name, _, path in named]
    if options.table and request.source_locations:
        found["table"] = absolute(options.table)
    return found


def _absolute(path: str | None) -> str | None:
    from segmentation.locations import absolute

    return None if path is None else absolute(path)


def _log(options: argparse.Namespace, output: Output) -> str:
    from segmentation.automation.schedule import LOG
    from segmentation.errors import ScheduleError
    from segmentation.locations import absolute

    if options.log:
        return absolute(options.log)
    if output.local is None:
        raise ScheduleError(f"{output.root} is not on this machine, so the log needs a place: name it with --log FILE.")
    return str(output.local / LOG)


def _env_file(options: argparse.Namespace) -> str | None:
    from segmentation.errors import ScheduleError

    if options.env_file and not Path(options.env_file).is_file():
        raise ScheduleError(f"--env-file: expected a file of NAME=value lines, found none at {options.env_file}.")
    return _absolute(options.env_file)
