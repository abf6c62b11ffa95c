"""Local files: which ones a name, a directory or a glob stands for, without an engine."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from segmentation.locations import is_hidden, local_path


def local_files(pattern: str) -> list[Path]:
    """Every file that a local name, directory or glob stands for, by path, as Hadoop lists them.

    Directories are searched to any depth, links followed; hidden files and directories are left out, unless they are
    named outright. A name that exists is taken literally even if it looks like a glob; ``{a,b}`` are alternatives.
    """
    path = Path(pattern)
    roots = [path] if path.exists() else [Path(found) for found in _globbed(pattern) if not is_hidden(Path(found).name)]
    return sorted({file for root in roots for file in _below(root)})


def local_size(paths: Sequence[str]) -> int | None:
    """Bytes to read, None where a place is not local or nothing is there."""
    places = [local_path(path) for path in paths]
    if not all(places):
        return None
    files = [file for place in places for file in local_files(str(place))]
    return sum(file.stat().st_size for file in files) if files else None


def _globbed(pattern: str) -> Iterator[str]:
    for one in _alternatives(pattern):
        # Hadoop escapes with a backslash and negates with ^.
        escaped = re.sub(r"\\(.)", lambda found: glob.escape(found[1]), one).replace("[^", "[!")
        yield from glob.glob(escaped)  # noqa: PTH207 - Path.glob takes no absolute pattern


def _alternatives(pattern: str) -> list[str]:
    found = re.search(r"(?<!\\)\{([^{}]*)\}", pattern)
    if not found:
        return [pattern]
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [one for option in found[1].split(",") for one in _alternatives(before + option + after)]


def _below(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        yield root
        return
    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        # A link to a folder above would never end.
        identity = Path(folder).resolve()
        folders[:] = [] if identity in seen else [name for name in folders if not is_hidden(name)]
        if identity not in seen:
            yield from (Path(folder, name) for name in names if not is_hidden(name))
        seen.add(identity)
