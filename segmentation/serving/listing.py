"""Customers by their labels: a page at a time, or all of them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, NamedTuple

from segmentation.serving.export import ChangedError, Export
from segmentation.sinks.escapes import escaped

# What is looked through before others have their turn: a fraction of a millisecond.
TURN = 1 << 16


class Cursor(NamedTuple):
    """Where a listing goes on: in which publication, after whom, and what was asked for."""

    version: str
    after: str
    asked: str

    def text(self) -> str:
        """As it stands in an address."""
        return base64.urlsafe_b64encode(json.dumps(self).encode()).decode().rstrip("=")

    @classmethod
    def of(cls, text: str) -> Cursor:
        """The cursor that a text stands for.

        Raises:
            ValueError: it is none.
        """
        parts = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        if not (isinstance(parts, list) and len(parts) == len(cls._fields) and all(isinstance(p, str) for p in parts)):
            raise ValueError("no cursor of ours")
        # One that no answer of ours held may hold half of a character.
        parts[1].encode()
        return cls(*parts)


@dataclass(frozen=True)
class Wanted:
    """Which customers: with one of these labels in each of these dimensions."""

    labels: Mapping[str, Collection[str]]

    @property
    def _parts(self) -> list[list[bytes]]:
        """Per dimension, what an element holds one of; quotes in ids are escaped, so it stands nowhere else."""
        return [
            [f'"{dimension}":"{escaped(label)}"'.encode() for label in sorted(labels)]
            for dimension, labels in self.labels.items()
        ]

    def among(self, elements: Sequence[bytes]) -> list[bytes]:
        """Those of the elements that are wanted."""
        kept = list(elements)
        for parts in self._parts:
            kept = [one for one in kept if any(part in one for part in parts)]
        return kept


class Page(NamedTuple):
    """Some elements, and after whom to go on; None where there is nobody left."""

    elements: list[bytes]
    after: str | None


async def page(export: Export, wanted: Wanted, after: str | None, limit: int, seconds: float) -> Page:
    """The next elements.

    Args:
        export: where they are.
        wanted: which.
        after: the id to go on after, None for the beginning.
        limit: how many at most.
        seconds: how long to look; there may be more where fewer than `limit` come back.
    """
    found: list[bytes] = []
    end = monotonic() + seconds
    async for looked_at in blocks(export, after):
        found += wanted.among(looked_at)[: limit - len(found)]
        if len(found) == limit:
            return Page(found, id_of(found[-1]))
        if monotonic() > end:
            return Page(found, id_of(looked_at[-1]))
    return Page(found, None)


async def blocks(export: Export, after: str | None) -> AsyncIterator[list[bytes]]:
    """All elements after an id, some at a time; others have their turn in between."""
    start = export.first if after is None else export.after(after)
    for elements in export.blocks(start, TURN):
        yield elements
        await asyncio.sleep(0)


def id_of(element: bytes) -> str:
    """The id of a customer's element."""
    return str(parsed(element)["customer_id"])


def parsed(element: bytes) -> dict[str, Any]:
    """A customer's element as an object."""
    try:
        told: dict[str, Any] = json.loads(element)
    except ValueError:
        raise ChangedError from None
    return told
