"""OpenLineage events of runs, by the official client: START when one begins, COMPLETE or FAIL when it has ended.

Inputs and outputs are data sets with row counts, what was found wrong with the rows, and the columns of the customers.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from segmentation.config.unattended import LineageConfig
from segmentation.console import quiet
from segmentation.errors import ConfigError, install
from segmentation.locations import absolute
from segmentation.run.record import ReaderOfRuns, RunRecord
from segmentation.run.reporter import Reporter
from segmentation.run.results import told
from segmentation.version import VERSION

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent

PRODUCER = f"https://pypi.org/project/customer-segmentation/{VERSION}"
OURS = ("segmentation", "python")
JOB = "customer_segmentation"
FACTS = {"as_of": "date", "run_id": "string", "updated_at": "timestamp"}
# The column that a reason for rejection is about.
COLUMNS = ("customer_id", "purchase_id", "purchase_date", "amount")


def lineage(config: LineageConfig) -> ReaderOfRuns:
    """What sends the events of runs to where the configuration says.

    Raises:
        ConfigError: the client is not installed, when it reads a run.
    """

    def send(record: RunRecord, _: Reporter) -> None:
        if not record.request.dry_run:
            try:
                with quiet("openlineage", "urllib3"):
                    client(config).emit(event_of(told(record), config.namespace))
            except ImportError as error:
                raise ConfigError(f"Lineage needs {error.name}: {install('lineage')}.") from error

    return send


def client(config: LineageConfig) -> OpenLineageClient:
    """For the endpoint, or the file, a line an event."""
    from openlineage.client import OpenLineageClient

    if config.file:
        return OpenLineageClient(config={"transport": {"type": "file", "log_file_path": config.file, "append": True}})
    auth = {"type": "api_key", "api_key": config.api_key.get_secret_value()} if config.api_key else None
    # A run waits for it: once, and not long.
    patience = {"timeout": 2, "retry": {"total": 0, "connect": 0, "read": 0}}
    transport = {"type": "http", "url": config.url, **patience, **({"auth": auth} if auth else {})}
    return OpenLineageClient(config={"transport": transport})


def event_of(run: Mapping[str, Any], namespace: str) -> RunEvent:
    """The event of a run as it is now, `run.results.told`."""
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import error_message_run, processing_engine_run

    states = {"running": RunState.START, "succeeded": RunState.COMPLETE, "failed": RunState.FAIL}
    facets: dict[str, Any] = {}
    if run["engine"]:
        # The first of what the engine says of itself.
        version = next((of for name, of in run["versions"].items() if name not in OURS), "")
        facets["processing_engine"] = processing_engine_run.ProcessingEngineRunFacet(version, run["engine"], VERSION)
    if run["error"]:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(run["error"]["message"], "python")
    return RunEvent(
        eventType=states[run["outcome"]],
        eventTime=run["finished_at"] or datetime.now(UTC).isoformat(),
        run=Run(str(uuid.uuid5(uuid.NAMESPACE_URL, f"{run['output']}#{run['run_id']}")), facets),
        job=Job(namespace, JOB),
        producer=PRODUCER,
        inputs=[_input(run, path) for path in run["source_paths"]],
        outputs=[_output(run, name, of) for name, of in run["tables"].items()] if run["outcome"] == "succeeded" else [],
    )


def _named(location: str) -> tuple[str, str]:
    """A path as OpenLineage names data sets: where it lies, and what it is called there."""
    parts = urlsplit(location)
    return (f"{parts.scheme}://{parts.netloc}", parts.path) if parts.netloc else ("file", parts.path or location)


def _input(run: Mapping[str, Any], path: str) -> InputDataset:
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.facet_v2 import data_quality_assertions_dataset, input_statistics_input_dataset

    facets: dict[str, Any] = {}
    if "rows_read" in run and len(run["source_paths"]) == 1:
        facets["inputStatistics"] = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(run["rows_read"])
    if "rejected_by_reason" in run:
        found = run["rejected_by_reason"]
        checks = [
            data_quality_assertions_dataset.Assertion(f"no_{reason}: {count} rows", False, _column(reason))
            for reason, count in found.items()
        ]
        facets["dataQualityAssertions"] = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(checks)
    name = ("mongodb", path) if run["source"] == "mongodb" else _named(absolute(path))
    return InputDataset(*name, facets)


def _column(reason: str) -> str | None:
    return next((column for column in COLUMNS if reason.endswith(column)), None)


def _output(run: Mapping[str, Any], name: str, of: Mapping[str, Any]) -> OutputDataset:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import output_statistics_output_dataset, schema_dataset

    rows = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(of["rows_written"])
    facets: dict[str, Any] = {}
    if name == "customer_segments":
        types = {**run["columns"], **FACTS}
        fields = [schema_dataset.SchemaDatasetFacetFields(column, kind) for column, kind in types.items()]
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields)
    return OutputDataset(*_named(of["path"]), {"outputStatistics": rows}, facets=facets)
