"""What tells of a run that has ended, in this order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segmentation.config import SegmentationConfig
from segmentation.console import LOGGER
from segmentation.monitoring.alerts import alert_of, tell, tell_of_the_dead
from segmentation.monitoring.lineage import lineage
from segmentation.monitoring.metrics import write_metrics
from segmentation.run.record import ReaderOfRuns, RunRecord
from segmentation.run.reporter import Reporter
from segmentation.run.results import keep_results, told
from segmentation.state.status import Status, read_status, record_outcome, record_start


def readers(config: SegmentationConfig) -> Sequence[ReaderOfRuns]:
    """The file for programs first, then the status, then what may take its time."""

    def keep_status_and_alert(record: RunRecord, _: Reporter) -> None:
        if record.request.dry_run:
            return
        if record.outcome == "running":
            tell_of_the_dead(config, record.output)
            record_start(record.output, told(record))
        else:
            run = told(record)
            tell(config, record.output, alert_of(run, _noted(record, run)))

    optional = [*([write_metrics] if config.prometheus else []), *([lineage(config.lineage)] if config.lineage else [])]
    return [keep_results, keep_status_and_alert, *optional]


def _noted(record: RunRecord, run: Mapping[str, Any]) -> Status:
    """The status before the run; on a full disk the run cannot be noted, and is told all the same."""
    try:
        return record_outcome(record.output, run)
    except OSError as error:
        LOGGER.warning("The status cannot be written: %s", error)
        return read_status(record.output)
