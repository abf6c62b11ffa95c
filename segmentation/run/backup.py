"""A copy of what is published, and the way back from it."""

from __future__ import annotations

import shutil
import uuid
from datetime import UTC, datetime
from pathlib import Path

from segmentation.config import SegmentationConfig
from segmentation.errors import ConfigError, SegmentationError
from segmentation.locations import is_inside, local_path
from segmentation.run.exports import published
from segmentation.run.held import at_work, held
from segmentation.run.restoring import append_restore
from segmentation.state.backup import Manifest, copied, manifest_of, names_in, sync
from segmentation.state.output import Output
from segmentation.state.replacing import finish_replacing, stage

ELSEWHERE = (
    "is not on this machine: copy it with the tools of its store while no run is at work. `restore --to-run` and "
    "`export` work there"
)


def back_up(config: SegmentationConfig, to: str) -> Manifest:
    """Copy one publication with everything that belongs to it, while no run is at work.

    Args:
        config: the output, and the engine.
        to: a folder that is not there. It is complete or not there.

    Raises:
        ConfigError: nothing is published there, it is not on this machine, or the folder is none to write to.
        DamagedOutputError: what is published is not whole.
        SegmentationError: there is no room.
    """
    output = Output.of(config)
    target = _local(to, "--to")
    root = _local(output.root, "--output-dir")
    if target.exists():
        raise ConfigError(f"{target} is there already. Name another folder, or remove it.")
    if is_inside(str(target), output.root):
        raise ConfigError(f"--to: {target} lies inside the output {output.root}. Name a folder elsewhere.")
    with held(config) as (engine, output):
        said = published(engine, output).said
        return _written(output, root, target, said["run_id"], str(said.get("as_of", "")))


def restore_from(config: SegmentationConfig, place: str) -> Manifest:
    """Let a backup take the place of an output, or make one; what was there is readable until all of it is here.

    Args:
        config: the output, and the engine.
        place: what `back_up` made.

    Raises:
        ConfigError: it is no backup, not as it was made, or the output is not on this machine.
        OutputBusyError: a run is at work.
        SegmentationError: there is no room.
    """
    output, backup, started_at = Output.of(config), _local(place, "--from"), datetime.now(UTC)
    _local(output.root, "--output-dir")
    manifest_of(backup)
    if is_inside(str(backup), output.root) or is_inside(output.root, str(backup)):
        raise ConfigError(f"--from: {backup} and the output {output.root} lie in each other. Copy it elsewhere.")
    output.create()
    with output.locked():
        finish_replacing(output)
        manifest = stage(backup, output)
        finish_replacing(output)
        with at_work(config, output) as engine:
            said, what = published(engine, output).said, f"the backup {backup} of {manifest.made_at} is restored"
            append_restore(engine, output, config, said, started_at, what)
    return manifest


def _written(output: Output, root: Path, target: Path, run_id: str, as_of: str) -> Manifest:
    hidden = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        names = names_in(output, root)
        manifest = Manifest(run_id, as_of, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", copied(root, hidden, names))
        manifest.write(hidden)
        sync(hidden)
        hidden.rename(target)
        sync(target.parent)
    except OSError as error:
        raise SegmentationError(
            f"The backup {target} cannot be written: {error.strerror or error} ({error.filename}). Nothing is there, "
            "and what is published is as it was. Make room, or name another folder."
        ) from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return manifest


def _local(place: str, option: str) -> Path:
    found = local_path(place)
    if found is None:
        raise ConfigError(f"{option}: {place} {ELSEWHERE} (docs/recovery.md).")
    return found.absolute()
