"""Local files: which ones a name, a directory or a glob stands for, without an engine."""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
import re
import shutil
import stat
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from segmentation.errors import SourceError
from segmentation.locations import is_hidden, local_path

KINDS: Mapping[Callable[[int], bool], str] = {
    stat.S_ISFIFO: "a pipe",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
    stat.S_ISSOCK: "a socket",
}
MAGIC = re.compile(r"(?<!\\)[*?\[]")


def local_files(pattern: str) -> list[Path]:
    """Every file that a local name, directory or glob stands for, absolute, by path, as Hadoop lists them.

    Directories are searched to any depth, links followed; hidden files and directories are left out, unless they are
    named outright. A name that exists is taken literally even if it looks like a glob; ``{a,b}`` are alternatives.

    Raises:
        SourceError: a directory cannot be looked into, a link leads nowhere, or what is there is no regular file.
    """
    # Not resolved: a file is known by the name that it was found by.
    absolute = os.path.abspath(pattern)  # noqa: PTH100
    try:
        roots = [absolute] if _exists(absolute) else [one for one in _globbed(absolute) if not _is_hidden(one)]
        found = sorted({file for root in roots for file in _below(root)})
        for file in found:
            _see(file)
    except OSError as error:
        raise SourceError(
            f"{error.filename} cannot be read: {error.strerror}. Check --csv-path, permissions, and where links lead."
        ) from error
    return [Path(file) for file in found]


@contextmanager
def whole_or_not_at_all(target: Path) -> Iterator[Path]:
    """A hidden file beside `target`, which takes its place when the block ends well, and else is removed.

    Raises:
        OSError: it cannot be written.
    """
    hidden = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        yield hidden
        hidden.replace(target)
    finally:
        with suppress(OSError):
            hidden.unlink(missing_ok=True)


def outlast(folder: str) -> None:
    """Remove a folder into which an engine that was interrupted may still write for a moment after its end."""
    for _ in range(5):
        time.sleep(0.05)
        shutil.rmtree(folder, ignore_errors=True)


def folders_read(locations: Sequence[str]) -> Iterator[str]:
    """The folders among what locations stand for; one on another file system may be a folder."""
    for location in locations:
        local = local_path(location)
        if local is None:
            yield location
            continue
        absolute = os.path.abspath(local)  # noqa: PTH100
        # Whoever reads the files reports what cannot be looked into.
        with suppress(OSError):
            roots = [absolute] if _exists(absolute) else _globbed(absolute)
            yield from (root for root in roots if os.path.isdir(root))  # noqa: PTH112


def _see(file: str) -> None:
    mode = os.stat(file).st_mode  # noqa: PTH116
    if not stat.S_ISREG(mode):
        kind = next((name for is_one, name in KINDS.items() if is_one(mode)), "something else")
        raise SourceError(f"{file} is no regular file but {kind}. Write what it gives to a file, and name that.")
    if not os.access(file, os.R_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), file)


def _exists(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _is_hidden(path: str) -> bool:
    return is_hidden(os.path.basename(path))  # noqa: PTH119


def _globbed(pattern: str) -> Iterator[str]:
    for one in alternatives(pattern):
        root, *parts = Path(one).parts
        yield from _matching(root, parts)


def _matching(folder: str, parts: Sequence[str]) -> Iterator[str]:
    """What is below `folder` and matches `parts`; unlike Python's glob, a folder that cannot be listed is an error."""
    if not parts:
        yield folder
        return
    part, *others = parts
    if not MAGIC.search(part):
        path = os.path.join(folder, re.sub(r"\\(.)", r"\1", part))  # noqa: PTH118
        if _exists(path):
            yield from _matching(path, others)
    elif os.path.isdir(folder):  # noqa: PTH112
        # Hadoop escapes with a backslash and negates with ^.
        wanted = re.sub(r"\\(.)", lambda found: glob.escape(found[1]), part).replace("[^", "[!")
        for name in fnmatch.filter(os.listdir(folder), wanted):  # noqa: PTH208
            yield from _matching(os.path.join(folder, name), others)  # noqa: PTH118


def alternatives(pattern: str) -> list[str]:
    """The globs that one with ``{a,b}`` stands for."""
    found = re.search(r"(?<!\\)\{([^{}]*)\}", pattern)
    if not found:
        return [pattern]
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [one for option in found[1].split(",") for one in alternatives(before + option + after)]


def _below(root: str) -> Iterator[str]:
    if not os.path.isdir(root):  # noqa: PTH112
        yield root
        return
    # Links may lead to folders above, or to each other.
    seen = {os.path.realpath(root)}
    for folder, folders, names in os.walk(root, onerror=_raise, followlinks=True):
        folders[:] = [name for name in sorted(folders) if not is_hidden(name) and _is_new(folder, name, seen)]
        yield from (os.path.join(folder, name) for name in names if not is_hidden(name))  # noqa: PTH118


def _is_new(folder: str, name: str, seen: set[str]) -> bool:
    target = os.path.realpath(os.path.join(folder, name))  # noqa: PTH118
    if target in seen:
        return False
    seen.add(target)
    return True


def _raise(error: OSError) -> None:
    raise error
