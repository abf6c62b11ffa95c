"""The crontab of this user, read and written by the program of that name."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from segmentation.errors import ScheduleError

PROGRAM = "crontab"
INSTALL = "Debian, Ubuntu: apt-get install cron; Fedora, RHEL: dnf install cronie"
# How the programs say that there is none yet: most; BusyBox.
NOTHING_YET = (b"no crontab for", b"No such file or directory")


def is_here() -> bool:
    """Is the program there?"""
    return shutil.which(PROGRAM) is not None


def read() -> str:
    """The text, empty where there is none; bytes that are no UTF-8 survive.

    Raises:
        ScheduleError: it cannot be read, so that it must not be written either.
    """
    done = _crontab(["-l"])
    if done.returncode == 0:
        return done.stdout.decode(errors="surrogateescape")
    if any(words in done.stderr for words in NOTHING_YET):
        return ""
    raise _failed("read", done)


def write(text: str) -> None:
    """Put another text in its place; where nothing is left, nothing stays.

    Raises:
        ScheduleError: the program refuses it.
    """
    done = _crontab(["-"], text.encode(errors="surrogateescape")) if text else _crontab(["-r"])
    if done.returncode != 0:
        raise _failed("written", done)


def _crontab(options: Sequence[str], given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    # Its words in English: one of them tells that there is no crontab yet.
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run([PROGRAM, *options], input=given, capture_output=True, env=environment, check=False)


def _failed(done_to_it: str, done: subprocess.CompletedProcess[bytes]) -> ScheduleError:
    said = " ".join(done.stderr.decode(errors="replace").split())
    return ScheduleError(
        f"The crontab could not be {done_to_it}, and stays as it was; crontab said: {said or 'nothing'}. See whether "
        "crontab -l works for this user, or use --systemd, or --print and copy the lines."
    )
