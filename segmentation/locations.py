"""Locations as users write them: local paths, and URIs of other file systems."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

# Endings of compressed files; those that only Hadoop's codecs read.
HADOOP_ONLY = (".deflate", ".snappy", ".lz4", ".zst")
COMPRESSED = (".gz", ".bz2", *HADOOP_ONLY)
# The folder that makes a folder of Parquet a Delta table.
DELTA_LOG = "_delta_log"


def local_path(location: str) -> Path | None:
    """The local path that `location` stands for, None if it is on another file system."""
    scheme = re.match("([A-Za-z][A-Za-z0-9+.-]+):", location)
    if scheme is None:
        return Path(location)
    return Path(re.sub("^file:/+", "/", location)) if scheme[1] == "file" else None


def absolute(location: str) -> str:
    """A local path from the root on, whatever it counts from; a location elsewhere as it is."""
    local = local_path(location)
    return location if local is None else os.path.abspath(local)  # noqa: PTH100 - a link stays what it is


def join(location: str, *names: str) -> str:
    """`location` with further path components; works for local paths and URIs."""
    return "/".join((location.rstrip("/") or "/", *names))


def last_name(location: str) -> str:
    """The last path component."""
    return location.rsplit("/", 1)[-1]


def is_inside(location: str, folder: str) -> bool:
    """Is `location` the folder or below it? Links of local paths are followed."""
    one, other = (_resolved(each) for each in (location, folder))
    return one == other or one.startswith(other.rstrip("/") + "/")


def _resolved(location: str) -> str:
    local = local_path(location)
    return str(local.resolve()) if local else location.rstrip("/")


def is_hidden(name: str) -> bool:
    """Is a file or directory of this name no input? Spark passes over it, even where it is named outright."""
    return name.startswith((".", "_")) or name.endswith("._COPYING_")


def one_form(uri: str) -> str:
    """Hadoop writes local files as ``file:/x`` here and ``file:///x`` there."""
    return re.sub("^file:/+", "file:///", uri)


def readable(uri: str) -> str:
    """A local file as its path, everything else as it is."""
    return re.sub("^file:(//)?(?=/)", "", unquote(uri))


def literally(path: str) -> str:
    """`path` for whoever takes special characters for a glob."""
    return "".join(f"\\{mark}" if mark in "{}[]*?\\" else mark for mark in path)


def text_size(path: str, size: int) -> int:
    """Bytes of text in a file of `size` bytes; CSV compresses to about a fifth, and Parquet is compressed as a rule."""
    return size * (5 if path.endswith((*COMPRESSED, ".parquet")) else 1)
