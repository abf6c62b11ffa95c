"""A run that hangs ends: after so many minutes it is interrupted, as Ctrl-C would, and says why."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from segmentation.errors import RunTimeoutError, SegmentationError

# Seconds that a run which was interrupted has to put things in order.
GRACE = 60


class Limit:
    """The time that a run may take.

    Python hears signals in its main thread only, so a run in another thread has no limit.

    Args:
        minutes: of `max_run_minutes`, None for no limit.
    """

    def __init__(self, minutes: Decimal | None) -> None:
        self.minutes = minutes
        self.is_over = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Interrupt what runs inside when its time is over."""
        if self.minutes is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        # A shell that starts a job in the background lets it ignore Ctrl-C.
        before = signal.getsignal(signal.SIGINT)
        if before is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        timer = _timer(float(self.minutes) * 60, self._interrupt)
        try:
            yield
        finally:
            timer.cancel()
            signal.signal(signal.SIGINT, before)

    def _interrupt(self) -> None:
        self.is_over = True
        # A signal that is sent, not only noted, also ends a wait for a socket.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def named(self, error: BaseException) -> BaseException:
        """An error by its cause: once the time is over, whatever comes of the interrupt is its end, in Py4J's words or
        in Python's.
        """
        if self.is_over and not isinstance(error, SegmentationError):
            return RunTimeoutError(message_of(self.minutes))
        return error


def message_of(minutes: Decimal | None) -> str:
    """What is said of a run that took too long."""
    return (
        f"the run took longer than max_run_minutes ({minutes}) and was ended. Readers see the publication before it or "
        "a whole new one. The log says which step hung; on a cluster, are executors free, and their disks? If it needs "
        "longer, raise max_run_minutes."
    )


@contextmanager
def ended_at_last(minutes: Decimal | None) -> Iterator[None]:
    """End the process if a run that was interrupted does not end by itself, which lets go of its output.

    For a process that does nothing else.
    """
    if minutes is None:
        yield
        return

    def end() -> None:
        sys.stderr.write(f"error: {message_of(minutes)}\n")
        sys.stderr.flush()
        os._exit(RunTimeoutError.exit_code)

    timer = _timer(float(minutes) * 60 + GRACE, end)
    try:
        yield
    finally:
        timer.cancel()


def _timer(seconds: float, then: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), then)
    timer.daemon = True
    timer.start()
    return timer
