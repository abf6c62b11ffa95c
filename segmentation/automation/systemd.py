"""A schedule as units of systemd: a service and a timer for each of its two lines."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from pathlib import Path

from segmentation.automation.plan import BUSY, Due, Plan
from segmentation.automation.times import WEEKDAYS, Times
from segmentation.errors import ScheduleError

ABOUT = "# segmentation schedule: "
TIMES = "# times of cron: "
# A run ends itself after `max_run_minutes`; after so many more it hangs.
GRACE_MINUTES = 10

SERVICE = """{about}
[Unit]
Description=Customer segmentation, {purpose}: {output}
{order}
[Service]
Type=oneshot
WorkingDirectory={folder}
{environment}ExecStart=:{command}
# Another run is at work: no failure.
SuccessExitStatus={busy}
TimeoutStartSec={limit}
StandardOutput=append:{log}
StandardError=inherit
"""
TIMER = """{about}
{times}
[Unit]
Description=Customer segmentation, {purpose}: {output}

[Timer]
{calendar}
Persistent=true

[Install]
WantedBy=timers.target
"""


def units(plan: Plan) -> dict[str, str]:
    """File name -> content, of all units of a schedule.

    Raises:
        ScheduleError: systemd cannot start this interpreter.
    """
    if re.search(r"[\"'\\]", plan.python):
        raise ScheduleError(
            f"systemd starts no program with a quote or a backslash in its path, and found is {plan.python}: install "
            "the job in a virtual environment elsewhere, or leave --systemd out."
        )
    stem = stem_of(plan.output)
    found = {}
    for due in plan.lines:
        found[f"{stem}-{due.name}.service"] = _service(plan, due)
        found[f"{stem}-{due.name}.timer"] = _timer(plan, due)
    return found


def stem_of(output: str) -> str:
    """What the names of the units for an output begin with: readable, and another one for each output."""
    name = re.sub("[^A-Za-z0-9]+", "-", Path(output).name).strip("-") or "output"
    return f"segmentation-{name}-{hashlib.sha256(output.encode()).hexdigest()[:8]}"


def on_calendar(times: Times) -> Iterator[str]:
    """The same times as `OnCalendar` has them; two of them where either of two days is enough."""
    if times.either:
        yield _calendar(times, times.days, None)
        yield _calendar(times, None, times.weekdays)
    else:
        yield _calendar(times, times.days, times.weekdays)


def quoted(word: str) -> str:
    """A word of a command; the colon before the command says that no `$` is expanded."""
    text = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{literal(text)}"'


def literal(text: str) -> str:
    """Text in which systemd looks for its specifiers."""
    return text.replace("%", "%%")


def _calendar(times: Times, days: tuple[int, ...] | None, weekdays: tuple[int, ...] | None) -> str:
    names = "" if weekdays is None else ",".join(WEEKDAYS[day].capitalize() for day in weekdays) + " "
    return f"{names}*-{_listed(times.months)}-{_listed(days)} {_listed(times.hours)}:{_listed(times.minutes)}:00"


def _listed(numbers: tuple[int, ...] | None) -> str:
    return "*" if numbers is None else ",".join(f"{number:02}" for number in numbers)


def _service(plan: Plan, due: Due) -> str:
    # A rebuild waits for a check that is at work; a check that finds a rebuild at work ends, and nothing is lost.
    order = f"After={stem_of(plan.output)}-check.service\n" if due.name == "full" else ""
    environment = f"EnvironmentFile={literal(plan.environment)}\n" if plan.environment else ""
    return SERVICE.format(
        about=ABOUT + plan.output,
        purpose=due.purpose,
        output=literal(plan.output),
        order=order,
        folder=literal(plan.folder),
        environment=environment,
        command=" ".join(map(quoted, plan.command(due, "systemd"))),
        busy=BUSY,
        limit=_limit(plan),
        log=literal(plan.log),
    )


def _limit(plan: Plan) -> str:
    return "infinity" if plan.minutes is None else f"{math.ceil(plan.minutes) + GRACE_MINUTES}min"


def _timer(plan: Plan, due: Due) -> str:
    return TIMER.format(
        about=ABOUT + plan.output,
        times=TIMES + due.times.text,
        purpose=due.purpose,
        output=literal(plan.output),
        calendar="\n".join(f"OnCalendar={calendar}" for calendar in on_calendar(due.times)),
    )
