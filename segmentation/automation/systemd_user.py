"""The units of this user: their files, and telling systemd of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from segmentation.automation.systemd import ABOUT, TIMES, stem_of
from segmentation.errors import ScheduleError

UNITS = ("check.timer", "full.timer", "check.service", "full.service")


class Installed(NamedTuple):
    """A timer that is installed: for which output, its times as cron has them, its file."""

    output: str
    times: str
    file: Path


def folder() -> Path:
    """Where the units of this user lie."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def write(units: Mapping[str, str]) -> None:
    """Write the units.

    Raises:
        ScheduleError: they cannot be written.
    """
    here = folder()
    try:
        here.mkdir(parents=True, exist_ok=True)
        for name, content in units.items():
            (here / name).write_text(content, encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise ScheduleError(f"The units cannot be written to {here}: {error.strerror}. Mend its permissions.") from None


def remove(output: str) -> bool:
    """Remove the units for an output; was there one?"""
    files = [folder() / f"{stem_of(output)}-{unit}" for unit in UNITS]
    found = [file for file in files if file.exists()]
    for file in found:
        file.unlink()
    return bool(found)


def installed() -> Iterator[Installed]:
    """All timers that a schedule wrote."""
    for file in sorted(folder().glob("segmentation-*.timer")):
        about, times, *_ = [*file.read_text(encoding="utf-8", errors="surrogateescape").split("\n"), "", ""]
        if about.startswith(ABOUT) and times.startswith(TIMES):
            yield Installed(about.removeprefix(ABOUT), times.removeprefix(TIMES), file)


def commands(action: str, output: str) -> list[list[str]]:
    """What tells systemd: `enable` after the units are written, `disable` before they are removed."""
    timers = [f"{stem_of(output)}-{unit}" for unit in UNITS if unit.endswith(".timer")]
    reload = ["systemctl", "--user", "daemon-reload"]
    switch = ["systemctl", "--user", action, "--now", *timers]
    return [reload, switch] if action == "enable" else [switch, reload]


def tell(command: list[str]) -> str | None:
    """Run one of these; why it did not work, None if it did."""
    if shutil.which(command[0]) is None:
        return f"{command[0]} is not here"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else " ".join(done.stderr.split()) or f"exit code {done.returncode}"
