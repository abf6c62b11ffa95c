"""Going back to what an earlier run has published.

The customers go back to the version of that run in one commit, which decides and says what the run said. What the
labels change by it is committed before, as a run's changes are; the JSON takes its place after it, and then what
incremental runs go on from is brought back: by `repair`, which finishes it as well if this process dies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.changes import Cause, by_dimension, relabelled
from segmentation.core.quality import only_row
from segmentation.engines.base import Engine
from segmentation.errors import ConfigError
from segmentation.locations import join, last_name
from segmentation.run.exports import publish_exports, published, stage_exports, told
from segmentation.run.held import held
from segmentation.run.publication import Publication, Write
from segmentation.run.record import new_run_id
from segmentation.run.repair import repair
from segmentation.run.reporter import Reporter
from segmentation.state import tables
from segmentation.state.commits import Commit, publications, rows_of, version_of
from segmentation.state.output import Output

SHOWN = 10


def restore_to_run(config: SegmentationConfig, run_id: str) -> Mapping[str, Any]:
    """Publish once more what a run has published: customers, exports, and what incremental runs go on from.

    Args:
        config: the output, and the engine.
        run_id: the run.

    Returns:
        What the commit of the customers says now.

    Raises:
        ConfigError: it has published nothing that is kept.
        DamagedOutputError: the tables are not whole.
        OutputBusyError: a run is at work.
    """
    started_at = datetime.now(UTC)
    own = new_run_id(started_at)
    with held(config) as (engine, output):
        now, wanted = published(engine, output), _wanted(engine, output, run_id)
        if now.said["run_id"] == run_id:
            publish_exports(engine, output, now.said)
            return now.said
        version = version_of(engine.files, output.segments, run_id)
        assert version is not None  # it was found in the same log
        customers = _readable(engine, output, version, run_id)
        for file in (output.report_file, output.report_text):
            engine.files.delete(file)
        said = _restored(engine, output.named(wanted.said), customers, version, (now, wanted), own, started_at)
        repair(engine, output)
        what = f"back from run {now.said['run_id']} to run {run_id}"
        append_restore(engine, output, config, said, started_at, what, own)
    return said


def append_restore(
    engine: Engine,
    output: Output,
    config: SegmentationConfig,
    said: Mapping[str, Any],
    started_at: datetime,
    what: str,
    own: str | None = None,
) -> None:
    """Add to the log and to the table of runs that something was restored; no run counts it as a success of its own."""
    row: dict[str, Any] = {
        "run_id": own or new_run_id(started_at),
        "outcome": "restored",
        "message": f"{what}: published is what run {said['run_id']} published",
        "started_at": started_at.isoformat(),
        "finished_at": datetime.now(UTC).isoformat(),
        "mode": "restore",
        "source": said.get("source"),
        "source_paths": said.get("paths"),
        "as_of": said.get("as_of"),
        "config_fingerprint": said.get("config_fingerprint"),
        "versions": engine.versions,
        "engine": engine.name,
        "engine_reason": engine.why,
    }
    commit = {"run_id": row["run_id"]}
    reporter = Reporter(row["run_id"], output.log_file, config.secrets(), config.log)
    reporter.info(f"Restored: {row['message']}")
    reporter.close()
    engine.tables.append_rows([row], tables.RUN_SCHEMA, output.runs, tables.RUNS, commit)


def _wanted(engine: Engine, output: Output, run_id: str) -> Commit:
    every = publications(engine.files, output.segments)
    seen: list[Commit] = []
    for commit in every:
        if commit.said["run_id"] == run_id:
            return told(commit)
        seen.append(commit)
    known = dict.fromkeys(f"{one.said['run_id']} (as of {one.said.get('as_of', '?')})" for one in seen)
    raise ConfigError(
        f"--to-run: run {run_id} has published nothing that is kept in {output.segments}. The last that have: "
        f"{', '.join(islice(known, SHOWN))}."
    )


def _readable(engine: Engine, output: Output, version: int, run_id: str) -> DataFrame:
    """The customers of a version, whose files are seen to be there."""
    try:
        customers = engine.tables.read(output.segments, version)
        only_row(customers.agg(F.max("updated_at"), F.max("run_id")))
    except Exception as error:
        raise ConfigError(
            f"--to-run: the files of what run {run_id} published are not kept any more; `segmentation maintain` "
            "removes those of old versions. What is published is as it was. Name a later run, or restore a backup with "
            "--from."
        ) from error
    return customers


def _restored(
    engine: Engine,
    output: Output,
    customers: DataFrame,
    version: int,
    now_and_wanted: tuple[Commit, Commit],
    own: str,
    at: datetime,
) -> Mapping[str, Any]:
    """Publish it; what its commit says."""
    now, wanted = now_and_wanted
    folder, dimensions = join(output.staging, wanted.said["run_id"]), wanted.said["dimensions"]
    writes = _changes(engine, output, customers, dimensions, wanted, own, at)
    said = _said(now, wanted, own, last_name(output.changes), has_changes=bool(writes))
    publication = Publication(engine, output, dimensions, said, lambda: None)
    stage_exports(engine, output, customers, wanted.said, folder)
    commit = partial(engine.tables.restore, output.segments, version, said)
    publication.decide(commit, folder, writes)
    return said


def _said(now: Commit, wanted: Commit, own: str, changes: str, *, has_changes: bool) -> dict[str, Any]:
    """What the run said; but the changes since are not undone, they happened."""
    written = wanted.said.get("tables", {})
    last = [*([own] if has_changes else []), *filter(None, [now.said.get("tables", {}).get(changes)])]
    tables_then = {**written, **({changes: last[0]} if last else {})}
    return {**wanted.said, "tables": tables_then, "restored": {"by": own, "instead_of": now.said["run_id"]}}


def _changes(
    engine: Engine,
    output: Output,
    customers: DataFrame,
    dimensions: Sequence[str],
    wanted: Commit,
    own: str,
    at: datetime,
) -> list[Write]:
    """Whose labels change by going back."""
    changed = relabelled(customers, rows_of(engine, output.segments), dimensions)
    facts = {
        "as_of": F.lit(wanted.said.get("as_of")).cast("date"),
        "run_id": F.lit(own),
        "changed_at": F.lit(at),
        "cause": F.lit(Cause.RESTORED),
    }
    rows = by_dimension(changed.withColumns(facts), dimensions).withColumns(facts)
    kept = engine.stage(rows.select(*tables.CHANGES_SCHEMA.names), join(output.staging, own))
    count, path, commit = kept.count(), output.changes, {"run_id": own}
    if not count:
        return []
    return [Write(path, lambda: engine.tables.append(kept, count, path, tables.CHANGES, commit))]
