"""A collection that asks for a run when a document changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from segmentation.config import SegmentationConfig
from segmentation.config.mongodb import MongoConfig
from segmentation.console import LOGGER
from segmentation.errors import ConfigError, install
from segmentation.sources.mongo_facts import fingerprint, opened
from segmentation.state.output import Output
from segmentation.state.status import changing, read_status

if TYPE_CHECKING:
    pass

# Milliseconds that the server waits for a change before it says that there is none.
WAIT = 500
# Questions before another try to be told.
POLLS = 20


class CollectionWatch:
    """Told by the server where it can tell (a change stream, on replica sets), else it asks from time to time.

    Args:
        config: where the collection is.
        output: where the place in the stream is kept, so that nothing is missed while nobody watches.
        changed: called when something changed.
        poll_seconds: between questions, where the server does not tell.
    """

    def __init__(
        self, config: SegmentationConfig, output: Output, changed: Callable[[str], None], poll_seconds: float
    ) -> None:
        self.config = config
        self.output = output
        self.changed = changed
        self.poll_seconds = poll_seconds
        self._ended = threading.Event()
        self._last: str | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Begin.

        Raises:
            ConfigError: Python's driver is not installed.
        """
        try:
            import pymongo  # noqa: F401
        except ImportError as error:
            raise ConfigError(f"Watching a collection needs {error.name}: {install('mongodb')}.") from error
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._ended.set()

    def _watch(self) -> None:
        from pymongo.errors import OperationFailure, PyMongoError

        server = self.config.mongodb
        assert server is not None  # the request was checked
        while not self._ended.is_set():
            try:
                self._follow(server)
            except OperationFailure as error:
                LOGGER.info("No change stream (code %s); the collection is asked instead.", error.code)
                self._keep(None, {})
                self._ask()
            except (PyMongoError, OSError) as error:
                LOGGER.warning("The collection cannot be watched for a while: %s", type(error).__name__)
                self._ask()

    def _follow(self, server: MongoConfig) -> None:
        """Be told of changes, from where the last one was."""
        with opened(server) as client:
            collection = client[server.database][server.collection]
            token = read_status(self.output).get("change_stream")
            with collection.watch(resume_after=token, max_await_time_ms=WAIT) as stream:
                while not self._ended.is_set():
                    if stream.try_next() is not None:
                        self.changed(server.collection)
                    self._keep(stream.resume_token, token)
                    token = stream.resume_token

    def _keep(self, token: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> None:
        if token != before:
            try:
                with changing(self.output) as status:
                    status["change_stream"] = token
            except OSError as error:
                LOGGER.warning("The place in the change stream cannot be noted: %s", error)

    def _ask(self) -> None:
        """Ask what the server can tell at once, for a while."""
        last = self._last or fingerprint(self.config)
        if last is None:
            LOGGER.warning("The server does not tell whether the collection changes: it is read by time alone.")
        for _ in range(POLLS):
            if self._ended.wait(self.poll_seconds):
                return
            now = fingerprint(self.config)
            # A server that is away for a while says nothing of changes.
            if now is not None and now != last:
                self.changed("the collection")
                last = now
        self._last = last
