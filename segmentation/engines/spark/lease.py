"""The lock of an output that is not local: a file that its holder renews while it works.

An operating system lets go of a lock when the process dies; no other file system does. So a run names itself in a file
and renews it; a file that was not renewed for a while belongs to a run that is dead, and may be taken over. Whoever was
only cut off, and comes back after that, finds another name there and must not publish any more.

The file is made by a call that fails if there is one. HDFS does that in one step, and so does S3A of Hadoop 3.4.2 and
later; other stores may look first, so what was written is read once more. Every step errs to one side: of two runs that
meet, one goes on or none, never both.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from segmentation.console import LOGGER
from segmentation.engines.spark.files import Storage
from segmentation.errors import OutputBusyError

RENEWED_EVERY = timedelta(seconds=15)
DEAD_AFTER = timedelta(seconds=120)
SETTLED_AFTER = timedelta(seconds=2)


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
        self.renewed_at = 0.0
        # The thread that renews and the run that confirms must not read what the other one is writing.
        self.one_at_a_time = threading.RLock()

    def take(self) -> None:
        """Claim the output.

        Raises:
            OutputBusyError: another run holds it.
        """
        if self._create():
            return
        self._remove_dead()
        if not self._create():
            raise OutputBusyError(f"Another run has just taken {self.path}. Wait until it has ended.")
        # Where a rename is a copy and a removal, another run that found the same dead one may still be at the removal.
        time.sleep(SETTLED_AFTER.total_seconds())
        self.confirm()

    def confirm(self) -> None:
        """See that the output is still ours, and renew the claim, before something is published.

        Raises:
            OutputBusyError: this run was cut off for so long that another one has taken over, or may have.
        """
        if not self.renew():
            raise OutputBusyError(
                f"This run could not renew {self.path} in time, and another one has taken over or may have. "
                "It publishes nothing more; start the job again if the other one failed."
            )

    def renew(self) -> bool:
        """Say that this run is alive; False if the output is not surely ours any more."""
        with self.one_at_a_time:
            staged = self._beside(self.run_id)
            now = time.monotonic()
            self.storage.write(staged, self._text())
            if not self._is_surely_ours():
                self.storage.delete(staged)
                return False
            self.storage.replace(staged, self.path)
            self.renewed_at = now
            return True

    def release(self) -> None:
        """Let go."""
        with self.one_at_a_time:
            if self._is_surely_ours():
                self.storage.delete(self.path)

    def _create(self) -> bool:
        now = time.monotonic()
        # A call that was answered too late is made again by the client, and meets its own file.
        self.storage.create_new(self.path, self._text())
        self.renewed_at = now
        return self._is_ours()

    def _text(self) -> str:
        claim = {"run_id": self.run_id, "host": socket.gethostname(), "renewed_at": _now().isoformat()}
        return json.dumps(claim) + "\n"

    def _is_ours(self) -> bool:
        found = self._claim_in(self.path)
        return found is not None and found.get("run_id") == self.run_id

    def _is_surely_ours(self) -> bool:
        """Ours, and renewed so lately that nobody can be taking over."""
        age = time.monotonic() - self.renewed_at
        return age < (DEAD_AFTER - RENEWED_EVERY).total_seconds() and self._is_ours()

    def _claim_in(self, path: str) -> dict[str, Any] | None:
        """What a file says; empty where it is not whole, None where there is none."""
        text = self.storage.read(path)
        if text is None:
            return None
        try:
            return dict(json.loads(text))
        except ValueError:
            return {}

    def _beside(self, run_id: str) -> str:
        return f"{self.path}.{run_id}"

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
        # Of several runs that find it dead, one may get hold of what another has written meanwhile, and gives it back.
        grave = self._beside(self.run_id)
        if self.storage.rename(self.path, grave):
            if self._claim_in(grave) != found:
                self.storage.rename(grave, self.path)
                return
            LOGGER.warning("Run %s died and left the output locked; this run takes over.", found.get("run_id"))
            self.storage.delete(grave)
            self.storage.delete(self._beside(str(found.get("run_id"))))


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
            except Exception:  # noqa: BLE001 - the next try may succeed, and the run itself looks before it publishes
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
