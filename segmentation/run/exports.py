"""The JSON of a publication, written anew from its tables."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.engines.base import Engine
from segmentation.errors import ConfigError
from segmentation.local_files import whole_or_not_at_all
from segmentation.locations import DELTA_LOG, join, local_path
from segmentation.run.held import OWN, held
from segmentation.run.publication import CHANGES, EXPORT
from segmentation.schemas import CUSTOMER_ID
from segmentation.sinks.json_export import stage_json
from segmentation.state.commits import Commit, last_commit, rows_of
from segmentation.state.output import Output


def export(config: SegmentationConfig, to: str | None) -> tuple[str, str]:
    """Write the JSON of what is published: in its place with that of the changes, or elsewhere, alone.

    Args:
        config: the output, and the engine.
        to: a file of this machine that is not there, None for the place of the export.

    Returns:
        The file, and the run that published.

    Raises:
        ConfigError: nothing is published, or the file cannot be written.
        DamagedOutputError: the tables are not whole.
    """
    target = None if to is None else _free(to, Output.of(config))
    with held(config) as (engine, output):
        said = told(published(engine, output)).said
        if target is None:
            publish_exports(engine, output, said)
        else:
            _export_to(target, engine, output, said)
        return str(target or output.named(said).json_file), said["run_id"]


def published(engine: Engine, output: Output) -> Commit:
    """The publication that holds.

    Raises:
        ConfigError: there is none.
    """
    newest = last_commit(engine.files, output.segments)
    if newest is None:
        raise ConfigError(
            f"{output.root} holds no table of customers. Check --output-dir and --config. If it was lost: "
            "`segmentation restore --from BACKUP`, or, where there is no backup, a run with --force."
        )
    return newest


def told(commit: Commit) -> Commit:
    """The commit, if it says what its publication is made of.

    Raises:
        ConfigError: an earlier version of the program made it.
    """
    if {"dimensions", "as_of"} - set(commit.said):
        raise ConfigError(
            f"Run {commit.said['run_id']} was one of an earlier version of the program, which did not record what this "
            "needs. Run once; from then on it is recorded."
        )
    return commit


def stage_exports(engine: Engine, output: Output, customers: DataFrame, said: Mapping[str, Any], folder: str) -> None:
    """Write both exports of a publication in full to `folder`, out of sight.

    Args:
        engine: writes.
        output: what was published.
        customers: of the publication.
        said: by its commit.
        folder: for them.
    """
    names = said["dimensions"]
    stage_json(engine, customers, customers.count(), names, folder, EXPORT)
    changed = customers.limit(0)
    if engine.files.exists(join(output.changes, DELTA_LOG)):
        ids = rows_of(engine, output.changes).where(F.col("run_id") == said["run_id"]).select(CUSTOMER_ID)
        changed = customers.join(ids, on=CUSTOMER_ID, how="left_semi")
    stage_json(engine, changed, changed.count(), names, folder, CHANGES)


def publish_exports(engine: Engine, output: Output, said: Mapping[str, Any]) -> None:
    """Both exports of what is published from the tables, in the form that its run gave them."""
    folder, then = join(output.staging, OWN), output.named(said)
    stage_exports(engine, output, rows_of(engine, output.segments), said, folder)
    engine.files.replace(join(folder, EXPORT), then.json_file)
    engine.files.replace(join(folder, CHANGES), then.changes_file)
    engine.files.delete(output.staging)


def _export_to(target: Path, engine: Engine, output: Output, said: Mapping[str, Any]) -> None:
    every, folder = rows_of(engine, output.segments), join(output.staging, OWN)
    stage_json(engine, every, every.count(), said["dimensions"], folder, EXPORT)
    try:
        with whole_or_not_at_all(target) as hidden:
            shutil.copyfile(join(folder, EXPORT), hidden)
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror or error}. Nothing is there.") from error
    finally:
        engine.files.delete(output.staging)


def _free(to: str, output: Output) -> Path:
    target = local_path(to)
    if target is None or output.local is None:
        raise ConfigError(
            f"--to writes a file of this machine from an output of this machine, found {to} and {output.root}. Leave "
            "it out, and copy the export from where it lies."
        )
    if target.exists():
        raise ConfigError(f"{target} is there already. Name another file, or remove it.")
    return target
