"""A whole listing, sent while it is read: an object a line, or a table."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator

from segmentation.schemas import CUSTOMER_ID
from segmentation.serving.asked import Listing
from segmentation.serving.listing import parsed

JSON = "application/json"
REFUSED = frozenset({"q=0", "q=0.0", "q=0.00", "q=0.000"})


def wanted_form(accept: str) -> str:
    """The first form that a caller accepts and that there is; JSON for whoever does not say."""
    for one in accept.lower().split(","):
        name, *parameters = (part.replace(" ", "") for part in one.split(";"))
        if name in (*FORMS, JSON) and not REFUSED.intersection(parameters):
            return name
    return JSON


async def _ndjson(listing: Listing, limit: int | None) -> AsyncGenerator[bytes]:
    async for elements in _limited(listing, limit):
        yield b"\n".join(elements) + b"\n"


async def _csv(listing: Listing, limit: int | None) -> AsyncGenerator[bytes]:
    names = list(listing.published.labels)
    header = _csv_lines([[CUSTOMER_ID, *names]])
    async for elements in _limited(listing, limit):
        rows = [parsed(element) for element in elements]
        yield header + _csv_lines([[row[CUSTOMER_ID], *(row["segmentation"][name] for name in names)] for row in rows])
        header = b""
    if header:
        yield header


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
