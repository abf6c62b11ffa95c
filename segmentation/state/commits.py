"""What the commits of a Delta table say of themselves, read from its log, whichever engine wrote it.

Every commit of a run carries the run's id. The newest commit of the customers decides what is published; whatever
another table holds beyond it was left by a run that died, and is taken back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from segmentation.engines.stores import Files, StoredFile
from segmentation.locations import DELTA_LOG, join, last_name, literally

# Who only asks whether a run is due needs neither.
if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.engines.base import Engine

# The names of commits, checkpoints and checksums begin with it.
VERSION_OF = re.compile(r"\.?(\d{20})\.")


class Commit(NamedTuple):
    """One version of a table: its number, when it was made (milliseconds), and what its run said of it."""

    version: int
    at: int
    said: Mapping[str, Any]


def commits(files: Files, table: str) -> Iterator[Commit]:
    """The commits that runs made and that hold, the newest first, as far back as the log is kept.

    Others (maintenance, constraints) are passed over, and so is what was taken back by a restore. A publication that
    somebody has gone back to stands where that was done; what was published in between does not hold.
    """
    return _walk(files, table, rolled_back=False)


def publications(files: Files, table: str) -> Iterator[Commit]:
    """All that was published once, the last first: what somebody has gone back from as well."""
    return _walk(files, table, rolled_back=True)


def _walk(files: Files, table: str, *, rolled_back: bool) -> Iterator[Commit]:
    by_version, newer = _log(files, table), None
    version = max(by_version, default=-1)
    while version in by_version:
        info, said = _told(files, by_version[version])
        # A version that was gone back to, or written anew by housekeeping, is of the same run.
        if said.get("run_id", newer) != newer:
            yield Commit(version, int(info.get("timestamp", 0)), said)
            newer = said["run_id"]
        restored = _restored(info)
        version = version - 1 if restored is None or (rolled_back and "run_id" in said) else restored


def version_of(files: Files, table: str, run_id: str) -> int | None:
    """The newest version of a table that is as a run left it, None where none is known."""
    left: dict[int, str | None] = {}
    for version, file in sorted(_log(files, table).items()):
        info, said = _told(files, file)
        restored = _restored(info)
        left[version] = said.get("run_id", left.get(version - 1 if restored is None else restored))
    return max((version for version, writer in left.items() if writer == run_id), default=None)


def run_ids(files: Files, table: str) -> set[str]:
    """The runs that committed to a table and are in its log, whether that holds or not."""
    every = (_told(files, file)[1].get("run_id") for file in _log(files, table).values())
    return {run_id for run_id in every if run_id}


def rows_of(engine: Engine, table: str) -> DataFrame:
    """The rows of a table as it is now, whatever is written to it later."""
    return engine.tables.read(table, newest_version(engine.files, table))


def published_rows(engine: Engine, table: str, said: Mapping[str, Any]) -> DataFrame:
    """The rows of a table as a publication left them; a run that is at work, or died, may have added to it since.

    Args:
        engine: reads.
        table: one that runs write to.
        said: what the commit of the customers says: which run wrote to the table last.
    """
    return engine.tables.read(table, published_version(engine.files, table, said))


def published_version(files: Files, table: str, said: Mapping[str, Any]) -> int:
    """The version of a table of which `published_rows` gives the rows."""
    newest = version = newest_version(files, table)
    writer = said.get("tables", {}).get(last_name(table))
    for commit in commits(files, table) if writer else ():
        if commit.said["run_id"] == writer:
            return version
        version = commit.version - 1
    return newest


def newest_version(files: Files, table: str) -> int:
    """The version of a table as it is now."""
    return max(_log(files, table))


def last_commit(files: Files, table: str) -> Commit | None:
    """The newest of `commits`."""
    return next(commits(files, table), None)


def withdraw(engine: Engine, table: str, run_id: str) -> None:
    """Take back what a run committed to a table last, if it did: the version before is current again."""
    newest = last_commit(engine.files, table)
    if newest and newest.said["run_id"] == run_id:
        engine.tables.restore(table, newest.version - 1)


def forget(files: Files, table: str) -> None:
    """Remove the log before the last commit of a run, where a checkpoint holds all that is newer.

    What a commit says of its files holds values of their rows. Versions before cannot be read any more.
    """
    every = files.files(join(table, DELTA_LOG))
    versions = {file.path: VERSION_OF.match(last_name(file.path)) for file in every}
    newest = last_commit(files, table)
    first = newest.version if newest else max((int(found[1]) for found in versions.values() if found), default=0)
    for path, found in versions.items():
        if found and int(found[1]) < first:
            files.delete(path)


def _log(files: Files, table: str) -> dict[int, StoredFile]:
    """The commits of a table by version."""
    found = files.files(join(literally(table), DELTA_LOG, "*.json"))
    return {int(name): file for file in found if (name := last_name(file.path)[:-5]).isdigit()}


def _told(files: Files, file: StoredFile) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What Delta says of a commit, and what its run says."""
    info = _info(files.head(file.path, file.size))
    return info, _said(info.get("userMetadata"))


def _restored(info: Mapping[str, Any]) -> int | None:
    """The version that a commit made current again, None where it is no restore."""
    return int(info["operationParameters"]["version"]) if info.get("operation") == "RESTORE" else None


def _info(text: bytes) -> Mapping[str, Any]:
    lines = (line for line in text.splitlines() if line.lstrip().startswith(b'{"commitInfo"'))
    info: Mapping[str, Any] = json.loads(next(lines, b'{"commitInfo": {}}'))["commitInfo"]
    return info


def _said(text: str | None) -> Mapping[str, Any]:
    """Whoever else wrote to the table may have said anything."""
    try:
        said = json.loads(text or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
