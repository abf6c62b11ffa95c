"""`segmentation_metrics.prom`: the last successful run, for the text-file collector of Prometheus' node exporter.

Names and units follow Prometheus' conventions: base units, the unit in the name. A run that failed leaves the file as
it was, so that `segmentation_last_success_timestamp_seconds` grows old.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from segmentation.errors import install
from segmentation.run.record import RunRecord
from segmentation.run.reporter import Reporter
from segmentation.run.results import told

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

ROWS = {
    "read": "rows_read",
    "used": "purchases_used",
    "rejected": "rows_rejected",
    "after_as_of": "purchases_after_as_of",
}


def write_metrics(record: RunRecord, reporter: Reporter) -> None:
    """Write the file after a run that published, in one step; without the library, say how to install it."""
    if not record.published or record.output.local is None:
        return
    try:
        from prometheus_client import write_to_textfile
    except ImportError as error:
        reporter.debug(f"No metrics: they need {error.name}: {install('automation')}.")
        return
    write_to_textfile(record.output.metrics_file, registry_of(told(record)))


def registry_of(run: Mapping[str, Any]) -> CollectorRegistry:
    """The metrics of one run, as `run.results.told` tells it."""
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    finished = datetime.fromisoformat(run["finished_at"])
    as_of = datetime.combine(datetime.fromisoformat(run["as_of"]), time(), UTC)
    plain = {
        "last_success_timestamp_seconds": ("When the last run that published ended.", finished.timestamp()),
        "as_of_timestamp_seconds": ("The day that the labels are seen from, at midnight UTC.", as_of.timestamp()),
        "run_duration_seconds": ("How long the run took.", run["seconds"]),
        "customers": ("Customers that are published.", run["total_customers"]),
        "findings": ("What was unusual of the publication.", len(run["findings"])),
    }
    for name, (what, value) in plain.items():
        _gauge(registry, name, what, [], {(): value})
    steps = {(step["name"],): step["seconds"] for step in run["steps"]}
    rows = {(state,): run[name] for state, name in ROWS.items()}
    labels = {(name, one): count for name, of in run["segments"].items() for one, count in of.items()}
    reasons = {(reason,): count for reason, count in run["rejected_by_reason"].items()}
    _gauge(registry, "step_duration_seconds", "How long a step took.", ["step"], steps)
    _gauge(registry, "rows", "Rows of the source, by what became of them.", ["state"], rows)
    _gauge(registry, "rejected_rows", "Rows that were rejected, by reason.", ["reason"], reasons)
    _gauge(registry, "label_customers", "Customers, by dimension and label.", ["dimension", "label"], labels)
    about = {"run_id": run["run_id"], "engine": run["engine"], "version": run["versions"]["segmentation"]}
    _gauge(registry, "run_info", "Which run, on which engine.", [*about], {tuple(about.values()): 1})
    return registry


def _gauge(
    registry: CollectorRegistry, name: str, what: str, labels: Sequence[str], values: Mapping[Any, float]
) -> None:
    from prometheus_client import Gauge

    gauge = Gauge(f"segmentation_{name}", what, labels, registry=registry)
    for names, value in values.items():
        (gauge.labels(*names) if names else gauge).set(value)
