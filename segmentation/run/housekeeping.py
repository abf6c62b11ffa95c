"""What is done to an output between runs, while no run may write to it: maintenance, and erasing people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import reduce

from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.segmentation import Segmentation
from segmentation.engines.base import Engine
from segmentation.engines.choose import Task, choose, open_engine
from segmentation.errors import ConfigError
from segmentation.locations import DELTA_LOG, join
from segmentation.run.publication import CHANGES, EXPORT
from segmentation.run.repair import repair
from segmentation.schemas import CUSTOMER_ID, EDGES, RAW_RECORD
from segmentation.sinks.json_export import stage_json
from segmentation.state import tables
from segmentation.state.commits import forget, last_commit, rows_of
from segmentation.state.output import Output

OWN = "housekeeping"


def maintain(
    config: SegmentationConfig, *, keep_versions: int, keep_history: int | None, keep_rejected: int | None
) -> dict[str, int]:
    """Put small files together, and remove what is old.

    Args:
        config: the output, and the engine.
        keep_versions: days for which old versions of tables stay readable.
        keep_history: days for which changes of labels stay, None for ever.
        keep_rejected: days for which rejected rows stay, None for ever.

    Returns:
        Per table how many old rows were removed.
    """
    removed: dict[str, int] = {}
    with _held(config) as (engine, output):
        ages = {output.changes: keep_history, output.rejected: keep_rejected}
        for table in _tables(engine, output):
            days = ages.get(table)
            removed[_name(table)] = 0 if days is None else engine.tables.delete(table, _older_than(days))
            engine.tables.maintain(table, keep_versions * 24)
    return removed


def erase(config: SegmentationConfig, customers: Sequence[str]) -> dict[str, int]:
    """Remove customers from all tables, from the exports, and from versions that are kept.

    Killed in the middle, it is run again. A record of it, which names nobody, is added to the table of erasures.

    Args:
        config: the output, and the engine.
        customers: their ids.

    Returns:
        Per table how many rows were removed.
    """
    removed: dict[str, int] = {}
    with _held(config) as (engine, output):
        every = _tables(engine, output, output.runs, output.erasures)
        for table in every:
            removed[_name(table)] = _without(engine, output, config, table, customers)
        _write_exports(engine, output, config)
        for table in every:
            engine.tables.maintain(table, 0)
            engine.tables.checkpoint(table)
            forget(engine.files, table)
        row = {
            "erased_at": datetime.now(UTC).isoformat(),
            "customers": len(customers),
            "rows_by_table": removed,
            "rewritten": [output.filename, output.changes_file.rsplit("/", 1)[-1]],
            "versions_removed": True,
        }
        engine.tables.append_rows([row], tables.ERASURE_SCHEMA, output.erasures, tables.ERASURES, {})
    return removed


def _without(engine: Engine, output: Output, config: SegmentationConfig, table: str, customers: Sequence[str]) -> int:
    """Write a table anew without the rows of customers; its commit says what the last one said. How many were there?"""
    rows = rows_of(engine, table)
    whose = F.btrim(CUSTOMER_ID, F.lit(EDGES)).isin(*customers)
    if table == output.rejected:
        # Of a malformed row nobody knows where the id is.
        whose = reduce(lambda one, id_: one | F.col(RAW_RECORD).contains(id_), customers, whose)
    theirs = F.coalesce(whose, F.lit(False))
    count = rows.where(theirs).count()
    newest = last_commit(engine.files, table)
    if count:
        specs = {
            output.segments: tables.segments_spec(Segmentation(config).dimensions),
            output.changes: tables.CHANGES,
            output.rejected: tables.REJECTED,
        }
        others, spec = engine.stage(rows.where(~theirs), join(output.staging, OWN, _name(table))), specs.get(table)
        said = newest.said if newest else {}
        engine.tables.overwrite(others, others.count(), table, spec or tables.PURCHASES, said)
    return int(count)


def _write_exports(engine: Engine, output: Output, config: SegmentationConfig) -> None:
    """Both exports from the tables."""
    newest = last_commit(engine.files, output.segments)
    if newest is None:
        return
    every = rows_of(engine, output.segments)
    names = [name for name in Segmentation(config).dimensions if name in every.columns]
    folder = join(output.staging, OWN)
    stage_json(engine, every, every.count(), names, folder, EXPORT)
    changed = every.limit(0)
    if engine.files.exists(output.changes):
        ids = rows_of(engine, output.changes).where(F.col("run_id") == newest.said["run_id"]).select(CUSTOMER_ID)
        changed = every.join(ids, on=CUSTOMER_ID, how="left_semi")
    stage_json(engine, changed, changed.count(), names, folder, CHANGES)
    engine.files.replace(join(folder, EXPORT), output.json_file)
    engine.files.replace(join(folder, CHANGES), output.changes_file)
    engine.files.delete(output.staging)


@contextmanager
def _held(config: SegmentationConfig) -> Iterator[tuple[Engine, Output]]:
    """An engine, and the output that no run writes to meanwhile.

    Raises:
        ConfigError: nothing was published there.
    """
    output = Output.of(config)
    if output.local is not None and not output.local.is_dir():
        raise ConfigError(f"{output.root} is not there. Check --output-dir and --config.")
    task = Task("csv", [], output.root)
    choice = choose(config, task, None)
    with output.locked():
        engine = open_engine(choice, config, task, None, progress_bar=False)
        try:
            with engine.lock(output.lock_file, OWN) if output.local is None else nullcontext():
                engine.fit_to(0)
                repair(engine, output)
                yield engine, output
        finally:
            engine.close()


def _tables(engine: Engine, output: Output, *left_out: str) -> list[str]:
    every = (output.segments, output.changes, output.purchases, output.early, output.rejected, output.runs)
    tables_there = [table for table in (*every, output.erasures) if engine.files.exists(join(table, DELTA_LOG))]
    if output.segments not in tables_there and output.rejected not in tables_there:
        raise ConfigError(f"{output.root} holds no tables of a run. Check --output-dir and --config.")
    return [table for table in tables_there if table not in left_out]


def _older_than(days: int) -> str:
    """By the id of a run, which begins with its time."""
    return f"run_id < '{datetime.now(UTC) - timedelta(days=days):%Y%m%dT%H%M%SZ}'"


def _name(table: str) -> str:
    return table.rsplit("/", 1)[-1]
