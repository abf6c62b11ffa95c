"""A process that answers what only the tables know, so that those who look ids up neither wait nor grow.

It is started with the first such question; what it loads and computes stays out of the worker that asked.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from segmentation.children import outlive_nobody

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
        loop, pool = asyncio.get_running_loop(), self._opened()
        try:
            return await loop.run_in_executor(pool, question, *about)
        except BrokenProcessPool:
            # Killed, as by a system that is short of memory: once more, by another, which all who waited share.
            if self._pool is pool:
                self.close()
            return await loop.run_in_executor(self._opened(), question, *about)

    def _opened(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1, get_context("spawn"), initializer=outlive_nobody, initargs=(os.getpid(),)
            )
        return self._pool

    def close(self) -> None:
        """Let it go."""
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None
