"""What a run counts of its purchases for the report, where it keeps none that could be counted later."""

from __future__ import annotations

from segmentation.console import LOGGER
from segmentation.run.intake import Taken
from segmentation.run.segments import Segments
from segmentation.run.whole import Whole
from segmentation.state.output import Output
from segmentation.state.sales import keep_sales


def count_sales(output: Output, taken: Taken, segments: Segments) -> None:
    """Count and keep them; the customers are published already, so that it cannot be done is no failure of the run."""
    if not isinstance(taken, Whole):
        return
    try:
        keep_sales(output, segments.run_id, taken.sales(segments.as_of))
    except Exception:  # noqa: BLE001 - whatever it is, the report says that nothing is known
        LOGGER.warning("Sales by month could not be counted; the report goes without.", exc_info=True)
