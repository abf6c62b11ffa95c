"""`/segments`: the export, by id and by label."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from fastapi import APIRouter, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from segmentation.serving import questions
from segmentation.serving.answers import VERSION, Problem, bytes_answer, json_answer, stream_answer
from segmentation.serving.asked import MOST_IDS, Listing, refuse_unknown
from segmentation.serving.documented import CROSSED, LISTED, LOOKED_UP, MOVED, SEGMENT
from segmentation.serving.forms import FORMS, wanted_form
from segmentation.serving.lane import element_of
from segmentation.serving.publications import Publication
from segmentation.serving.service import Service


def routes(service: Service) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["segments"])
    current = service.publications

    @router.get("/segments/stats", summary="Customers by label", responses=CROSSED)
    async def stats(request: Request, by: str | None = Query(None, description="Dimensions to cross")) -> Response:
        refuse_unknown(request.query_params, ("by",))
        published = current.current
        crossed = await _crossed(service, published, by)
        return json_answer(request, published, _statistics(published, crossed))

    @router.get("/segments/movements", summary="Changes of labels, counted", responses=MOVED)
    async def movements(
        request: Request, since: str = Query(description="A day, or a time with its offset")
    ) -> Response:
        refuse_unknown(request.query_params, ("since",))
        published, moment = current.current, service.moment(since, "since")
        flows = await service.ask(questions.movements, published.said, moment)
        return json_answer(request, published, {"version": published.version, "since": since, "movements": flows})

    responses, sent = LOOKED_UP

    @router.post("/segments/lookup", summary="Many customers at once", responses=responses, openapi_extra=sent)
    async def lookup(request: Request) -> Response:
        ids = await _ids(request, float(service.config.api.request_seconds))
        published = current.current
        found = {one: published.export.element(one) for one in ids}
        there = b",".join(element for element in found.values() if element)
        missing = json.dumps([one for one, element in found.items() if element is None]).encode()
        body = b'{"version":"%s","customers":[%s],"missing":%s}' % (published.version.encode(), there, missing)
        return Response(body, headers={VERSION: published.version}, media_type="application/json")

    @router.get("/segments", summary="Customers by their labels", responses=LISTED)
    async def listed(
        request: Request,
        limit: int | None = Query(None, ge=1, le=MOST_IDS, description="At most so many; default 100"),
        cursor: str | None = Query(None, description="`next_cursor` of the page before"),
        changed_since: str | None = Query(None, description="A day, or a time with its offset"),
    ) -> Response:
        listing = Listing(service, request.query_params, changed_since, cursor)
        media = wanted_form(request.headers.get("accept", ""))
        if media in FORMS:
            return await stream_answer(request, listing.published, FORMS[media](listing, limit), media)
        found, after = await listing.page(limit or 100)
        cursor = json.dumps(listing.cursor(after).text() if after is not None else None)
        version = listing.published.version.encode()
        body = b'{"version":"%s","customers":[%s],"next_cursor":%s}' % (version, b",".join(found), cursor.encode())
        answer = bytes_answer(request, listing.published, body)
        answer.headers["Vary"] = "Accept"
        return answer

    @router.get("/segments/{customer_id:path}", summary="One customer", responses=SEGMENT)
    async def segment(request: Request, customer_id: str) -> Response:
        # For the description of the API; the lane answers before a request comes here.
        return element_of(request, current, customer_id)

    return router


async def _ids(request: Request, seconds: float) -> list[str]:
    """The ids that are looked up, each once."""
    try:
        body = await asyncio.wait_for(request.body(), seconds)
        asked = json.loads(body)
    except TimeoutError:
        raise Problem(408, f"The request did not arrive within {seconds:g} seconds.") from None
    except ClientDisconnect:
        # Whoever is still there has sent more than a request may hold.
        raise Problem(413, "The request holds too much.") from None
    except (ValueError, RecursionError):
        asked = None
    ids = asked.get("customer_ids") if isinstance(asked, dict) else None
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids) or len(ids) > MOST_IDS:
        raise Problem(400, f'Expected {{"customer_ids": ["...", ...]}} with at most {MOST_IDS:,} ids, each a text.')
    return list(dict.fromkeys(ids))


async def _crossed(service: Service, published: Publication, by: str | None) -> dict[str, Any] | None:
    if by is None:
        return None
    names = tuple(by.split(","))
    unknown = sorted({*names} - {*published.labels})
    if unknown or len({*names}) < len(names):
        raise Problem(400, f"by: expected some of {','.join(published.labels)}, each once, found {by!r}")
    total = published.said.get("numbers", {}).get("customers") or 1
    rows = await service.crossed(published, names)
    return {"by": names, "rows": [{**row, "share": round(row["customers"] / total, 6)} for row in rows]}


def _statistics(published: Publication, crossed: dict[str, Any] | None) -> dict[str, Any]:
    said = published.said
    total = said.get("numbers", {}).get("customers", 0)
    return {
        "version": published.version,
        "run_id": said["run_id"],
        "table_version": published.commit.version,
        "as_of": said["as_of"],
        "published_at": published.at,
        "customers": total,
        "dimensions": {
            name: {
                label: {"customers": count, "share": round(count / total, 6) if total else 0.0}
                for label, count in labels.items()
            }
            for name, labels in published.labels.items()
        },
        **({"crossed": crossed} if crossed else {}),
    }
