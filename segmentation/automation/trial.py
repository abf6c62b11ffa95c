"""Does the job start where a schedule starts it: in its folder, with nothing of the user's environment?"""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from segmentation.automation.schedule import Schedule
from segmentation.errors import ScheduleError

START = "from segmentation.cli import main; from segmentation.config import load_config; load_config({config!r})"


def try_start(schedule: Schedule, config: str | None) -> None:
    """Import the program and read the configuration as a scheduled run does.

    Raises:
        ScheduleError: it cannot.
    """
    settings = f"set -a; . {shlex.quote(schedule.environment)}; set +a; " if schedule.environment else ""
    start = shlex.join([schedule.python, "-c", START.format(config=config)])
    command = ["/bin/sh", "-c", f"cd {shlex.quote(schedule.folder)} && {settings}{start}"]
    environment = {"HOME": str(Path.home()), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        said = (done.stderr.strip() or "nothing").splitlines()[-1]
        raise ScheduleError(
            f"The job does not start as a schedule starts it, in {schedule.folder} with an empty environment: {said} "
            "Put the variables that it needs into a file of NAME=value lines and name it with --env-file; the program "
            f"itself must be installed for {schedule.python}."
        )
