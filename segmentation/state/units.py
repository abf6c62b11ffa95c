"""What an incremental run has taken in: files and tables, and how to see that they are what they were."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from segmentation.engines.stores import StoredFile
from segmentation.errors import SourceError
from segmentation.locations import local_path, readable

# A file that was written so shortly before it was looked at may be written again without getting another time.
YOUNG = 2_000_000_000


@dataclass(frozen=True)
class Unit:
    """A file, or all that a table or collection holds.

    Attributes:
        name: its URI, as in ``source``.
        real: the same for all names of one file.
        size: bytes; -1 for a table or collection.
        modified: when it was written last, in nanoseconds.
        changed: when anything of it changed, which nobody can set; 0 where the file system does not tell.
        seen: when it was looked at, in nanoseconds.
        digest: of its content, None where it cannot be told.
    """

    name: str
    real: str
    size: int = -1
    modified: int = 0
    changed: int = 0
    seen: int = 0
    digest: str | None = None

    @classmethod
    def of_file(cls, file: StoredFile, real: str, seen: int) -> Unit:
        """A file as it is listed, without a look at its content.

        Raises:
            SourceError: it is gone since.
        """
        local = local_path(file.path)
        try:
            changed = Path(local).stat().st_ctime_ns if local else 0
        except OSError as error:
            raise SourceError(
                f"{readable(file.uri)} went away while it was looked at ({error.strerror}). Run again."
            ) from error
        return cls(file.uri, real, file.size, file.modified, changed, seen)

    def is_as_it_was(self, before: Unit) -> bool:
        """Is it the same as when it was taken in? Its content says so where times do not."""
        if self.size < 0:
            return self.digest is not None and self.digest == before.digest
        same_times = (self.size, self.modified, self.changed) == (before.size, before.modified, before.changed)
        is_old = self.changed and max(self.modified, self.changed) < before.seen - YOUNG
        if same_times and (is_old or not self.changed):
            return True
        return self.size == before.size and before.digest is not None and self.digest_now() == before.digest

    @property
    def local(self) -> Path | None:
        """The file, where it is one of this machine; its name may have any bytes."""
        is_local = self.size >= 0 and self.name.startswith("file:///")
        return Path(os.fsdecode(unquote_to_bytes(self.name.removeprefix("file://")))) if is_local else None

    def digest_now(self) -> str | None:
        """Of the content of a local file, as it is."""
        return _digest(self.local) if self.local else None

    def with_digest(self) -> Unit:
        """The same, its content looked at where it is a local file."""
        return self if self.digest is not None else replace(self, digest=self.digest_now())

    def as_json(self) -> list[Any]:
        """A list of its attributes."""
        return list(astuple(self))


def fingerprint_of(files: Sequence[StoredFile]) -> str:
    """Of the names, sizes and times of files that make a table."""
    listed = sorted(f"{file.uri}\0{file.size}\0{file.modified}" for file in files)
    return hashlib.blake2b("\n".join(listed).encode()).hexdigest()[:32]


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "blake2b").hexdigest()[:32]
