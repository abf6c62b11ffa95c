"""The pipeline as one object: a configuration, its dimensions, and the way of the data.

The way of the data::

    source --read--> raw --label_rows--> labelled --settle--> settled --+--> rejected_purchases
                                            |                           +--> metrics --> customers --> Delta, JSON
                                       (staged once)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import reduce
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from segmentation.config import SegmentationConfig, load_config
from segmentation.errors import ConfigError
from segmentation.festive import FestiveCalendar, resolve
from segmentation.metrics import LOYAL_WINDOW, METRICS_SCHEMA, customer_metrics
from segmentation.output import Output
from segmentation.request import check_request
from segmentation.rows import known_rows
from segmentation.run import Run
from segmentation.schemas import CUSTOMER_ID
from segmentation.segmenters import DEFAULT_SEGMENTERS, Segmenter


class CustomerSegmentationPipeline:
    """One configured segmentation, to be run as often as wanted.

    Args:
        config: a `SegmentationConfig`, a dict, a YAML file's path, or None for the defaults.
        segmenters: the dimensions, in the order of the output; None for frequency, spending and category.
    """

    def __init__(
        self,
        config: SegmentationConfig | Mapping[str, Any] | str | Path | None = None,
        segmenters: Sequence[Segmenter] | None = None,
    ) -> None:
        self.config = load_config(config)
        self.segmenters = list(segmenters) if segmenters else [kind(self.config) for kind in DEFAULT_SEGMENTERS]
        self.dimensions = [segmenter.dimension for segmenter in self.segmenters]
        if len(set(self.dimensions)) < len(self.dimensions):
            raise ConfigError(f"Dimensions must differ, found {', '.join(self.dimensions)}.")

    # --- from purchases to customers: DataFrames in and out -------------------------------------------------------

    def segment(self, purchases: DataFrame, as_of: date, festive: FestiveCalendar) -> DataFrame:
        """Purchases used -> one row per customer: ``customer_id``, the labels, the metrics."""
        metrics = customer_metrics(purchases, as_of, festive, self.config)
        published = [name for name in metrics.columns if name not in (CUSTOMER_ID, LOYAL_WINDOW)]
        return self._labelled(metrics).select(CUSTOMER_ID, *self.dimensions, *published)

    def _labelled(self, metrics: DataFrame) -> DataFrame:
        return reduce(lambda frame, segmenter: segmenter.segment_customers(frame), self.segmenters, metrics)

    def check(self, spark: SparkSession) -> None:
        """See that every rule can be computed and every holiday is known, before anything is read; runs no Spark job.

        Raises:
            ConfigError: a rule or a holiday is wrong.
        """
        day = date(2024, 1, 1)
        resolve(self.config.festive_periods, day, day)
        self._labelled(known_rows(spark, [], METRICS_SCHEMA))

    # --- a run ----------------------------------------------------------------------------------------------------

    def run(
        self,
        source: str = "csv",
        csv_path: str | Path | Sequence[str | Path] | None = None,
        *,
        spark: SparkSession | None = None,
        mode: str = "full",
        dry_run: bool = False,
        progress_bar: bool = False,
    ) -> dict[str, Any]:
        """Read, segment, publish.

        Args:
            source: ``csv``, or ``mongodb`` with the collection that the configuration names.
            csv_path: files, directories or globs; None for the bundled sample.
            spark: a session to use, which is not stopped; None to use the running one or to start one.
            mode: ``full``; ``incremental`` is still to come.
            dry_run: compute and count, publish nothing.
            progress_bar: show Spark's own progress on the terminal.

        Returns:
            A JSON-serialisable dict: ``metadata``, ``segments``, ``output_file``, ``tables``.

        Raises:
            SegmentationError: its subclasses, with one message for people and the exit code of the contract.
        """
        paths = check_request(source, csv_path, mode, self.config)
        output = Output.of(self.config)
        output.create()
        with output.locked():
            run = Run(self, output, source, paths, mode, dry_run)
            return run.execute(spark, progress_bar)
