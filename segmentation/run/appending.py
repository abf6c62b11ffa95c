"""What a run adds to the tables that grow: the rows it rejected, and its own."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.console import LOGGER
from segmentation.engines.base import Engine
from segmentation.engines.failures import root_of
from segmentation.run.intake import Intake
from segmentation.run.record import RunRecord
from segmentation.schemas import CURRENCY, PURCHASE_COLUMNS
from segmentation.state import tables
from segmentation.state.output import Output


def append_rejected(
    engine: Engine, output: Output, intake: Intake, record: RunRecord, config: SegmentationConfig
) -> int:
    """Keep the rejected rows with their raw values, those of further columns too; how many they are."""
    taken = intake.taken
    to_table = output.rejected, tables.REJECTED, record.commit
    if taken.rows is None or not taken.found.rows_rejected:
        engine.tables.append_rows([], tables.REJECTED_SCHEMA, *to_table)
        return 0
    at = F.lit(record.started_at)
    # Where no text is kept, it is just the base.
    rows = taken.rows.withColumn(CURRENCY, F.lit(config.currencies.base)) if config.currencies else taken.rows
    extra = config.raw_columns[len(PURCHASE_COLUMNS) :]
    rejected = tables.rejected_rows(engine, rows, intake.names, record.run_id, at, extra)
    engine.tables.append(rejected, taken.found.rows_rejected, *to_table)
    return taken.found.rows_rejected


def append_run(engine: Engine, output: Output, record: RunRecord, outcome: str, message: str | None) -> None:
    """Add a run to the table of runs."""
    commit = {"run_id": record.run_id}
    engine.tables.append_rows([record.row(outcome, message)], tables.RUN_SCHEMA, output.runs, tables.RUNS, commit)


def append_failure(
    engine: Engine, output: Output, record: RunRecord, confirm: Callable[[], object], message: str
) -> None:
    """Record a failed run as far as it came; must not hide the failure itself."""
    try:
        confirm()
        append_run(engine, output, record, "failed", message)
    except Exception as error:  # noqa: BLE001 - whatever it is, the first error is the one to report
        LOGGER.warning("The failed run could not be added to the table of runs: %s", root_of(error))
