"""What `segmentation schedule` does with a schedule, in the words in which it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.automation import crontab, crontab_program, systemd, systemd_user
from segmentation.automation.times import next_times, times_of
from segmentation.errors import ScheduleError

if TYPE_CHECKING:
    from segmentation.automation.schedule import Schedule

LINGER = "Units of a user run while the user is logged in; to let them run always: loginctl enable-linger"


def text_of(schedule: Schedule, *, timers: bool) -> str:
    """What would be written."""
    if not timers:
        return "\n".join(crontab.block(schedule)) + "\n"
    return "\n".join(f"# {path}\n{content}" for path, content in _units(schedule).items())


def installed(schedule: Schedule, *, timers: bool) -> Iterator[str]:
    """Install it, and say so."""
    yield from _install_units(schedule) if timers else _install_lines(schedule)
    yield ""
    yield from shown(schedule.output)


def shown(only: str | None) -> Iterator[str]:
    """All schedules, or that of one output, each line with its next times."""
    found = [line for output, lines in _installed() if only in (None, output) for line in lines]
    yield from found or [_nothing(only)]


def removed(output: str) -> Iterator[str]:
    """Remove it wherever it is, and say so."""
    found = [*_remove_lines(output), *_remove_units(output)]
    yield from found or [_nothing(output)]


def _install_lines(schedule: Schedule) -> Iterator[str]:
    if not crontab_program.is_here():
        raise ScheduleError(
            f"No program crontab is here, so nothing was installed. Install one ({crontab_program.INSTALL}), use "
            f"--systemd, or give these lines to whatever runs jobs:\n{text_of(schedule, timers=False)}"
        )
    before = crontab_program.read()
    after = crontab.with_block(before, schedule)
    if after == before:
        yield f"The crontab has this schedule already: {schedule.output}"
        return
    crontab_program.write(after)
    yield f"Written to the crontab: {schedule.output}"


def _install_units(schedule: Schedule) -> Iterator[str]:
    systemd_user.write(systemd.units(schedule))
    yield f"Written to {systemd_user.folder()}: {', '.join(systemd.units(schedule))}"
    yield from _tell("enable", schedule.output)
    yield LINGER


def _units(schedule: Schedule) -> dict[Path, str]:
    return {systemd_user.folder() / name: content for name, content in systemd.units(schedule).items()}


def _tell(action: str, output: str) -> Iterator[str]:
    """Tell systemd; where that does not work, what to type."""
    for command in systemd_user.commands(action, output):
        problem = systemd_user.tell(command)
        if problem:
            yield f"To do yet, as it did not work here ({problem}): {' '.join(command)}"


def _installed() -> Iterator[tuple[str, list[str]]]:
    """Output -> what to say of its schedule."""
    if crontab_program.is_here():
        for output, lines in crontab.blocks(crontab_program.read()).items():
            yield output, [f"In the crontab, for {output}:", *(told for line in lines for told in _line(line))]
    for timer in systemd_user.installed():
        yield timer.output, [f"{timer.file.name} of systemd, for {timer.output}:", *_due(timer.times)]


def _line(line: str) -> list[str]:
    times, command = " ".join(line.split(" ")[:5]), line.split(" ", 5)[5:]
    return [*_due(times), f"    {''.join(command)}"]


def _due(times: str) -> list[str]:
    """When something is due next; its user may have changed it by hand."""
    try:
        found = next_times(times_of(times))
    except ScheduleError as error:
        return [f"  {times}", f"    {error}"]
    return [f"  {times}", f"    next: {', '.join(f'{due:%a %Y-%m-%d %H:%M %Z}' for due in found)}"]


def _nothing(output: str | None) -> str:
    others = sorted({other for other, _ in _installed()})
    if output is None or not others:
        return "No schedule is installed" + (f" for {output}." if output else ".")
    return f"No schedule is installed for {output}. Those that are: {', '.join(others)}."


def _remove_lines(output: str) -> Iterator[str]:
    before = crontab_program.read() if crontab_program.is_here() else ""
    after = crontab.without_block(before, output)
    if after != before:
        crontab_program.write(after)
        yield f"Removed from the crontab: {output}"


def _remove_units(output: str) -> Iterator[str]:
    if any(timer.output == output for timer in systemd_user.installed()):
        yield from _tell("disable", output)
        systemd_user.remove(output)
        yield f"Removed from {systemd_user.folder()}: {output}"
