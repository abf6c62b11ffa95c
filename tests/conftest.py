"""One Spark session for all tests, and small helpers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyspark
import pytest
from pyspark.sql import DataFrame, SparkSession

from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.engines.spark.session import DELTA_CATALOG, DELTA_EXTENSION, SESSION_SETTINGS
from segmentation.engines.spark.versions import package

HEADER = "Customer_ID,Order_ID,Date,Total_Amount_LKR,Product_Category\n"
TODAY = date(2026, 11, 23)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    logging.getLogger("py4j").setLevel(logging.ERROR)
    settings = {
        **SESSION_SETTINGS,
        "spark.jars.packages": ",".join(package(name, pyspark.__version__, {}) for name in ("delta", "mongodb")),
        "spark.sql.extensions": DELTA_EXTENSION,
        "spark.sql.catalog.spark_catalog": DELTA_CATALOG,
        "spark.sql.shuffle.partitions": "2",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
    }
    builder = SparkSession.builder.master("local[2]").appName("tests")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    """Write text (with the document's header in front, unless it is given) to a file."""

    def write(rows: str, name: str = "purchases.csv", header: str = HEADER) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(header + rows, encoding="utf-8", newline="")
        return path

    return write


@pytest.fixture
def run_job(spark: SparkSession, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run the whole job into `tmp_path/out`."""

    def run(*paths: Path, segmenters: Any = None, dry_run: bool = False, **config: Any) -> dict[str, Any]:
        settings = {"output_dir": str(tmp_path / "out"), "max_rejected_ratio": 1, **config}
        pipeline = CustomerSegmentationPipeline(settings, segmenters)
        return pipeline.run("csv", list(paths), spark=spark, dry_run=dry_run)

    return run


def rows_of(frame: DataFrame) -> list[tuple[Any, ...]]:
    """The rows of a small frame."""
    return [tuple(row) for row in frame.collect()]
