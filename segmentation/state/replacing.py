"""Let what a backup holds take the place of an output.

It is copied to a hidden folder of the output first, and that gets another name when all of it is there: this decides.
From then on everything is moved to its place, by whoever comes next if this process dies; no step minds being
repeated. Until then, nothing is touched that readers see.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from segmentation.errors import ConfigError, SegmentationError
from segmentation.locations import last_name
from segmentation.state.backup import MANIFEST, Manifest, copied, manifest_of, sync
from segmentation.state.output import Output

COPYING, DECIDED, REPLACED = ".restoring", ".restored", ".replaced"
# In a folder that has not taken its place yet.
NEW = ".new"
AT_WORKING_DIRECTORY, EXCHANGE = -100, 2


def stage(backup: Path, output: Output) -> Manifest:
    """Copy a backup into an output, out of sight, and decide that it takes its place.

    Raises:
        ConfigError: it is not as it was made.
        SegmentationError: it cannot be read, or there is no room.
    """
    manifest = manifest_of(backup)
    _refuse([name for name in manifest.files if not (backup / name).is_file()], backup, "is missing")
    assert output.local is not None  # others are refused
    hidden = output.local / COPYING
    shutil.rmtree(hidden, ignore_errors=True)
    try:
        found = copied(backup, hidden, manifest.files)
        _refuse([name for name in found if found[name] != manifest.files[name]], backup, "is another one")
        for folder in _folders(hidden):
            (folder / NEW).touch()
        manifest.write(hidden)
        sync(hidden)
    except OSError as error:
        shutil.rmtree(hidden, ignore_errors=True)
        raise SegmentationError(
            f"{backup} cannot be copied to {output.root}: {error.strerror or error} ({error.filename}). What was "
            "published there is as it was. Mend it, and restore again."
        ) from error
    except ConfigError:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    hidden.rename(output.local / DECIDED)
    sync(output.local)
    return manifest


def finish_replacing(output: Output) -> bool:
    """Let a backup that is wholly here take its place; was there one?"""
    assert output.local is not None  # others are refused
    decided, replaced = output.local / DECIDED, output.local / REPLACED
    shutil.rmtree(replaced, ignore_errors=True)
    shutil.rmtree(output.local / COPYING, ignore_errors=True)
    if not decided.is_dir():
        return False
    manifest = manifest_of(decided)
    # Of a run that died, and that what comes knows nothing of.
    shutil.rmtree(output.staging, ignore_errors=True)
    for entry in sorted(decided.iterdir(), key=lambda entry: not entry.is_dir()):
        if entry.name != MANIFEST:
            _place(entry, output.local / entry.name, is_log=entry.name == _name(output.log_file))
    for name in set(_of_a_publication(output)) - set(manifest.files):
        (output.local / name).unlink(missing_ok=True)
    for folder in _folders(output.local):
        (folder / NEW).unlink(missing_ok=True)
    decided.rename(replaced)
    shutil.rmtree(replaced, ignore_errors=True)
    return True


def _refuse(names: Sequence[str], backup: Path, what: str) -> None:
    if names:
        raise ConfigError(
            f"{backup} is not as it was made: {names[0]} {what}, one of {len(names)}. What was published is as it was. "
            "Copy the backup once more from where it lies, or take another one."
        )


def _place(entry: Path, target: Path, *, is_log: bool) -> None:
    if entry.is_dir():
        # Else it is what was there before.
        if (entry / NEW).exists():
            _exchange(entry, target) if target.exists() else entry.rename(target)
    elif not (is_log and target.exists()):
        # What happened here is not undone by what happened elsewhere.
        entry.replace(target)


def _exchange(one: Path, other: Path) -> None:
    """Let two folders take each other's place, in one step where the system can."""
    call = getattr(ctypes.CDLL(None), "renameat2", None)
    names = AT_WORKING_DIRECTORY, os.fsencode(one), AT_WORKING_DIRECTORY, os.fsencode(other), EXCHANGE
    if call is None or call(*names) != 0:
        other.rename(one.with_name(f"{one.name}.before"))
        one.rename(other)


def _folders(root: Path) -> Iterator[Path]:
    return (entry for entry in root.iterdir() if entry.is_dir())


def _of_a_publication(output: Output) -> Iterator[str]:
    """What speaks of one publication, and would be wrong beside another."""
    files = (output.json_file, output.changes_file, output.report_file, output.report_text, output.sales_file)
    return (last_name(str(file)) for file in (*files, output.status_file))


def _name(file: Path | None) -> str:
    return last_name(str(file))
