"""Ctrl-C while the engine computes."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import grpc

GRPC = str(Path(grpc.__file__).parent)
# Seconds until an interrupt that came at a bad moment is tried again.
MOMENT = 0.01


@contextmanager
def heard_by_python_alone() -> Iterator[None]:
    """Give Ctrl-C back to Python: the server listens for it as well once it runs, and would end before its client.

    Python allows that in its main thread only; in another one, the server ends with Ctrl-C.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def hear(number: int, frame: FrameType | None) -> None:
        if holds_a_lock(frame):
            threading.Timer(MOMENT, _thread.interrupt_main).start()
        elif callable(before):
            before(number, frame)

    signal.signal(signal.SIGINT, hear if callable(before) else before)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def holds_a_lock(frame: FrameType | None) -> bool:
    """Is it gRPC's code that runs, other than to wait for an answer?

    An exception between the taking of a lock and the block that gives it back leaves it taken: the channel, and so the
    server and the process, would never end.
    """
    called = None
    while frame and frame.f_code.co_filename == threading.__file__:
        called, frame = frame.f_code, frame.f_back
    waits = called is threading.Condition.wait.__code__
    return frame is not None and frame.f_code.co_filename.startswith(GRPC) and not waits
