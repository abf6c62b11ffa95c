"""What stands before the routes: who may ask, how much, and what every answer carries."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from segmentation.config.serving import ApiConfig, ApiKey

# Without data of customers, and needed before a key is given.
OPEN = ("/", "/healthz", "/readyz", "/docs", "/openapi.json", "/favicon.ico")
OPEN_BELOW = ("/page/", "/swagger/")
PROBES = ("/healthz", "/readyz")
# Names of this machine: a page of somebody else's cannot take one of them, as it can take its address.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
MAX_URL = 1 << 14
# Nothing but our own files, and no frame around them.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
POLICY += "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
# What shows the documentation is a library's, and writes styles into the page.
DOCS_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").encode()
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
# As they are sent: each answer carries them.
RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
RAW_POLICY = POLICY.encode()


def refusal(status: int, error: str, **headers: str) -> JSONResponse:
    """An error, in the form that all have."""
    return JSONResponse({"error": error}, status, {name.replace("_", "-"): value for name, value in headers.items()})


def changed() -> JSONResponse:
    """The export is being written over where it lies."""
    return refusal(503, "What is published is being changed. Try again in a moment.", Retry_After="1")


class Guard:
    """Lets through who may ask, and adds the headers of every answer.

    Args:
        app: what is guarded.
        config: keys and limits.
        is_open_to_all: by whatever name they ask, and without a key.
    """

    def __init__(self, app: ASGIApp, config: ApiConfig, *, is_open_to_all: bool = False) -> None:
        self.app = app
        self.config = config
        self.is_open_to_all = is_open_to_all
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        many = config.requests_per_minute
        self._limit = RateLimitItemPerMinute(many) if many else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        send = _with_headers(send, DOCS_POLICY if scope["path"] == "/docs" else RAW_POLICY)
        refused = self._refused(scope)
        if refused:
            await refused(scope, receive, send)
        else:
            await self.app(scope, self._bounded(receive), send)

    def _refused(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_URL:
            return refusal(414, f"The address is longer than {MAX_URL:,} bytes. Ask with POST /segments/lookup.")
        if _number(headers.get("content-length")) > self.config.max_body_kilobytes << 10:
            return refusal(413, f"A request may hold {self.config.max_body_kilobytes:,} KB.")
        if not self._is_for_us(headers.get("host", "")):
            return refusal(421, "Without keys, only names of this machine and api.hosts are served.")
        caller = scope["client"][0] if scope.get("client") else "-"
        # What a browser asks before it asks carries no key.
        if self.config.keys and not is_open(scope["path"]) and scope["method"] != "OPTIONS":
            known = key_of(given_key(headers), self.config.keys)
            if known is None:
                return refusal(
                    401, "A key is needed: Authorization: Bearer KEY, or X-API-Key: KEY.", WWW_Authenticate="Bearer"
                )
            caller = scope["state"]["key"] = known
        if self._limit and scope["path"] not in PROBES and not self._limiter.hit(self._limit, caller):
            return refusal(429, f"More than {self._limit.amount:,} requests in a minute.", Retry_After="60")
        return None

    def _is_for_us(self, host: str) -> bool:
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        return self.is_open_to_all or bool(self.config.keys) or name in LOOPBACK or name in self.config.hosts

    def _bounded(self, receive: Receive) -> Receive:
        """A request that says nothing of its size, or not the truth, ends where it may not be longer."""
        left = self.config.max_body_kilobytes << 10

        async def bounded() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            return message if left >= 0 else {"type": "http.disconnect"}

        return bounded


def is_open(path: str) -> bool:
    """Is there nothing of customers in it?"""
    return path in OPEN or path.startswith(OPEN_BELOW)


def given_key(headers: Headers) -> str:
    """The key that a request carries, nothing where there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def key_of(given: str, keys: Sequence[ApiKey]) -> str | None:
    """Whose key it is. Every known one is compared in whole, so that no time tells how much of one was right."""
    hashed = hashlib.sha256(given.encode(errors="surrogateescape")).hexdigest()
    same = [hmac.compare_digest(hashed, key.sha256) for key in keys]
    return next((key.name for key, is_same in zip(keys, same, strict=True) if is_same), None)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _with_headers(send: Send, policy: bytes) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name for name, _ in message["headers"]}
            added = [pair for pair in RAW if pair[0] not in given]
            message["headers"] = [*message["headers"], *added, (b"content-security-policy", policy)]
        await send(message)

    return sending
