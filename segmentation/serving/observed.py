"""What is told of requests: the access log, and metrics for Prometheus."""

from __future__ import annotations

import json
import logging
import os
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ACCESS = logging.getLogger("segmentation.access")
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
NOWHERE = "(unknown)"


class Meters:
    """Counters of one worker, or of all where they share a folder (PROMETHEUS_MULTIPROC_DIR)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "segmentation_api_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "segmentation_api_request_duration_seconds",
            "From the first byte of a request to the last of its answer.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )

        # To look one up by its labels takes longer than to count.
        self.of = lru_cache(maxsize=1 << 10)(self._of)

    def _of(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        return self.requests.labels(route, method, str(status)), self.seconds.labels(route)

    def text(self, *more: Collector) -> bytes:
        """All of it, in the text format, and what else is told."""
        told = CollectorRegistry()
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            multiprocess.MultiProcessCollector(told)  # type: ignore[no-untyped-call]
        else:
            told.register(self.registry)
        for one in more:
            told.register(one)
        return generate_latest(told)


class Observed:
    """Counts and logs every request.

    Args:
        app: what answers.
        meters: where it is counted.
        log_ids: does the log hold addresses as they are? Otherwise their routes.
    """

    def __init__(self, app: ASGIApp, meters: Meters, *, log_ids: bool) -> None:
        self.app = app
        self.meters = meters
        self.log_ids = log_ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, seen = time.perf_counter(), {"status": 500, "bytes": 0}
        scope.setdefault("state", {})
        # The server leaves the body out.
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", "is_head": True}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            seen["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            self._tell(scope, seen, time.perf_counter() - start)

    def _tell(self, scope: Scope, seen: dict[str, int], seconds: float) -> None:
        route = getattr(scope.get("route"), "path_format", None) or NOWHERE
        method = "HEAD" if scope.get("is_head") else scope["method"]
        method = method if method in ("GET", "HEAD", "POST", "OPTIONS") else "other"
        requests, took = self.meters.of(route, method, seen["status"])
        requests.inc()
        took.observe(seconds)
        if ACCESS.isEnabledFor(logging.INFO):
            ACCESS.info("%s", _line(scope, route, seen, seconds, log_ids=self.log_ids))


def _line(scope: Scope, route: str, seen: dict[str, int], seconds: float, *, log_ids: bool) -> str:
    told: dict[str, Any] = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "method": "HEAD" if scope.get("is_head") else scope["method"],
        "path": scope["path"] if log_ids else route,
        **({"query": scope["query_string"].decode("latin-1")} if log_ids and scope["query_string"] else {}),
        "status": seen["status"],
        "bytes": seen["bytes"],
        "ms": round(seconds * 1000, 2),
        "client": scope["client"][0] if scope.get("client") else None,
        "key": scope["state"].get("key"),
    }
    return json.dumps(told, ensure_ascii=True)
