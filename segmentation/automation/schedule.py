"""What a schedule runs, and when: the job as its user would type it, from the folder where it was typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from segmentation.automation.times import Times
from segmentation.errors import OutputBusyError, ScheduleError

CHECK = "0 */6 * * *"
FULL = "0 2 * * *"
LOG = "segmentation_cron.log"
# Another run is at work, so there is nothing to do here: no failure.
BUSY = OutputBusyError.exit_code
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Entry(NamedTuple):
    """One of the two lines: its name, what it is for, the option that makes it so, when."""

    name: str
    purpose: str
    option: str
    times: Times


@dataclass(frozen=True)
class Schedule:
    """Attributes:
    output: where the runs publish, absolute; what a schedule is known by.
    folder: where relative paths of a configuration count from.
    python: the interpreter.
    options: those of `segmentation run`, but for the one that tells the two lines apart.
    log: the file that takes what the runs say.
    environment: a file of `NAME=value` lines, for secrets; schedulers start jobs without the user's.
    check: when to run if something changed.
    full: when to rebuild everything.
    minutes: how long a run may take before it ends itself, None for as long as it takes.
    """

    output: str
    folder: str
    python: str
    options: tuple[str, ...]
    log: str
    environment: str | None
    check: Times
    full: Times
    minutes: Decimal | None

    def __post_init__(self) -> None:
        """See that it can be written in lines.

        Raises:
            ScheduleError: a path or an option has a line break.
        """
        texts = (self.output, self.folder, self.python, *self.options, self.log, self.environment or "")
        broken = next((text for text in texts if CONTROL.search(text)), None)
        if broken is not None:
            raise ScheduleError(
                f"A schedule is written in lines of text, and {broken!r} has a line break or another control "
                "character: rename it, or make a link to it that has none."
            )

    @property
    def lines(self) -> tuple[Entry, Entry]:
        """The two lines of a schedule."""
        check = Entry("check", "run if something changed", "--check-freshness", self.check)
        return check, Entry("full", "rebuild everything", "--force", self.full)

    def command(self, entry: Entry, trigger: str) -> tuple[str, ...]:
        """What a line runs, word by word; `trigger` is what starts it, unless the options name that."""
        named = () if "--trigger" in self.options else ("--trigger", trigger)
        return (self.python, "-m", "segmentation.cli", "run", entry.option, *named, *self.options)
