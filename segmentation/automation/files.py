"""Files and folders that ask for a run when they change."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.errors import ConfigError, install
from segmentation.local_files import MAGIC, alternatives
from segmentation.locations import is_hidden, local_path

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

# Not those that only say that somebody reads.
CHANGES = ("created", "modified", "moved", "deleted", "closed")


def observer_of(
    locations: Sequence[str], output: str, changed: Callable[[str], None], poll_seconds: float | None
) -> BaseObserver:
    """Watch local files and folders; not started yet.

    Args:
        locations: files, folders and globs.
        output: what changes in there is our own doing.
        changed: told the path of what changed.
        poll_seconds: look so often, for file systems that tell nothing (network shares); None to be told by the system.

    Raises:
        ConfigError: a folder is not there or not on this machine, or the library is not installed.
    """
    try:
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer
        from watchdog.observers.polling import PollingObserver
    except ImportError as error:
        raise ConfigError(f"Watching files needs {error.name}: {install('automation')}.") from error

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            paths = [str(path) for path in (event.src_path, event.dest_path) if path]
            if event.event_type in CHANGES and not event.is_directory:
                for path in paths:
                    if any(matches(path) for matches in wanted) and not _is_ours(path, output):
                        changed(path)

    wanted = [_matcher(location) for location in locations]
    observer = PollingObserver(timeout=poll_seconds) if poll_seconds else Observer()
    below = {folder_of(location): is_deep(location) for location in sorted(locations, key=is_deep)}
    for folder, deep in below.items():
        observer.schedule(Handler(), str(folder), recursive=deep)
    return observer


def is_deep(location: str) -> bool:
    """Can files below the folder's own count?"""
    return Path(location).is_dir() or MAGIC.search(location) is not None


def _matcher(location: str) -> Callable[[str], bool]:
    """Is a path one of a location? For globs, it may also say yes to one that a closer look leaves out."""
    local = Path(local_path(location) or location).absolute()
    if local.is_dir():
        return lambda path: _in_sight(Path(path), local)
    if not MAGIC.search(str(local)):
        return lambda path: Path(path) == local
    patterns = [one for plain in alternatives(str(local)) for one in (plain, f"{plain}/*")]
    root = folder_of(location)
    return lambda path: _in_sight(Path(path), root) and any(fnmatch.fnmatchcase(path, one) for one in patterns)


def _in_sight(path: Path, root: Path) -> bool:
    return path.is_relative_to(root) and not any(map(is_hidden, path.relative_to(root).parts))


def _is_ours(path: str, output: str) -> bool:
    return Path(path).resolve().is_relative_to(Path(output).resolve())


def folder_of(location: str) -> Path:
    """The folder in which a file, a folder or what a glob stands for changes.

    Raises:
        ConfigError: it is not there, or not on this machine.
    """
    local = local_path(location)
    if local is None:
        raise ConfigError(f"{location} is not on this machine: watch by time, with --check, and leave out --files.")
    folder = next(Path(one) for one in alternatives(str(local.absolute())))
    while not folder.is_dir():
        if MAGIC.search(folder.name) is None and folder != local.absolute():
            raise ConfigError(f"the folder {folder} is to be watched and is not there: make it first.")
        folder = folder.parent
    return folder
