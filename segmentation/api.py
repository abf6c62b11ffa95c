"""`run_segmentation`: the whole job as one function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation.config import SegmentationConfig, load_config, override

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def run_segmentation(
    source: str = "csv",
    csv_path: str | Path | Sequence[str | Path] | None = None,
    *,
    config: SegmentationConfig | Mapping[str, Any] | str | Path | None = None,
    engine: str | None = None,
    spark: SparkSession | None = None,
    as_of: str | date | None = None,
    output_dir: str | Path | None = None,
    mode: str | None = None,
    force: bool = False,
    table: str | Path | None = None,
    dry_run: bool = False,
    progress_bar: bool = False,
) -> dict[str, Any]:
    """Segment the customers of a retailer and publish the outcome.

    Args:
        source: ``csv``, ``table``, ``mongodb`` with the collection that the configuration names, or the name of a
            source of your own.
        csv_path: a file, a directory, a glob or a list of them; None for the bundled sample.
        config: a dict, a YAML file's path, or None for the defaults.
        engine: ``auto``, ``spark`` or ``embedded``; overrides the configuration.
        spark: a session to use, which is not stopped.
        as_of: ``latest``, ``today`` or a day; overrides the configuration.
        output_dir: where to publish; overrides the configuration.
        mode: ``full``, or ``incremental``: read only what is new, publish what a full run would; overrides the
            configuration.
        force: with ``incremental``, read everything anew.
        table: a Delta table, a folder or file of Parquet, or a name of the catalog; None for the configuration's.
        dry_run: compute and count, publish nothing.
        progress_bar: show Spark's own progress on the terminal.

    Returns:
        A JSON-serialisable dict: ``metadata`` (``run_id``, ``as_of``, ``source``, ``engine`` and
        ``engine_reason``, ``total_customers``, the four counts, ``rejected_by_reason``, ``warnings_by_reason``,
        ``durations`` in seconds), ``segments`` (customers per
        label and dimension), ``output_file``, ``tables``.

    Raises:
        SegmentationError: its subclasses, with one message for people and the exit code of the contract.
    """
    from segmentation.pipeline import CustomerSegmentationPipeline

    given = {"as_of": as_of, "output_dir": None if output_dir is None else str(output_dir), "engine": engine}
    pipeline = CustomerSegmentationPipeline(override(load_config(config), given))
    return pipeline.run(
        source,
        csv_path,
        table=table,
        spark=spark,
        mode=mode,
        force=force,
        dry_run=dry_run,
        progress_bar=progress_bar,
    )
