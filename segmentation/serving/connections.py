"""Connections that ask for nothing, or for too much at once, are closed before they cost anything."""

from __future__ import annotations

from asyncio import TimerHandle
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from asyncio import Transport

# A request's line and headers, and how long they may take to arrive.
HEAD_BYTES, HEAD_SECONDS = 1 << 16, 10.0


class Connection(HttpToolsProtocol):
    """One that has to say what it wants in time, and in short."""

    _waiting: TimerHandle | None = None
    _arrived = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Somebody connects."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Something arrives."""
        if self._waiting:
            self._arrived += len(data)
            if self._arrived > HEAD_BYTES + len(data):
                self._give_up()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """It is known what is wanted."""
        self._wait_no_more()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._wait_no_more()
        self._arrived = 0
        self._waiting = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _wait_no_more(self) -> None:
        if self._waiting:
            self._waiting.cancel()
        self._waiting = None

    def _give_up(self) -> None:
        self._wait_no_more()
        self.transport.abort()
