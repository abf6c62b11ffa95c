"""What is done to an output between runs, while no run may write to it: maintenance, and erasing people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

from pyspark.sql import Column, Window
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.quality import only_row
from segmentation.engines.base import Engine
from segmentation.errors import ConfigError, NoDataError
from segmentation.locations import DELTA_LOG, join, last_name
from segmentation.run.exports import publish_exports
from segmentation.run.held import OWN, held
from segmentation.run.kept import bounds
from segmentation.schemas import CUSTOMER_ID, EDGES, PURCHASE_DATE, RAW_RECORD
from segmentation.state import tables
from segmentation.state.commits import forget, last_commit, rows_of
from segmentation.state.output import Output


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
    with held(config) as (engine, output):
        for table in _tables(engine, output):
            removed[last_name(table)] = 0
            if table == output.changes and keep_history is not None:
                removed[last_name(table)] = _rewritten(engine, output, table, _outlived(keep_history))
            if table == output.rejected and keep_rejected is not None:
                removed[last_name(table)] = engine.tables.delete(table, f"run_id < '{_run_before(keep_rejected)}'")
            engine.tables.maintain(table, keep_versions * 24)
    return removed


def erase(config: SegmentationConfig, customers: Sequence[str]) -> dict[str, int]:
    """Remove customers from all tables, from the exports, and from versions that are kept.

    Killed in the middle, it is run again; until then, the next incremental run reads everything anew. A record of it,
    which names nobody, is added to the table of erasures.

    Args:
        config: the output, and the engine.
        customers: their ids.

    Returns:
        Per table how many rows were removed.

    Raises:
        NoDataError: there is nothing of them.
    """
    with held(config) as (engine, output):
        every = _tables(engine, output, output.runs, output.erasures)
        whose = {table: _whose(output, table, customers) for table in every}
        removed = {last_name(table): rows_of(engine, table).where(whose[table]).count() for table in every}
        if not any(removed.values()) and not _is_half_done(engine, output):
            raise NoDataError(f"no table of {output.root} holds one of these customers. Ids are compared as they are.")
        _record(engine, output, len(customers), removed, is_done=False)
        newest = last_commit(engine.files, output.segments)
        said = dict(newest.said) if newest else {}
        # Void until all is done.
        half = {name: value for name, value in said.items() if name != "state"}
        for table in every:
            _rewritten(engine, output, table, whose[table], half if table == output.segments else None)
        if "state" in said:
            said["state"] = {**said["state"], **_bounds(engine, output)}
        if newest:
            _rewritten(engine, output, output.segments, F.lit(False), said)
            publish_exports(engine, output, said)
        for table in every:
            engine.tables.maintain(table, 0)
            engine.tables.checkpoint(table)
            forget(engine.files, table)
        for file in (output.report_file, output.report_text, output.sales_file):
            engine.files.delete(file)
        _record(engine, output, len(customers), removed, is_done=True)
    return removed


def _record(engine: Engine, output: Output, customers: int, removed: Mapping[str, int], *, is_done: bool) -> None:
    row = {
        "erased_at": datetime.now(UTC).isoformat(),
        "customers": customers,
        "rows_by_table": dict(removed),
        "is_done": is_done,
    }
    engine.tables.append_rows([row], tables.ERASURE_SCHEMA, output.erasures, tables.ERASURES, {})


def _is_half_done(engine: Engine, output: Output) -> bool:
    """Has erasing been killed? Then old versions may still hold whom no table holds any more."""
    if not engine.files.exists(join(output.erasures, DELTA_LOG)):
        return False
    last = rows_of(engine, output.erasures).orderBy(F.col("erased_at").desc()).first()
    return last is not None and not last["is_done"]


def _whose(output: Output, table: str, customers: Sequence[str]) -> Column:
    """Is a row of one of them?"""
    whose = F.btrim(CUSTOMER_ID, F.lit(EDGES)).isin(*customers)
    if table == output.rejected:
        # Of a malformed row nobody knows where the id is.
        whose = reduce(lambda one, id_: one | F.col(RAW_RECORD).contains(id_), customers, whose)
    return F.coalesce(whose, F.lit(False))


def _outlived(days: int) -> Column:
    """Is a change older, and not the last one of its customer and dimension?"""
    later = Window.partitionBy(CUSTOMER_ID, "dimension").orderBy(F.col("changed_at").desc(), F.col("run_id").desc())
    return (F.row_number().over(later) > 1) & (F.col("run_id") < _run_before(days))


def _rewritten(
    engine: Engine,
    output: Output,
    table: str,
    unwanted: Column,
    said: Mapping[str, Any] | None = None,
) -> int:
    """Write a table anew without some rows, if there are any; how many were there?

    The commit says `said`, or what the last one said: by whom the other rows were written stays true.
    """
    rows = rows_of(engine, table).withColumn("unwanted", unwanted)
    kept = engine.stage(rows, join(output.staging, OWN, last_name(table)))
    count = kept.where("unwanted").count()
    newest = last_commit(engine.files, table)
    if count or said is not None:
        says = said if said is not None else newest.said if newest else {}
        specs = {
            output.segments: tables.segments_spec(says.get("dimensions", ())),
            output.changes: tables.CHANGES,
            output.rejected: tables.REJECTED,
        }
        others = kept.where(~F.col("unwanted")).drop("unwanted")
        engine.tables.overwrite(others, others.count(), table, specs.get(table, tables.PURCHASES), says)
    return int(count)


def _bounds(engine: Engine, output: Output) -> Mapping[str, str | None]:
    """What the next incremental run is told of the purchases that are left."""
    first, last = F.min(PURCHASE_DATE).alias("first"), F.max(PURCHASE_DATE).alias("last")
    purchases = only_row(rows_of(engine, output.purchases).agg(first, last))
    has_early = engine.files.exists(join(output.early, DELTA_LOG))
    early = only_row(rows_of(engine, output.early).agg(first))["first"] if has_early else None
    return bounds(purchases["first"], purchases["last"], early)


def _tables(engine: Engine, output: Output, *left_out: str) -> list[str]:
    tables_there = [table for table in output.tables if engine.files.exists(join(table, DELTA_LOG))]
    if output.segments not in tables_there and output.rejected not in tables_there:
        raise ConfigError(f"{output.root} holds no tables of a run. Check --output-dir and --config.")
    return [table for table in tables_there if table not in left_out]


def _run_before(days: int) -> str:
    """The id of a run begins with its time."""
    return f"{datetime.now(UTC) - timedelta(days=days):%Y%m%dT%H%M%SZ}"
