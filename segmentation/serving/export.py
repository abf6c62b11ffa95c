"""The export of one publication, read where it lies: its lines are sorted by id, so the file is its own index.

Next to nothing of it is held in memory: the system keeps what is asked for often, once for all processes.
A file that was replaced stays readable until it is closed.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from pathlib import Path

from segmentation.sinks.escapes import START, STOP, escaped, id_of

# Bytes: what a line is as a rule shorter than, and what is searched through in one go.
LINE, BLOCK = 1 << 9, 1 << 14
# The first steps of a search are remembered, at most so many: half a megabyte. The rest is read.
FENCES = 1 << 12


class ChangedError(Exception):
    """The file was written over where it lies, and is not what it was; a new one is opened when it is whole."""


class Export:
    """An open export.

    Args:
        path: of the file.

    Raises:
        OSError: it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)
        # Not before the last request that reads it has ended.
        weakref.finalize(self, os.close, self._file)
        self.stat = os.fstat(self._file)
        self._fences: dict[int, tuple[int, bytes]] = {}
        # Around the lines: "[\n" and "\n]\n"; of nobody "[]\n".
        self.first = 2
        self.end = max(self.first, self.stat.st_size - 3)

    @property
    def is_whole(self) -> bool:
        """Does it end as an export does? Somebody may copy one to its place."""
        return os.pread(self._file, 2, max(0, self.stat.st_size - 2)) == b"]\n"

    def element(self, customer_id: str) -> bytes | None:
        """The element of a customer as it is published, None where there is none."""
        try:
            key = START + escaped(customer_id).encode() + STOP
        except UnicodeEncodeError:
            return None
        low, high = self._around(customer_id.encode())
        # With the end of the line before, so that every line begins alike; the last may reach beyond.
        block = self._read(high - low + len(key) + LINE, low - 1)
        at = block.find(b"\n" + key)
        return None if at < 0 else self._line_at(low + at, block[at + 1 :])

    def after(self, customer_id: str) -> int:
        """Where the first line begins whose id is greater, in byte order."""
        wanted = customer_id.encode(errors="surrogatepass")
        at, _ = self._around(wanted)
        while at < self.end:
            line = self._line_at(at)
            if _id_of(line) > wanted:
                break
            at += len(line) + 2
        return at

    def blocks(self, at: int, size: int = 1 << 18) -> Iterator[list[bytes]]:
        """Whole lines from one that begins at `at`, some at a time."""
        while at < self.end:
            block = self._read(min(size, self.end - at), at)
            whole = len(block) if at + len(block) >= self.end else block.rfind(b"\n") - 1
            if whole < 0:
                line = self._line_at(at)
                at += len(line) + 2
                yield [line]
                continue
            at += whole + 2
            yield block[:whole].split(b",\n")

    def _around(self, wanted: bytes) -> tuple[int, int]:
        """From where to where the line of an id begins, if it is there."""
        low, high = self.first, self.end
        while high - low > BLOCK:
            half = (low + high) // 2
            middle, customer = self._fence(half)
            if middle >= high or customer > wanted:
                high = half
            else:
                low = middle
        return low, high

    def _fence(self, at: int) -> tuple[int, bytes]:
        """Where the first line begins that begins after `at`, and its id. Every search begins at the same ones."""
        known = self._fences.get(at)
        if known is None:
            line = self._line_after(at)
            known = line, _id_of(self._line_at(line)) if line < self.end else b""
            if len(self._fences) < FENCES:
                self._fences[at] = known
        return known

    def _read(self, size: int, at: int) -> bytes:
        block = os.pread(self._file, size, at)
        if not block:
            raise ChangedError
        return block

    def _line_after(self, at: int) -> int:
        """Where the first line begins that begins after `at`."""
        while at < self.end:
            block = self._read(LINE, at)
            found = block.find(b"\n")
            if found >= 0:
                return at + found + 1
            at += len(block)
        return self.end

    def _line_at(self, at: int, known: bytes = b"") -> bytes:
        """The element that begins at `at`."""
        line, size = known, max(LINE, 2 * len(known))
        while True:
            found = line.find(b"\n")
            if found >= 0:
                return line[:found].removesuffix(b",")
            if at + len(line) >= self.end:
                return line[: self.end - at]
            more, size = self._read(size, at), size * 2
            if len(more) <= len(line):
                raise ChangedError
            line = more


def _id_of(line: bytes) -> bytes:
    """The id that an element is of, as it is sorted by."""
    found = id_of(line)
    if found is None:
        raise ChangedError
    return found
