"""The engine of a run: chosen, told why, and closed whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from segmentation.config import SegmentationConfig
from segmentation.engines.base import Engine
from segmentation.engines.choose import choose, open_engine
from segmentation.run.record import RunRecord
from segmentation.run.reporter import Reporter


@contextmanager
def opened(
    record: RunRecord, config: SegmentationConfig, reporter: Reporter, spark: SparkSession | None, progress_bar: bool
) -> Iterator[Engine]:
    """The engine, open while the run computes; the record holds it.

    Raises:
        ConfigError: none can do what was asked for.
    """
    root, request = record.output.root, record.request
    task = request.task(root)
    choice = choose(config, task, spark)
    reporter.info(f"Engine: {choice.name}, because {choice.why}")
    engine: Engine | None = None
    try:
        with reporter.step("Start the engine") as counts:
            record.engine = engine = open_engine(choice, config, task, spark, progress_bar)
            counts.update(engine.versions)
        engine.check([root, *request.locations])
        yield engine
    finally:
        if engine:
            engine.close()
