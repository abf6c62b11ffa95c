"""How answers look: which version they are of, and whether the caller has them already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from starlette.responses import Response, StreamingResponse

from segmentation.serving.publications import Publication

if TYPE_CHECKING:
    from starlette.requests import Request

VERSION = "X-Segments-Version"


class Problem(Exception):  # noqa: N818 - it is an answer, as a rule the caller's doing
    """What a caller is told instead of an answer.

    Attributes:
        status: of HTTP.
        error: a sentence.
    """

    def __init__(self, status: int, error: str, **headers: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.headers = headers


# In the words of the business document.
NOT_FOUND = "Customer not found"


def unknown_customer() -> Problem:
    """There is nobody of this id."""
    return Problem(404, NOT_FOUND)


def json_answer(request: Request, publication: Publication, told: Any) -> Response:
    """An object as JSON."""
    return bytes_answer(request, publication, json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode())


def bytes_answer(request: Request, publication: Publication, body: bytes) -> Response:
    """JSON as it is; nothing where the caller has just this."""
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, VERSION: publication.version}
    if has_it(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def has_it(given: str | None, tag: str) -> bool:
    """Is a tag among those that a caller has? Compression makes weak ones of them."""
    known = [one.strip().removeprefix("W/") for one in (given or "").split(",")]
    return tag in known or known == ["*"]


async def stream_answer(
    request: Request, publication: Publication, parts: AsyncGenerator[bytes], media_type: str
) -> Response:
    """What is sent while it is read. The first part is there before anything is sent, so a refusal can be one."""
    headers = {VERSION: publication.version, "Vary": "Accept"}
    if request.scope.get("is_head"):
        return Response(headers=headers, media_type=media_type)
    first = await anext(parts, b"")
    return StreamingResponse(_with(first, parts), headers=headers, media_type=media_type)


async def _with(first: bytes, others: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(others):
        yield first
        async for one in others:
            yield one
