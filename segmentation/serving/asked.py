"""What a request for a listing asks for, checked."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

from starlette.datastructures import QueryParams

from segmentation.serving import questions
from segmentation.serving.answers import Problem
from segmentation.serving.listing import Cursor, Page, Wanted, blocks, page
from segmentation.serving.publications import Publication
from segmentation.serving.service import Service

MOST_IDS = 1000
# How long a page is looked for: less than a caller notices, and it says where to go on.
PAGE_SECONDS = 0.25
# Ids of a stream that are asked for at once: each question looks through all changes. Elements between two turns.
MANY, TURN, TRIES = 200_000, 200, 30
OWN = ("limit", "cursor", "changed_since")


class Listing:
    """What a request for a listing asks for.

    Args:
        service: the worker's.
        asked: the parameters of the address.
        changed_since: only customers with a label that changed since then.
        cursor: where a listing goes on.

    Raises:
        Problem: it cannot be answered.
    """

    def __init__(self, service: Service, asked: QueryParams, changed_since: str | None, cursor: str | None) -> None:
        self.service = service
        before = _cursor(cursor) if cursor else None
        self.published = _publication(service, before)
        dimensions = self.published.labels
        refuse_unknown(asked, (*OWN, *dimensions))
        self.wanted = Wanted({name: asked.getlist(name) for name in dimensions if name in asked})
        _refuse_labels(self.wanted, dimensions)
        self.since = service.moment(changed_since) if changed_since else None
        self._asked = _digest(self.wanted, self.since)
        if before and before.asked != self._asked:
            raise Problem(400, "cursor: it is of a listing that asked for something else. Start again without it.")
        self.after = before.after if before else None

    def cursor(self, after: str) -> Cursor:
        """Where the next page goes on."""
        return Cursor(self.published.version, after, self._asked)

    async def page(self, limit: int) -> Page:
        """The next elements."""
        if self.since is None:
            return await page(self.published.export, self.wanted, self.after, limit, PAGE_SECONDS)
        ids = await self._changed(self.after, limit)
        return Page(self._elements(ids), ids[-1] if len(ids) == limit else None)

    async def all(self) -> AsyncIterator[list[bytes]]:
        """All elements, some at a time."""
        if self.since is None:
            async for elements in blocks(self.published.export, self.after):
                yield self.wanted.among(elements)
            return
        ids = await self._changed(self.after, MANY)
        while ids:
            for at in range(0, len(ids), TURN):
                yield self._elements(ids[at : at + TURN])
                await asyncio.sleep(0)
            ids = await self._more_changed(ids[-1]) if len(ids) == MANY else []

    async def _more_changed(self, after: str) -> list[str]:
        """The next ids of a stream, which is being sent and can only be broken off, so they are asked for patiently."""
        for _ in range(TRIES - 1):
            with suppress(Problem):
                return await self._changed(after, MANY)
            await asyncio.sleep(1)
        return await self._changed(after, MANY)

    async def _changed(self, after: str | None, limit: int) -> list[str]:
        found: list[str] = await self.service.ask(questions.changed, self.published.said, self.since, after, limit)
        return found

    def _elements(self, ids: list[str]) -> list[bytes]:
        """Those who are still customers, and wanted."""
        found = (self.published.export.element(one) for one in ids)
        return self.wanted.among([element for element in found if element])


def _publication(service: Service, cursor: Cursor | None) -> Publication:
    found = service.publications.named(cursor.version) if cursor else service.publications.current
    if found is None:
        raise Problem(410, "cursor: its version is not published any more. Start again without it.")
    return found


def _cursor(text: str) -> Cursor:
    try:
        return Cursor.of(text)
    except (ValueError, RecursionError):
        raise Problem(400, "cursor: expected the next_cursor of a page, as it was given.") from None


def _digest(wanted: Wanted, since: str | None) -> str:
    asked = [{name: sorted(labels) for name, labels in sorted(wanted.labels.items())}, since]
    return hashlib.blake2b(json.dumps(asked).encode(), digest_size=6).hexdigest()


def refuse_unknown(asked: QueryParams, known: tuple[str, ...]) -> None:
    """See that nothing is asked for that there is not.

    Raises:
        Problem: something is.
    """
    unknown = sorted({*asked} - {*known})
    if unknown:
        raise Problem(400, f"{unknown[0]}: expected one of {', '.join(known)}")


def _refuse_labels(wanted: Wanted, dimensions: Mapping[str, Mapping[str, int]]) -> None:
    for name, labels in wanted.labels.items():
        unknown = sorted({*labels} - {*dimensions[name]})
        if unknown and dimensions[name]:
            raise Problem(400, f"{name}: expected one of {', '.join(dimensions[name])}, found {unknown[0]!r}")
