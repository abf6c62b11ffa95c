"""Both engines for all tests, and small helpers."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyspark
import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from segmentation.core.segmenters import Segmenter
from segmentation.engines.base import Engine
from segmentation.engines.spark.engine import SparkEngine
from segmentation.engines.spark.session import DELTA_CATALOG, DELTA_EXTENSION, LOCAL_SETTINGS, SESSION_SETTINGS
from segmentation.engines.spark.versions import package
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.run import job

HEADER = "Customer_ID,Order_ID,Date,Total_Amount_LKR,Product_Category\n"
TODAY = date(2026, 11, 23)
# The embedded engine speaks the protocol of Spark 4.
ENGINES = ("embedded", "spark") if pyspark.__version__ >= "4" else ("spark",)
Job = Callable[..., dict[str, Any]]
GOOD = "C1,P1,2024-01-05,100,Womens\nC2,P2,2024-01-06,200.50,Kids\n"
OTHER = "C3,P3,2024-02-05,100,Womens\n"
EXPORT = "out/customer_segmentation.json"
# On Spark each of these takes most of a minute; others like them are among all tests.
LESS = pytest.mark.long_on_spark


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--engine embedded` leaves out what needs a JVM, which is most of the time that the tests take."""
    parser.addoption("--engine", choices=("embedded", "spark"), help="run the tests of one engine alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the other engine's, and what needs only one."""
    elsewhere = ["embedded_only", *([] if "long_on_spark" in config.option.markexpr else ["long_on_spark"])]
    twice = [one for one in items if engine_of(one) == "spark" and any(map(one.get_closest_marker, elsewhere))]
    if twice:
        config.hook.pytest_deselected(items=twice)
        items[:] = [item for item in items if item not in twice]
    only = config.getoption("--engine")
    if only is None:
        return
    left_out = [item for item in items if engine_of(item) not in (only, None)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def engine_of(item: pytest.Item) -> str | None:
    """The engine that a test is about, None where it is about none."""
    given = getattr(item, "callspec", None)
    fixtures = getattr(item, "fixturenames", ())
    named = given.params.get("engine_name") if given else None
    needs_jvm = "spark" in fixtures or (named is None and "engine_name" in fixtures)
    return named if named and "spark" not in fixtures else "spark" if needs_jvm else None


def start_spark(warehouse: Path) -> SparkSession:
    """Spark with a JVM, and all the packages that tests need."""
    settings = {
        **LOCAL_SETTINGS,
        **SESSION_SETTINGS,
        # Many different small plans, where a user has a few large ones.
        "spark.sql.codegen.cache.maxEntries": "2000",
        "spark.jars.packages": ",".join(package(name, pyspark.__version__, {}) for name in ("delta", "mongodb")),
        "spark.sql.extensions": DELTA_EXTENSION,
        "spark.sql.catalog.spark_catalog": DELTA_CATALOG,
        "spark.sql.shuffle.partitions": "2",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(warehouse),
    }
    builder = SparkSession.builder.master("local[2]").appName("tests")
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Spark with a JVM, for what is about Spark's inside."""
    logging.getLogger("py4j").setLevel(logging.ERROR)
    session = start_spark(tmp_path_factory.mktemp("warehouse"))
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="session", params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Every test that is not about one engine's inside runs on both; session-wide, so that all of one come first."""
    return str(request.param)


@pytest.fixture
def spark_or_none(request: pytest.FixtureRequest, engine_name: str) -> SparkSession | None:
    """What `run(spark=...)` takes: nothing where the embedded engine is meant, which so needs no JVM."""
    return request.getfixturevalue("spark") if engine_name == "spark" else None


@pytest.fixture
def engine(engine_name: str, spark_or_none: SparkSession | None, tmp_path: Path) -> Iterator[Engine]:
    """An engine, open for one test."""
    if spark_or_none is not None:
        opened = SparkEngine(spark_or_none, "tests")
        yield opened
        opened.close()
        return
    with embedded_engine(tmp_path) as embedded:
        yield embedded


@contextmanager
def embedded_engine(folder: Path) -> Iterator[Engine]:
    """The embedded engine, open."""
    from segmentation.engines.embedded.engine import EmbeddedEngine

    engine = EmbeddedEngine(1 << 30, folder / "spill", "tests")
    yield engine
    engine.close()


@pytest.fixture
def session(engine: Engine) -> SparkSession:
    """The session of an engine."""
    return engine.session


@pytest.fixture(autouse=True)
def no_report(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of runs, of which few are about the report: it would take as long as all else."""
    if not request.node.get_closest_marker("with_report"):
        monkeypatch.setattr(CustomerSegmentationPipeline, "_report_after", lambda *_: None)
        monkeypatch.setattr(job, "count_sales", lambda *_: None)


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
def run_job(engine_name: str, spark_or_none: SparkSession | None, tmp_path: Path) -> Job:
    """Run the whole job into `tmp_path/out`."""

    def run(
        *paths: Path,
        segmenters: list[Segmenter] | None = None,
        dry_run: bool = False,
        engine: str | None = None,
        **config: Any,
    ) -> dict[str, Any]:
        settings = {"output_dir": str(tmp_path / "out"), "max_rejected_ratio": 1, **config}
        pipeline = CustomerSegmentationPipeline({**settings, "engine": engine or engine_name}, segmenters)
        return pipeline.run("csv", list(paths), spark=spark_or_none, dry_run=dry_run)

    return run


def rows_of(frame: DataFrame) -> list[tuple[Any, ...]]:
    """The rows of a small frame."""
    return [tuple(row) for row in frame.collect()]


def table(folder: Path, name: str) -> list[SimpleNamespace]:
    """The rows of a table of an output, read by neither engine; a map is a dict."""
    rows = DeltaTable(folder / "out" / "delta" / name).to_pyarrow_table().to_pylist(maps_as_pydicts="strict")
    return [SimpleNamespace(**row) for row in rows]


def published(tmp_path: Path) -> tuple[Any, Any]:
    """What a reader sees now: the customers of the JSON and of the table."""
    export = tmp_path / EXPORT
    of_json = {
        element["customer_id"]: element["segmentation"]["purchase_frequency"]
        for element in (json.loads(export.read_text()) if export.exists() else [])
    }
    folder = tmp_path / "out/delta/customer_segments/_delta_log"
    rows = table(tmp_path, "customer_segments") if folder.exists() else []
    return of_json, {row.customer_id: row.purchase_frequency for row in rows}
