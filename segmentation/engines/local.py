"""Files of this machine, whichever engine computes: list, look into, move."""

from __future__ import annotations

import bz2
import gzip
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from segmentation.engines.stores import StoredFile
from segmentation.errors import SourceError
from segmentation.local_files import local_files
from segmentation.locations import local_path

OPENERS: Mapping[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open}


class LocalFiles:
    """The disks of this machine, see `stores.Files`."""

    def files(self, pattern: str) -> list[StoredFile]:
        """Every file that a name, a directory or a glob stands for, by path."""
        return [_stored(path) for path in local_files(str(_local(pattern)))]

    def head(self, location: str, size: int) -> bytes:
        """The first bytes, decompressed by the file's ending."""
        with opened(location) as stream:
            return stream.read(size)

    def exists(self, location: str) -> bool:
        """Is there a file or a directory?"""
        return _local(location).exists()

    def delete(self, location: str) -> None:
        """Remove a file or a whole directory; fine if it is not there."""
        path = _local(location)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def replace(self, source: str, target: str) -> None:
        """Move `source` over `target` in one step."""
        _local(source).replace(_local(target))


def _stored(path: Path) -> StoredFile:
    found = path.stat()
    return StoredFile(str(path), path.as_uri(), found.st_size, found.st_mtime_ns)


def _local(location: str) -> Path:
    path = local_path(location)
    assert path is not None  # `choose` leaves other file systems to Spark
    return path


@contextmanager
def opened(location: str) -> Iterator[BinaryIO]:
    """The bytes of a file, decompressed by its ending.

    Raises:
        SourceError: it cannot be read, or not to its end.
    """
    path = _local(location)
    try:
        with OPENERS.get(path.suffix, Path.open)(path, "rb") as stream:
            yield stream
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(
            f"{path} could not be read to its end ({reason}). Nothing was published; check that the file is whole and "
            "readable."
        ) from error
