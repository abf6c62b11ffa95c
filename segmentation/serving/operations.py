"""For those who operate it: is it alive, is what it serves fresh, how much is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import JSONResponse, Response

from segmentation.monitoring.health import freshness_of
from segmentation.serving.documented import OBJECT, an, errors
from segmentation.serving.observed import Meters
from segmentation.serving.service import Service
from segmentation.state.status import read_status

READY = {200: an(OBJECT, "It is fresh enough"), 503: an(OBJECT, "It is older than `error_after`"), **errors()}


def routes(service: Service, meters: Meters) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", summary="Is this process alive?")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz", summary="Is what is served fresh?", responses=READY)
    async def readyz() -> Response:
        told = readiness(service, datetime.now(UTC))
        return JSONResponse(told, 200 if told["ready"] else 503)

    @router.get("/metrics", summary="For Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(meters.text(Served(service)), media_type=CONTENT_TYPE_LATEST)

    return router


def readiness(service: Service, now: datetime) -> dict[str, Any]:
    """What is served, how old it is, and whether that is too old."""
    published, limits = service.publications.current, service.config.freshness
    known = freshness_of(read_status(service.publications.output), limits, now)
    age = known["max_loaded_at_time_ago_in_s"]
    if age is None:
        # Where only the output was brought here, nothing is known of its runs.
        age = round(now.timestamp() - published.commit.at / 1000)
    too_old = limits.error_after is not None and timedelta(seconds=age) > limits.error_after.span
    return {
        "ready": not too_old,
        "version": published.version,
        "as_of": published.said["as_of"],
        "age_seconds": age,
        "error_after_seconds": limits.error_after.span.total_seconds() if limits.error_after else None,
    }


class Served(Collector):
    """What is served, as metrics.

    Args:
        service: that serves it.
    """

    def __init__(self, service: Service) -> None:
        self.service = service

    def collect(self) -> Iterator[Metric]:
        """How many customers, how old, which version."""
        published = self.service.publications.current
        told = readiness(self.service, datetime.now(UTC))
        yield GaugeMetricFamily(
            "segmentation_api_customers", "Customers served.", published.said.get("numbers", {}).get("customers", 0)
        )
        yield GaugeMetricFamily(
            "segmentation_api_data_age_seconds", "Since what is served was last known to be fresh.", told["age_seconds"]
        )
        yield InfoMetricFamily(
            "segmentation_api_publication", "What is served.", {"version": told["version"], "as_of": told["as_of"]}
        )
