"""A schedule as units of systemd: a service and a timer for each of its two lines."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from pathlib import Path

from segmentation.automation.schedule import BUSY, Entry, Schedule
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


def units(schedule: Schedule) -> dict[str, str]:
    """File name -> content, of all units of a schedule.

    Raises:
        ScheduleError: systemd cannot start this interpreter.
    """
    if re.search(r"[\"'\\]", schedule.python):
        raise ScheduleError(
            f"systemd starts no program with a quote or a backslash in its path, and this one is {schedule.python}: "
            "install the job in a virtual environment elsewhere, or leave --systemd out."
        )
    stem = stem_of(schedule.output)
    found = {}
    for entry in schedule.lines:
        found[f"{stem}-{entry.name}.service"] = _service(schedule, entry)
        found[f"{stem}-{entry.name}.timer"] = _timer(schedule, entry)
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


def _service(schedule: Schedule, entry: Entry) -> str:
    # A rebuild waits for a check that is at work; a check that finds a rebuild at work ends, and nothing is lost.
    order = f"After={stem_of(schedule.output)}-check.service\n" if entry.name == "full" else ""
    environment = f"EnvironmentFile={literal(schedule.environment)}\n" if schedule.environment else ""
    return SERVICE.format(
        about=ABOUT + schedule.output,
        purpose=entry.purpose,
        output=literal(schedule.output),
        order=order,
        folder=literal(schedule.folder),
        environment=environment,
        command=" ".join(map(quoted, schedule.command(entry, "systemd"))),
        busy=BUSY,
        limit=_limit(schedule),
        log=literal(schedule.log),
    )


def _limit(schedule: Schedule) -> str:
    return "infinity" if schedule.minutes is None else f"{math.ceil(schedule.minutes) + GRACE_MINUTES}min"


def _timer(schedule: Schedule, entry: Entry) -> str:
    return TIMER.format(
        about=ABOUT + schedule.output,
        times=TIMES + entry.times.text,
        purpose=entry.purpose,
        output=literal(schedule.output),
        calendar="\n".join(f"OnCalendar={calendar}" for calendar in on_calendar(entry.times)),
    )
