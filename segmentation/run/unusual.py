"""What is unusual of a publication, told before it is published."""

from __future__ import annotations

from segmentation.console import LOGGER
from segmentation.core.segmentation import Segmentation
from segmentation.run.past import Past
from segmentation.run.record import RunRecord
from segmentation.run.shift import Shift, numbers_of


def compared(record: RunRecord, segmentation: Segmentation, past: Past) -> Shift:
    """Tell what is unusual, and refuse what is too unlike what was published, unless other rules led to it.

    Args:
        record: of the run, whose customers are counted.
        segmentation: the rules; what is unusual, and what is refused.
        past: what was published before.

    Raises:
        QualityGateError: it is too unlike.
    """
    segments, found, config = record.segments, record.found, segmentation.config
    assert segments is not None  # customers are counted
    assert found is not None  # and so are rows
    is_meant = record.request.accept_shift or not past.same_rules(segmentation)
    shift = Shift(config.monitoring, past.said, numbers_of(segments, found), is_meant=is_meant)
    newest = segments.as_of if config.as_of == "latest" else None
    record.findings = shift.told(found.rows_read, newest, config.day_of(record.started_at))
    for sentence in record.findings:
        LOGGER.warning("Unusual: %s", sentence)
    shift.refuse()
    return shift
