"""What is about Spark's inside: names of jobs, the caller's session, leases, tables looked up beside."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from segmentation.engines.spark.files import Storage
from segmentation.engines.spark.tables import SparkTables
from segmentation.errors import OutputBusyError
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.run.job import Run
from segmentation.run.publication import Publication

from .conftest import GOOD, OTHER, published, table


@pytest.fixture
def run_on_spark(spark: SparkSession, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run the whole job into `tmp_path/out`."""

    def run(*paths: Path) -> dict[str, Any]:
        config = {"output_dir": str(tmp_path / "out"), "max_rejected_ratio": 1}
        return CustomerSegmentationPipeline(config).run("csv", list(paths), spark=spark)

    return run


@pytest.mark.parametrize("moment", [(Publication, "stage"), (SparkTables, "overwrite")], ids=["before", "between"])
def test_a_run_that_lost_its_lease_publishes_nothing(
    moment: tuple[Any, str], spark, run_on_spark, write_csv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "out/lease"
    monkeypatch.setattr(Run, "_lock", lambda run, engine: engine.lock(f"file://{lock}", run.record.run_id))
    run_on_spark(write_csv(GOOD))
    before = published(tmp_path)
    owner, name = moment
    real = getattr(owner, name)

    def overtaken(*arguments, **options):
        Storage(spark).write(f"file://{lock}", json.dumps({"run_id": "another"}))
        return real(*arguments, **options)

    monkeypatch.setattr(owner, name, overtaken)
    with pytest.raises(OutputBusyError, match="another one has taken over"):
        run_on_spark(write_csv(OTHER, "new.csv"))
    assert published(tmp_path) == before
    assert len(table(tmp_path, "runs")) == 1
    assert json.loads(lock.read_text()) == {"run_id": "another"}


def test_looking_up_a_broken_table_is_left_to_whoever_needs_it(spark: SparkSession, tmp_path: Path) -> None:
    log = tmp_path / "broken/_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("no JSON")
    with SparkTables(spark).looked_up([str(tmp_path / "missing"), str(log.parent)]):
        pass
    assert spark.range(3).count() == 3


def test_jobs_are_called_by_their_steps(spark: SparkSession, run_on_spark, write_csv) -> None:
    """What people see in Spark's own pages while a run is going on."""
    run_on_spark(write_csv(GOOD))
    store = spark.sparkContext._jsc.sc().statusStore()
    before = store.jobsList(None).size()
    run_id = run_on_spark(write_csv(GOOD + "broken\n"))["metadata"]["run_id"]
    found = store.jobsList(None)
    jobs = [found.apply(number) for number in range(found.size())]
    names = [job.description().get() if job.description().isDefined() else job.name() for job in jobs]
    ours = {name.split(" (")[0] for name in names[: len(names) - before] if run_id in name and "Delta: " not in name}
    assert {"Read and validate", "Keep rejected rows", "Segment customers", "Write JSON", "Publish"} <= ours


def test_the_callers_session_stays_as_it_was(spark: SparkSession, run_on_spark, write_csv) -> None:
    before = {key: spark.conf.get(key, None) for key in ("spark.sql.session.timeZone", "spark.sql.shuffle.partitions")}
    run_on_spark(write_csv(GOOD))
    assert {key: spark.conf.get(key, None) for key in before} == before
    assert spark.range(1).count() == 1
    assert os.environ.get("SPARK_LOCAL_DIRS") is None
