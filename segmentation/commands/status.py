"""`segmentation status`: how runs by themselves are doing, for people and for monitors."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from segmentation.commands.outputs import add_place, configured, show

HELP = "how runs by themselves are doing: state, freshness, failures, for people and for monitors"
EPILOG = """exit codes, as monitors in the tradition of Nagios read them: 0 ok; 1 warning; 2 critical (stale,
failing, not watching any more); 3 nothing is known"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.epilog = EPILOG
    add_place(parser)
    parser.add_argument("--json", action="store_true", help="for programs")


def execute(options: argparse.Namespace) -> int:
    """Say it."""
    from segmentation.monitoring.health import CODES, health
    from segmentation.state.output import Output

    config = configured(options)
    told = health(config, Output.of(config), datetime.now(UTC))
    show(told, options.json, _lines)
    return CODES[told["verdict"]]


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    yield f"{told['verdict'].upper()}  {told['output']}"
    yield from (f"  - {reason}" for reason in told["reasons"])
    rows = {"state": told["state"], "freshness": _fresh(told["freshness"])}
    last, watch = told["last_run"], told["watch"]
    if last:
        rows["last run"] = (
            f"{last['outcome']} {_short(last['finished_at'] or last['started_at'])}, started by {last['trigger']}"
        )
        if last["error"]:
            rows["error"] = last["error"]["message"]
    if told["last_success"]:
        rows["last success"] = f"{_short(told['last_success'])}, run {told['last_success_run_id']}"
    if told["failures_in_a_row"]:
        rows["failures in a row"] = str(told["failures_in_a_row"])
    if watch and watch.get("next_run") and told["state"] != "idle":
        rows["next run"] = _short(watch["next_run"])
    yield from (f"{name:<18} {value}" for name, value in rows.items())


def _short(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M:%S %Z}"


def _fresh(freshness: Mapping[str, Any]) -> str:
    seconds, status = freshness["max_loaded_at_time_ago_in_s"], str(freshness["status"])
    if seconds is None:
        return status
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{status}, known to be fresh {seconds / size:.0f} {unit} ago"
    return f"{status}, known to be fresh {seconds} s ago"
