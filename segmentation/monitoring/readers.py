"""What tells of a run that has ended, in this order."""

from __future__ import annotations

from collections.abc import Sequence

from segmentation.config import SegmentationConfig
from segmentation.monitoring.alerts import alert_of, tell
from segmentation.monitoring.lineage import lineage
from segmentation.monitoring.metrics import write_metrics
from segmentation.run.record import ReaderOfRuns, RunRecord
from segmentation.run.reporter import Reporter
from segmentation.run.results import keep_results, told
from segmentation.state.status import record_outcome


def readers(config: SegmentationConfig) -> Sequence[ReaderOfRuns]:
    """The file for programs first, then the status, then what may take its time."""

    def keep_status_and_alert(record: RunRecord, _: Reporter) -> None:
        if not record.request.dry_run and record.outcome != "running":
            run = told(record)
            tell(config, record.output, alert_of(run, record_outcome(record.output, run)))

    optional = [*([write_metrics] if config.metrics else []), *([lineage(config.lineage)] if config.lineage else [])]
    return [keep_results, keep_status_and_alert, *optional]
