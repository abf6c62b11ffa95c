"""A whole listing, sent while it is read: an object a line, or a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator

from segmentation.schemas import CUSTOMER_ID
from segmentation.serving.asked import Listing

JSON = "application/json"


def wanted_form(accept: str) -> str:
    """The first form that a caller accepts and that there is; JSON for whoever does not say."""
    for one in (part.partition(";")[0].strip().lower() for part in accept.split(",")):
        if one in (*FORMS, JSON):
            return one
    return JSON


async def _ndjson(listing: Listing, limit: int | None) -> AsyncIterator[bytes]:
    async for elements in _limited(listing, limit):
        yield b"\n".join(elements) + b"\n"


async def _csv(listing: Listing, limit: int | None) -> AsyncIterator[bytes]:
    names = list(listing.published.labels)
    yield _csv_lines([[CUSTOMER_ID, *names]])
    async for elements in _limited(listing, limit):
        rows = [json.loads(element) for element in elements]
        yield _csv_lines([[row[CUSTOMER_ID], *(row["segmentation"][name] for name in names)] for row in rows])


async def _limited(listing: Listing, limit: int | None) -> AsyncIterator[list[bytes]]:
    left = limit
    async for elements in listing.all():
        kept = elements if left is None else elements[:left]
        if kept:
            yield kept
        if left is not None:
            left -= len(kept)
            if left <= 0:
                return


def _csv_lines(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


FORMS = {"application/x-ndjson": _ndjson, "text/csv": _csv}
