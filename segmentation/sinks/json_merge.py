"""The export before, and the elements that are others now -> the export, without asking an engine for all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from segmentation.sinks.escapes import FRAMED, id_of

BLOCK, MANY = 1 << 14, 128
HEAD, SEPARATOR, TAIL = (part.encode() for part in FRAMED)
# Greater than every id: no text has this byte.
BEYOND = b"\xff"


def told_of(file: Path) -> Mapping[str, int]:
    """What tells a file from every other one, and from what it was before somebody wrote to it; a move keeps it."""
    told = file.stat()
    return {"inode": told.st_ino, "bytes": told.st_size, "changed_ns": told.st_mtime_ns}


def is_what_was_told(file: Path, told: Any) -> bool:
    """Is a file the one that `told_of` told of?"""
    return file.is_file() and told_of(file) == told


def merge(before: Path, changed: Path, target: Path) -> int:
    """Write the elements of `before` with those of `changed` in place of those of the same customers.

    Args:
        before: an export of at least one customer.
        changed: elements, in the same form and order.
        target: takes all.

    Returns:
        How many elements were written.
    """
    count, between = 0, HEAD
    with before.open("rb") as old, changed.open("rb") as new, target.open("wb") as out:
        for elements in _merged(_blocks(old), chain.from_iterable(_blocks(new))):
            if elements:
                out.write(between + SEPARATOR.join(elements))
                count, between = count + len(elements), SEPARATOR
        out.write(TAIL)
    return count


def _blocks(file: BinaryIO) -> Iterator[list[bytes]]:
    """Elements, some at a time; around them are lines of their own."""
    file.readline()
    while lines := file.readlines(BLOCK):
        yield [line.rstrip(SEPARATOR) for line in lines if line.startswith(b"{")]


def _merged(blocks: Iterator[list[bytes]], changed: Iterator[bytes]) -> Iterator[list[bytes]]:
    element, key = _next(changed)
    for block in blocks:
        # As a rule nothing of it is another.
        if block and key <= _id(block[-1]):
            merged: list[bytes] = []
            for kept in block:
                its = _id(kept)
                while key < its:
                    if len(merged) >= MANY:
                        yield merged
                        merged = []
                    merged.append(element)
                    element, key = _next(changed)
                if key == its:
                    merged.append(element)
                    element, key = _next(changed)
                else:
                    merged.append(kept)
            yield merged
        else:
            yield block
    while key != BEYOND:
        yield [element, *islice(changed, MANY)]
        element, key = _next(changed)


def _next(elements: Iterator[bytes]) -> tuple[bytes, bytes]:
    element = next(elements, None)
    return (b"", BEYOND) if element is None else (element, _id(element))


def _id(element: bytes) -> bytes:
    found = id_of(element)
    if found is None:
        raise ValueError(f"no element of an export: {element[:100]!r}")
    return found
