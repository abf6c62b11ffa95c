"""What the description of the API says of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

Labels = Mapping[str, Mapping[str, int]]
Responses = dict[int | str, dict[str, Any]]
ELEMENT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "customer_id": {"type": "string"},
        "segmentation": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["customer_id", "segmentation"],
}
ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
SENTENCES = {
    304: "The caller has this answer already (If-None-Match)",
    400: "The request cannot be understood",
    401: "A key is needed",
    404: "There is no such customer",
    408: "The request did not arrive in time",
    410: "The listing's publication is not there any more",
    413: "The request is too large",
    414: "The address is too long",
    429: "Too many requests",
    503: "Too much is asked at once, or what is published is too old",
}


def an(schema: dict[str, Any], said: str, **forms: dict[str, Any]) -> dict[str, Any]:
    """A good answer."""
    headers = {"X-Segments-Version": {"description": "Which publication", "schema": {"type": "string"}}}
    content = {"application/json": {"schema": schema}, **forms}
    return {"description": said, "headers": headers, "content": content}


def errors(*statuses: int) -> Responses:
    """These, and those that everything may answer."""
    every = sorted({*statuses, 304, 400, 401, 414, 429})
    told: Responses = {}
    for status in every:
        body = {} if status == 304 else {"content": {"application/json": {"schema": ERROR}}}
        told[status] = {"description": SENTENCES[status], **body}
    return told


def of(**properties: dict[str, Any]) -> dict[str, Any]:
    """An object with these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
TEXTS = {"type": "array", "items": TEXT}
ELEMENTS = {"type": "array", "items": ELEMENT}
OBJECT: dict[str, Any] = {"type": "object"}
SHARE = of(customers=NUMBER, share={"type": "number"})
SEGMENT = {200: an(ELEMENT, "The element of the export"), **errors(404)}
STATS = of(
    version=TEXT,
    run_id=TEXT,
    table_version=NUMBER,
    as_of=TEXT,
    published_at=TEXT,
    customers=NUMBER,
    dimensions={"type": "object", "additionalProperties": {"type": "object", "additionalProperties": SHARE}},
)
CROSSED = {200: an(STATS, "Customers by label, and crossed where asked for"), **errors(503)}
LABEL = {"type": ["string", "null"]}
FLOW = of(dimension=TEXT, from_label=LABEL, to_label=LABEL, cause=TEXT, customers=NUMBER)
MOVED = {
    200: an(
        of(version=TEXT, since=TEXT, movements={"type": "array", "items": FLOW}),
        "Customers by dimension, labels and cause; from null for who is new, to null for who is gone",
    ),
    **errors(503),
}
LISTED = {
    200: an(
        of(version=TEXT, customers=ELEMENTS, next_cursor={"type": ["string", "null"]}),
        "A page; fewer than `limit` are no end, a `next_cursor` of null is",
        **{"application/x-ndjson": {"schema": ELEMENT}, "text/csv": {"schema": TEXT}},
    ),
    **errors(410, 503),
}
LOOKED_UP: tuple[Responses, dict[str, Any]] = (
    {
        200: an(of(version=TEXT, customers=ELEMENTS, missing=TEXTS), "Those who were found, and the other ids"),
        **errors(408, 413),
    },
    {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": of(customer_ids={**TEXTS, "maxItems": 1000})}},
        }
    },
)
OF_TABLES = {200: an(OBJECT, "See docs/serving.md"), **errors(404, 503)}


def describe(app: FastAPI, labels: Callable[[], Labels]) -> Callable[[], dict[str, Any]]:
    """What describes the API as it is now: with the dimensions and labels that are published."""

    def described() -> dict[str, Any]:
        told = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        for operations in told["paths"].values():
            for operation in operations.values():
                # What cannot be understood is 400 here.
                operation["responses"].pop("422", None)
        told["paths"]["/segments"]["get"]["parameters"] += [_parameter(*one) for one in labels().items()]
        told["paths"]["/segments/stats"]["get"]["parameters"] = [_by([*labels()])]
        told["components"] = {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}, "key": HEADER_KEY}}
        told["security"] = [{}, {"bearer": []}, {"key": []}]
        return told

    return described


HEADER_KEY = {"type": "apiKey", "in": "header", "name": "X-API-Key"}


def _parameter(dimension: str, labels: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": dimension,
        "in": "query",
        "description": "Only customers with one of these labels",
        "schema": {"type": "array", "items": {**TEXT, **({"enum": [*labels]} if labels else {})}},
    }


def _by(dimensions: list[str]) -> dict[str, Any]:
    some = {"type": "array", "items": {**TEXT, "enum": dimensions}, "uniqueItems": True, "minItems": 1}
    return {"name": "by", "in": "query", "description": "Dimensions to cross", "explode": False, "schema": some}
