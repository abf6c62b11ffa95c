"""What an incremental run has taken in: files and tables, and how to see that they are what they were."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from segmentation.engines.base import StoredFile
from segmentation.locations import local_path, readable

# A file that was written so shortly before it was looked at may be written again without getting another time.
YOUNG = 2_000_000_000


@dataclass(frozen=True)
class Unit:
    """A file, or all that a table or collection holds.

    Attributes:
        name: its URI, as in ``source``.
        path: the argument of the run that named it.
        size: bytes; -1 for a table or collection.
        modified: when it was written last, in nanoseconds.
        changed: when anything of it changed, which nobody can set; 0 where the file system does not tell.
        digest: of its content, None where it cannot be told.
    """

    name: str
    path: str
    size: int = -1
    modified: int = 0
    changed: int = 0
    digest: str | None = None

    @classmethod
    def of_file(cls, file: StoredFile, path: str) -> Unit:
        """A file as it is listed, without a look at its content."""
        local = local_path(file.path)
        changed = Path(local).stat().st_ctime_ns if local else 0
        return cls(file.uri, path, file.size, file.modified, changed)

    def is_as_it_was(self, before: Unit, taken_in: int) -> bool:
        """Is it the same as when it was taken in, at a time in nanoseconds? Its content says so where times do not."""
        if self.size < 0:
            return self.digest is not None and self.digest == before.digest
        same_times = (self.size, self.modified, self.changed) == (before.size, before.modified, before.changed)
        is_old = self.changed and max(self.modified, self.changed) < taken_in - YOUNG
        if same_times and (is_old or not self.changed):
            return True
        return self.size == before.size and before.digest is not None and self.digest_now() == before.digest

    def digest_now(self) -> str | None:
        """Of the content of a local file, as it is."""
        return _digest(Path(readable(self.name))) if self.changed else None

    def with_digest(self) -> Unit:
        """The same, its content looked at where it is a local file."""
        return self if self.digest is not None else replace(self, digest=self.digest_now())

    def as_json(self) -> list[Any]:
        """A list of its attributes."""
        return [self.name, self.path, self.size, self.modified, self.changed, self.digest]


def fingerprint_of(files: Sequence[StoredFile]) -> str:
    """Of the names, sizes and times of files that make a table."""
    listed = sorted(f"{file.uri}\0{file.size}\0{file.modified}" for file in files)
    return hashlib.blake2b("\n".join(listed).encode()).hexdigest()[:32]


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "blake2b").hexdigest()[:32]
