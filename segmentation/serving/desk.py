"""A process that answers what only the tables know, so that those who look ids up neither wait nor grow.

It is started with the first such question; what it loads and computes stays out of the worker that asked.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

Answer = TypeVar("Answer")
# Questions that wait for their turn; more are sent away.
WAITING = 32


class BusyError(Exception):
    """Too many questions are waiting, or one took too long."""


class Desk:
    """Asks questions of tables in a process of its own.

    Args:
        seconds: after which an answer is not waited for any more.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._pool: ProcessPoolExecutor | None = None
        self._waiting = 0

    async def ask(self, question: Callable[..., Answer], *about: object) -> Answer:
        """What a function of `questions` answers.

        Raises:
            BusyError: no answer came in time.
        """
        if self._waiting >= WAITING:
            raise BusyError
        self._waiting += 1
        try:
            return await asyncio.wait_for(self._asked(question, *about), self._seconds)
        except TimeoutError:
            raise BusyError from None
        finally:
            self._waiting -= 1

    async def _asked(self, question: Callable[..., Answer], *about: object) -> Answer:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._opened(), question, *about)
        except BrokenProcessPool:
            # Killed, as by a system that is short of memory: once more, by another.
            self.close()
            return await loop.run_in_executor(self._opened(), question, *about)

    def _opened(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1, get_context("spawn"), initializer=_outlive_nobody, initargs=(os.getpid(),)
            )
        return self._pool

    def close(self) -> None:
        """Let it go."""
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None


def _outlive_nobody(parent: int) -> None:
    """End when the worker ends, however it does; what a terminal sends to all is the worker's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
