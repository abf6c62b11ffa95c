"""A schedule as lines of a crontab: a block between two comments, in the midst of what else its user has there."""

from __future__ import annotations

import shlex
from pathlib import Path

from segmentation.automation.schedule import BUSY, Entry, Schedule
from segmentation.errors import ScheduleError

BEGIN = "# segmentation schedule begin: "
END = "# segmentation schedule end: "


def quoted(word: str) -> str:
    r"""A word for the shell that cron starts.

    Cron takes ``%`` for a line break and ``\%`` for ``%``; what it makes of ``\\`` differs from cron to cron, so no two
    backslashes stand together, and none before a ``%`` of the word.
    """
    return shlex.quote(word).replace("\\", "\\''").replace("%", "\\%")


def line(schedule: Schedule, entry: Entry) -> str:
    """A line of the crontab. What the run says goes to the log, with the time; a failure says one sentence, which cron
    mails; another run at work is none.
    """
    log = f"log={quoted(schedule.log)}; mkdir -p {quoted(str(Path(schedule.log).parent))}"
    words = " ".join(map(quoted, schedule.command(entry, "cron")))
    runs = f'( date; {_settings(schedule)}{words} ) >> "$log" 2>&1; code=$?'
    fails = '{ echo "segmentation: exit code $code, see $log"; exit $code; }'
    ends = f"[ $code -eq 0 ] || [ $code -eq {BUSY} ] || {fails}"
    return f"{entry.times.text} {log} && cd {quoted(schedule.folder)} && {runs}; {ends}"


def block(schedule: Schedule) -> list[str]:
    """All lines of a schedule, between its comments."""
    return [BEGIN + schedule.output, *(line(schedule, entry) for entry in schedule.lines), END + schedule.output]


def blocks(text: str) -> dict[str, list[str]]:
    """The schedules of a crontab: output -> lines between its comments.

    Raises:
        ScheduleError: a block has no end.
    """
    lines = text.split("\n")
    found = [(at, begin.removeprefix(BEGIN)) for at, begin in enumerate(lines) if begin.startswith(BEGIN)]
    return {output: lines[at + 1 : _end(lines, at, output)] for at, output in found}


def with_block(text: str, schedule: Schedule) -> str:
    """The crontab with this schedule: in the place of the one for the same output, else at the end."""
    lines = block(schedule)
    if schedule.output in blocks(text):
        return _replaced(text, schedule.output, lines)
    missing = "" if text.endswith("\n") or not text else "\n"
    return text + missing + "\n".join(lines) + "\n"


def without_block(text: str, output: str) -> str:
    """The crontab without the schedule for an output."""
    return _replaced(text, output, []) if output in blocks(text) else text


def _settings(schedule: Schedule) -> str:
    """Read the environment from its file; every name in it goes to the job."""
    return f"set -a; . {quoted(schedule.environment)}; set +a; " if schedule.environment else ""


def _end(lines: list[str], begin: int, output: str) -> int:
    for at in range(begin + 1, len(lines)):
        if lines[at] == END + output:
            return at
        if lines[at].startswith(BEGIN):
            break
    raise ScheduleError(
        f"The crontab has the line {BEGIN + output!r}, but not the one that ends it, {END + output!r}: mend it with "
        "crontab -e. Nothing was changed."
    )


def _replaced(text: str, output: str, by: list[str]) -> str:
    """The lines from the first comment to the second, changed for others."""
    lines = text.split("\n")
    begin = lines.index(BEGIN + output)
    end = _end(lines, begin, output)
    return "\n".join([*lines[:begin], *by, *lines[end + 1 :]])
