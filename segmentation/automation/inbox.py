"""What asks for a run, merged until somebody takes it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Due:
    """A run that is asked for: by whom, and whether everything is to be read anew."""

    triggers: tuple[str, ...]
    force: bool = False


class Inbox:
    """Requests for runs. However many come, one run answers them all; those that come meanwhile make another one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._triggers: list[str] = []
        self._force = False
        self._quiet_at = 0.0
        self._closed = False

    def put(self, trigger: str, *, force: bool = False, settles_in: float = 0) -> None:
        """Ask for a run.

        Args:
            trigger: who asks.
            force: read everything anew.
            settles_in: seconds without another request before the run begins, for what is still being written.
        """
        with self._changed:
            self._triggers += [] if trigger in self._triggers else [trigger]
            self._force |= force
            self._quiet_at = time.monotonic() + settles_in
            self._changed.notify_all()

    def close(self) -> None:
        """No more runs."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_closed(self) -> bool:
        """Are there no more runs?"""
        return self._closed

    def take(self, timeout: float) -> Due | None:
        """The next run, once all is quiet; None if there is none in time, or no more."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                if self._triggers and now >= self._quiet_at:
                    due = Due(tuple(self._triggers), self._force)
                    self._triggers, self._force = [], False
                    return due
                until = min(deadline, self._quiet_at) if self._triggers else deadline
                if now >= deadline:
                    return None
                self._changed.wait(until - now)
        return None
