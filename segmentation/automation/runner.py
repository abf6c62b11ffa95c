"""Runs as processes of their own: between them there is no engine, no port and no memory held, and one that dies takes
nothing with it.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

from segmentation.automation.inbox import Due
from segmentation.errors import OutputBusyError, SegmentationError, SourceError

# What another try may mend: something unexpected, a source that is not reachable, another run at work.
WORTH_ANOTHER_TRY = tuple(error.exit_code for error in (SegmentationError, SourceError, OutputBusyError))
# Seconds for a run that is asked to end.
PATIENCE = 60


class Runner:
    """Starts runs, one at a time.

    Args:
        arguments: of `segmentation run`: what to read, and where to publish.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._is_over = False

    def run(self, due: Due) -> int:
        """Run once, and give the exit code of the contract; ended by a signal, it counts as an unexpected failure."""
        command = [sys.executable, "-m", "segmentation.cli", "run", *self.arguments]
        command += ["--force"] if due.force else ["--check-freshness"]
        if self._is_over:
            return 1
        # A process group of its own: Ctrl-C is handed on once, by us.
        self._process = subprocess.Popen(
            [*command, "--trigger", "+".join(due.triggers)], stdout=subprocess.DEVNULL, start_new_session=True
        )
        if self._is_over:
            # The signal came before there was a process.
            self.ask_to_end()
        try:
            code = self._process.wait()
        finally:
            self._process = None
        return code if code >= 0 else 1

    def ask_to_end(self) -> None:
        """Ask the run that is at work to end, as Ctrl-C does: what is published stays whole. No other begins. Waits for
        nothing.
        """
        self._is_over = True
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        last = threading.Timer(PATIENCE, process.kill)
        last.daemon = True
        last.start()
