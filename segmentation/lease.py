"""The lock of an output that is not local: a file that its holder renews while it works.

An operating system lets go of a lock when the process dies; no other file system does. So a run names itself in a file
and renews it; a file that was not renewed for a while belongs to a run that is dead, and may be taken over. Whoever was
only cut off, and comes back after that, finds another name there and must not publish any more.

The file is made by a call that fails if there is one. HDFS does that in one step, and so does S3A of Hadoop 3.4.2 and
later; other stores may look first, so what was written is read once more.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from py4j.protocol import Py4JJavaError

from segmentation.errors import OutputBusyError
from segmentation.report import LOGGER
from segmentation.storage import Storage

RENEWED_EVERY = timedelta(seconds=15)
DEAD_AFTER = timedelta(seconds=120)


class Lease:
    """The claim of one run on one output.

    Args:
        storage: where the file lies.
        path: the file.
        run_id: who claims.
    """

    def __init__(self, storage: Storage, path: str, run_id: str) -> None:
        self.storage = storage
        self.path = path
        self.run_id = run_id

    def take(self) -> None:
        """Claim the output.

        Raises:
            OutputBusyError: another run holds it.
        """
        if self.storage.create_new(self.path, self._text()) and self._is_ours():
            return
        self._remove_dead()
        if not (self.storage.create_new(self.path, self._text()) and self._is_ours()):
            raise OutputBusyError(f"Another run has just taken {self.path}. Wait until it has ended.")

    def confirm(self) -> None:
        """See that the output is still ours, before something is published.

        Raises:
            OutputBusyError: this run was cut off for so long that another one has taken over.
        """
        if not self._is_ours():
            raise OutputBusyError(
                f"This run could not renew {self.path} for {_words(DEAD_AFTER)}, and another one has taken over. "
                "Nothing was published; if that is not wanted, start the job again."
            )

    def renew(self) -> None:
        """Say that this run is alive."""
        if self._is_ours():
            staged = f"{self.path}.{self.run_id}"
            self.storage.write(staged, self._text())
            self.storage.replace(staged, self.path)

    def release(self) -> None:
        """Let go."""
        if self._is_ours():
            self.storage.delete(self.path)

    def _text(self) -> str:
        return (
            json.dumps({"run_id": self.run_id, "host": socket.gethostname(), "renewed_at": _now().isoformat()}) + "\n"
        )

    def _is_ours(self) -> bool:
        found = self._claim_in(self.path)
        return found is not None and found.get("run_id") == self.run_id

    def _claim_in(self, path: str) -> dict[str, Any] | None:
        """What a file says; empty where it is not whole, None where there is none."""
        text = self.storage.read(path)
        if text is None:
            return None
        try:
            return dict(json.loads(text))
        except ValueError:
            return {}

    def _remove_dead(self) -> None:
        found = self._claim_in(self.path)
        if found is None:
            return
        # A file that is not whole is being written right now, or its writer died: the next look shows which.
        renewed_at = datetime.fromisoformat(found["renewed_at"]) if found else self.storage.modified_at(self.path)
        if _now() - renewed_at < DEAD_AFTER:
            raise OutputBusyError(
                f"Run {found.get('run_id', '?')} on {found.get('host', '?')} holds {self.path}. Wait until it has "
                f"ended, or give this run another --output-dir. If it is dead, the output is free at "
                f"{renewed_at + DEAD_AFTER:%H:%M:%S} UTC."
            )
        # Of several runs that find it dead, the one whose rename succeeds goes on; it looks at what it got.
        grave = f"{self.path}.{self.run_id}"
        if self.storage.rename(self.path, grave):
            if self._claim_in(grave) != found:
                self.storage.rename(grave, self.path)
            else:
                LOGGER.warning(
                    "Run %s died without letting go of the output; this run takes over.", found.get("run_id")
                )
            self.storage.delete(grave)


@contextmanager
def held(lease: Lease) -> Iterator[Lease]:
    """Hold a lease for one run, renewed by a thread.

    Raises:
        OutputBusyError: another run holds it.
    """
    lease.take()
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(RENEWED_EVERY.total_seconds()):
            try:
                lease.renew()
            except Py4JJavaError:
                LOGGER.warning("%s could not be renewed; trying again.", lease.path, exc_info=True)

    renewer = threading.Thread(target=renew, daemon=True)
    renewer.start()
    try:
        yield lease
    finally:
        ended.set()
        # If Spark itself died, the file ages, and the next run takes over.
        with suppress(Exception):
            renewer.join()
            lease.release()


def _now() -> datetime:
    return datetime.now(UTC)


def _words(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} seconds"
