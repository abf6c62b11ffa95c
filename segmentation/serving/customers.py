"""`/customers/{id}`: what the tables know of one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from segmentation.schemas import CUSTOMER_ID
from segmentation.serving import questions
from segmentation.serving.answers import json_answer, unknown_customer
from segmentation.serving.documented import OF_TABLES
from segmentation.serving.publications import Publication
from segmentation.serving.service import Service


def routes(service: Service) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/customers", tags=["customers"])

    @router.get("/{customer_id:path}/metrics", summary="Labels and metrics", responses=OF_TABLES)
    async def metrics(request: Request, customer_id: str) -> Response:
        published = _published(service, customer_id)
        rows = await service.ask(questions.metrics, published.said, customer_id)
        if not rows:
            raise unknown_customer()
        return json_answer(request, published, rows[0])

    @router.get("/{customer_id:path}/history", summary="Changes of labels", responses=OF_TABLES)
    async def history(request: Request, customer_id: str) -> Response:
        published = service.publications.current
        changes: list[Any] = await service.ask(questions.history, published.said, service.config, customer_id)
        # Who is gone has a history still.
        if not changes and published.export.element(customer_id) is None:
            raise unknown_customer()
        return json_answer(request, published, {CUSTOMER_ID: customer_id, "changes": changes})

    @router.get("/{customer_id:path}/explain", summary="Why, and what comes next", responses=OF_TABLES)
    async def explain(request: Request, customer_id: str) -> Response:
        published = _published(service, customer_id)
        told = await service.ask(questions.explained, published.said, service.config, customer_id)
        return json_answer(request, published, told)

    return router


def _published(service: Service, customer_id: str) -> Publication:
    """What is published, where it knows this customer."""
    published = service.publications.current
    if published.export.element(customer_id) is None:
        raise unknown_customer()
    return published
