"""`pip install` for `make`: says what it is at and for how long, instead of nothing, or some hundred lines.

On a terminal that is one line that changes; elsewhere a line for each step that takes a while. What pip says itself is
shown where it fails.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from threading import Thread
from typing import TextIO

LONG_DOWNLOAD_MB = 10
WIDTH = 76
TICK_SECONDS = 0.2


class Progress:
    """What pip is at, from what it says; `is_terminal`: a line can be written over."""

    def __init__(self, is_terminal: bool) -> None:
        self.is_terminal = is_terminal
        self.started = time.monotonic()
        self.said: list[str] = []
        self.packages: set[str] = set()
        self.step = "looking for packages"

    def __str__(self) -> str:
        seconds = time.monotonic() - self.started
        return f"{seconds:4.0f} s  {len(self.packages):3} packages  {self.step}"

    def read(self, pip: TextIO) -> None:
        """Take what pip says until it ends."""
        for line in pip:
            self.said.append(line)
            self.take(line)

    def take(self, line: str) -> None:
        """Take a line: a package, a download, a step of a build, or the unpacking at the end."""
        is_long = False
        if found := re.match(r"Collecting ([\w.-]+)", line):
            self.packages.add(found[1])
            self.step = found[1]
        elif found := re.match(r"\s+Downloading (?:\S*/)?(\S+) \(([\d.]+) (\w+)\)", line):
            self.step = f"downloading {found[2]} {found[3]}: {found[1]}"
            is_long = found[3] == "MB" and float(found[2]) >= LONG_DOWNLOAD_MB
        elif found := re.match(r"\s+(.+): started", line):
            self.step = found[1][0].lower() + found[1][1:]
            is_long = self.step.startswith("building wheel")
        elif line.startswith("Installing collected packages: "):
            self.step = f"unpacking {line.count(',') + 1} of them"
            is_long = True
        if is_long and not self.is_terminal:
            print(self, flush=True)

    def show(self) -> None:
        """Write the line anew, on a terminal."""
        if self.is_terminal:
            print(f"\r{str(self)[:WIDTH]:{WIDTH}}", end="", flush=True)


def main(arguments: list[str]) -> int:
    """Run this Python's pip; its exit code."""
    command = [sys.executable, "-m", "pip", "install", "--progress-bar", "off", *arguments]
    progress = Progress(sys.stdout.isatty())
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout
        reader = Thread(target=progress.read, args=[pip.stdout])
        reader.start()
        while reader.is_alive():
            progress.show()
            reader.join(TICK_SECONDS)
    progress.step = "cannot be installed; pip says:" if pip.returncode else "installed"
    progress.show()
    print("" if progress.is_terminal else progress)
    if pip.returncode:
        sys.stderr.writelines(progress.said)
    return pip.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
