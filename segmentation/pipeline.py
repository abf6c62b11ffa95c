"""The pipeline as one object: a configuration, its dimensions, and a way to run them.

The way of the data::

    source --read--> raw --label_rows--> labelled --settle--> settled --+--> rejected_purchases
                                            |                           +--> metrics --> customers --> Delta, JSON
                                       (staged once)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from segmentation.config import SegmentationConfig, load_config
from segmentation.core.festive import FestiveCalendar
from segmentation.core.segmentation import Segmentation
from segmentation.core.segmenters import Segmenter
from segmentation.errors import ConfigError
from segmentation.monitoring.readers import readers as readers_of
from segmentation.plug_ins import segmentation_of
from segmentation.run.job import Run
from segmentation.run.record import ReaderOfRuns, RunRecord
from segmentation.run.reporter import Reporter
from segmentation.run.request import Request
from segmentation.state.output import Output


class CustomerSegmentationPipeline:
    """One configured segmentation, to be run as often as wanted.

    Args:
        config: a `SegmentationConfig`, a dict, a YAML file's path, or None for the defaults.
        segmenters: the dimensions, in the order of the output; None for frequency, spending, category, and what the
            configuration names.
    """

    def __init__(
        self,
        config: SegmentationConfig | Mapping[str, Any] | str | Path | None = None,
        segmenters: Sequence[Segmenter] | None = None,
    ) -> None:
        self.config = load_config(config)
        self.segmentation = Segmentation(self.config, segmenters) if segmenters else segmentation_of(self.config)

    def segment(self, purchases: DataFrame, as_of: date, festive: FestiveCalendar) -> DataFrame:
        """Purchases used -> one row per customer: ``customer_id``, the labels, the metrics."""
        return self.segmentation.segment(purchases, as_of, festive)

    def run(
        self,
        source: str = "csv",
        csv_path: str | Path | Sequence[str | Path] | None = None,
        *,
        table: str | Path | None = None,
        spark: SparkSession | None = None,
        mode: str | None = None,
        force: bool = False,
        dry_run: bool = False,
        accept_shift: bool = False,
        progress_bar: bool = False,
        trigger: str = "manual",
        readers: Sequence[ReaderOfRuns] = (),
    ) -> dict[str, Any]:
        """Read, segment, publish.

        Args:
            source: ``csv``, ``table``, ``mongodb`` with the collection that the configuration names, or the name of a
                source of somebody's own.
            csv_path: files, directories or globs; None for the bundled sample.
            table: a Delta table, Parquet files, or a name of the catalog; None for what the configuration names.
            spark: a session to use, which is not stopped; None to let the configuration's `engine` decide.
            mode: ``full``, or ``incremental``: read only what is new, publish what a full run would; None for what the
                configuration says.
            force: with ``incremental``, read everything anew.
            dry_run: compute and count, publish nothing.
            accept_shift: publish what is too unlike what was published before.
            progress_bar: show Spark's own progress on the terminal.
            trigger: who or what asked for the run, for its record.
            readers: what is handed the record of the run as it begins and once it has ended, well or not, after the
                job's own readers.

        Returns:
            A JSON-serialisable dict: ``metadata``, ``segments``, ``output_file``, ``tables``,
            ``report_file``.

        Raises:
            SegmentationError: its subclasses, with one message for people and the exit code of the contract.
        """
        asked = {"dry_run": dry_run, "force": force, "accept_shift": accept_shift}
        request = Request.of(source, csv_path, mode, self.config, table=table, trigger=trigger, **asked)
        output = Output.of(self.config)
        output.refuse_inside(request.locations)
        output.create()
        with output.locked():
            return Run(self.segmentation, output, request, [*self._readers(), *readers]).execute(spark, progress_bar)

    def explain(self, customer: str) -> dict[str, Any]:
        """Why a customer has its labels, and what comes next, see `insights.explain`; nothing is written.

        Raises:
            NoDataError: nothing of this customer is published.
            ConfigError: nothing is published, or not on this machine, or what reads it is not installed.
        """
        from segmentation.insights.explain import explain

        return explain(self.segmentation, Output.of(self.config), customer)

    def preview(self) -> dict[str, Any]:
        """Who would get another label by these rules, see `insights.preview`; nothing is written.

        Raises:
            ConfigError: nothing is published or not on this machine, what reads it is not installed, or what differs
                shows only in a run.
        """
        from segmentation.insights.preview import preview

        return preview(self.segmentation, Output.of(self.config))

    def suggest(self) -> dict[str, Any]:
        """Settings that fit the data, and what they would change, see `insights.suggest`; nothing is written.

        Raises:
            NoDataError: there is too little data to go by.
            ConfigError: as `preview`.
        """
        from segmentation.insights.suggest import suggest

        return suggest(self.segmentation, Output.of(self.config))

    def report(self) -> list[Path]:
        """Write the report of what is published beside it: the page, and its twin in Markdown.

        Raises:
            ConfigError: nothing is published or not on this machine, what draws is not installed, or it cannot be
                written.
        """
        from segmentation.insights.report.report import report

        return report(self.segmentation, Output.of(self.config))

    def _readers(self) -> list[ReaderOfRuns]:
        """What tells of a run, the quickest first."""
        return [*readers_of(self.config), self._report_after]

    def _report_after(self, record: RunRecord, reporter: Reporter) -> None:
        """The report of what a run has published, if the configuration asks for one."""
        output = Output.of(self.config)
        if not self.config.report or not record.published or output.local is None:
            return
        try:
            with reporter.step("Write the report"):
                record.report_file = str(self.report()[0])
        except ConfigError as error:
            reporter.info(f"No report: {error} `report: false` in the configuration leaves it out.")
