"""Columns of Spark Connect, which PySpark's functions make with no session, no connection and no JVM."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# Decides, at each call, which kind of column the functions of PySpark make.
CONNECT_MODE = "SPARK_CONNECT_MODE_ENABLED"
_users = 0
_before: str | None = None
_guard = threading.Lock()


@contextmanager
def connect_mode() -> Iterator[None]:
    """Have PySpark's functions make columns for Connect; afterwards, the process is as it was.

    Runs in several threads share it, and the last one to end puts it back.
    """
    global _users, _before
    with _guard:
        if _users == 0:
            _before = os.environ.get(CONNECT_MODE)
            os.environ[CONNECT_MODE] = "1"
        _users += 1
    try:
        yield
    finally:
        with _guard:
            _users -= 1
            if _users == 0:
                put_back({CONNECT_MODE: _before})


def put_back(before: Mapping[str, str | None]) -> None:
    """Make variables of the environment what they were, None for none."""
    for key, value in before.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
