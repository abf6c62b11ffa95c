"""A lane of its own for the question that is asked most: one customer's element.

It is answered before routes are tried, parameters taken apart and answers looked at for what compresses, which together
take several times as long as the answer. Everything else passes.
"""

from __future__ import annotations

from collections.abc import Collection
from types import SimpleNamespace
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from segmentation.serving.answers import NOT_FOUND, VERSION, bytes_answer
from segmentation.serving.export import ChangedError
from segmentation.serving.guards import changed, refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from segmentation.serving.publications import Publications

BELOW = "/segments/"
# As the access log and metrics know it.
ROUTE = SimpleNamespace(path_format=BELOW + "{customer_id}")


def element_of(request: Request, publications: Publications, customer_id: str) -> Response:
    """The element of a customer as it is published."""
    published = publications.current
    try:
        element = published.export.element(customer_id)
    except ChangedError:
        return changed()
    if element is None:
        return refusal(404, NOT_FOUND, **{VERSION: published.version})
    return bytes_answer(request, published, element)


class Lane:
    """Answers `GET /segments/{customer_id}`.

    Args:
        app: answers everything else.
        publications: what is published.
        taken: addresses that are no customer's.
    """

    def __init__(self, app: ASGIApp, publications: Publications, taken: Collection[str]) -> None:
        self.app = app
        self.publications = publications
        self.taken = frozenset(taken)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        path = scope.get("path", "")
        if not path.startswith(BELOW) or scope.get("method") != "GET" or path in self.taken:
            await self.app(scope, receive, send)
            return
        scope["route"] = ROUTE
        answer = element_of(Request(scope), self.publications, path[len(BELOW) :])
        await answer(scope, receive, send)
