"""Sail in this process: a server on loopback that computes while a run lasts, and one session with it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.connect.client import DefaultChannelBuilder
from pyspark.sql.connect.session import SparkSession as ConnectSession

from segmentation.engines.embedded.columns import put_back
from segmentation.engines.embedded.interrupts import heard_by_python_alone
from segmentation.errors import SegmentationError

LOOPBACK = "127.0.0.1"
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
}
_guard = threading.Lock()
_used_in: int | None = None


@contextmanager
def served(memory: int, spill: str) -> Iterator[SparkSession]:
    """A session, and its server; both end with the block.

    Args:
        memory: bytes that the engine may hold; what needs more goes to files.
        spill: the folder for these.

    Raises:
        SegmentationError: this process was forked from one that has used the engine, whose threads are not here.
    """
    global _used_in
    _used_in = _used_in or os.getpid()
    if _used_in != os.getpid():
        raise SegmentationError(
            "The embedded engine cannot go on in a forked process. Start processes with multiprocessing's 'spawn', or "
            "use engine='spark'."
        )
    settings = {
        "RUST_LOG": "off",
        "SAIL_RUNTIME__MEMORY_POOL__TYPE": "fair",
        "SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE": str(memory),
        "SAIL_RUNTIME__TEMPORARY_FILES__PATHS": json.dumps([spill], ensure_ascii=False),
    }
    # One at a time, because the environment is the process's.
    with _guard, _environment(settings):
        # Imported here because it looks at RUST_LOG only then.
        from pysail.spark import SparkConnectServer

        server = SparkConnectServer(LOOPBACK, 0)
        server.start(background=True)
    try:
        address = server.listening_address
        assert address is not None  # it runs
        # A proxy that the machine uses for the rest of the world would not find this server.
        channel = DefaultChannelBuilder(f"sc://{address[0]}:{address[1]}", [("grpc.enable_http_proxy", 0)])
        session: Any = ConnectSession.builder.channelBuilder(channel).create()
        # The server is in this process: if it does not answer, it never will.
        session.client.set_retry_policies([])
        session.client.disable_reattachable_execute()
        # Sail does not stop what nobody reads any more, and does not answer either; it stops when nobody can.
        session.client.interrupt_operation = lambda _: session.client.close()
        session.release_session_on_close = False
        try:
            for key, value in SETTINGS.items():
                session.conf.set(key, value)
            with heard_by_python_alone():
                yield session
        finally:
            session.stop()
    finally:
        # It may have ended by itself.
        with suppress(RuntimeError):
            server.stop()


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """The server reads its settings from the environment, once; those that are meant for others are hidden from it."""
    foreign = [key for key in os.environ if key.startswith("SAIL_")]
    before = {key: os.environ.get(key) for key in (*foreign, *settings)}
    put_back(dict.fromkeys(foreign))
    os.environ.update(settings)
    try:
        yield
    finally:
        put_back(before)
