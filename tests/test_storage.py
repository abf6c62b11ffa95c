"""Purchases from a store, outputs in it: HDFS and S3, each a real server on loopback."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyspark
import pytest

from segmentation.engines.spark.lease import DEAD_AFTER
from segmentation.engines.spark.session import DELTA_CATALOG, DELTA_EXTENSION
from segmentation.engines.spark.session import LOG_SETTINGS as LOG

from .processes import DELTA, JOB, ROOT, ended, kill, spark_submit, two_inputs
from .stores import HADOOP, S3, Hdfs

# Of Amazon's library only what S3 needs; the whole of it has 600 MB.
SDK = "2.35.4"
S3_PACKAGES = [
    f"org.apache.hadoop:hadoop-aws:{HADOOP}",
    *(f"software.amazon.awssdk:{name}:{SDK}" for name in ("s3", "sts", "s3-transfer-manager")),
]

pytestmark = [pytest.mark.slow, pytest.mark.cluster]


class Store:
    """A store, and the job run in local mode on it."""

    def __init__(self, uri: str, packages: list[str], settings: dict[str, str]) -> None:
        self.uri = uri
        self.options = ["--master", "local[2]", "--packages", ",".join([DELTA, *packages])]
        self.conf = {
            "spark.driver.extraJavaOptions": f"-XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile={LOG.as_uri()}",
            "spark.sql.extensions": DELTA_EXTENSION,
            "spark.sql.catalog.spark_catalog": DELTA_CATALOG,
            "spark.ui.enabled": "false",
            **settings,
        }

    def submit(self, script: Path, *arguments: object) -> subprocess.Popen[str]:
        env = {"PYSPARK_PYTHON": sys.executable}
        return spark_submit(script, *arguments, options=self.options, conf=self.conf, env=env)

    def job(self, *arguments: object) -> tuple[int, str]:
        """The exit code, and what was said."""
        return ended(self.submit(JOB, *arguments))

    def seen(self, root: str) -> dict[str, Any]:
        _, said = ended(self.submit(ROOT / "tests/read_output.py", root))
        assert "seen:" in said, said[-3000:]
        return json.loads(said.split("seen:")[1].splitlines()[0])


@pytest.fixture(scope="module")
def hdfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Hdfs(tmp_path_factory.mktemp("hdfs")) as server:
        yield Store(server.uri, [], {"spark.hadoop.fs.defaultFS": server.uri, "spark.hadoop.dfs.replication": "1"})


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with S3(tmp_path_factory.mktemp("s3")) as server:
        settings = {
            "endpoint": f"http://127.0.0.1:{server.port}",
            "endpoint.region": "us-east-1",
            "path.style.access": "true",
            "access.key": "somebody",
            "secret.key": "very-secret-indeed",
        }
        of_spark = {f"spark.hadoop.fs.s3a.{key}": value for key, value in settings.items()}
        of_spark["spark.jars.excludes"] = "software.amazon.awssdk:bundle"
        yield Store(server.uri, S3_PACKAGES, of_spark)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, str]:
    """Two inputs, and the digest of what each must become."""
    made = two_inputs(tmp_path_factory.mktemp("inputs"), 5_000)
    return {path: hashlib.sha256(content).hexdigest() for path, content in made.items()}


COPY = """
import sys
from pyspark.sql import SparkSession
from segmentation.engines.spark.files import Storage
spark = SparkSession.builder.getOrCreate()
storage = Storage(spark)
for source, target in zip(sys.argv[1::2], sys.argv[2::2]):
    storage.write(target, open(source).read())
print("created:", storage.create_new(target + ".lock", "one"), storage.create_new(target + ".lock", "two"))
print("holds:", storage.read(target + ".lock"))
"""


def put(store: Store, files: dict[Path, str], folder: Path) -> None:
    script = folder / "put.py"
    script.write_text(COPY)
    places = [part for source, target in files.items() for part in (source, target)]
    code, said = ended(store.submit(script, *places))
    assert code == 0, said[-3000:]
    # What the lock stands on.
    assert "created: True False\nholds: one" in said


def test_hdfs(hdfs: Store, inputs: dict[Path, str], tmp_path: Path) -> None:
    path = next(iter(inputs))
    root = f"{hdfs.uri}/segmentation/an output"
    put(hdfs, {path: f"{hdfs.uri}/in/{path.name}"}, tmp_path)
    code, said = hdfs.job("--csv-path", f"{hdfs.uri}/in/{path.name}", "--output-dir", root)
    assert code == 0, said[-3000:]
    assert hdfs.seen(root) == {"json": inputs[path], "same": True, "outcomes": ["succeeded"]}
    # Without a log file, the lines on the console name the run.
    run_id = re.findall(r" INFO (\S+) Run started", said)[0]
    assert sum(run_id in line for line in said.splitlines()) >= 6
    code, said = hdfs.job("--csv-path", f"{hdfs.uri}/in/{path.name}", "--output-dir", "/segmentation/bare")
    assert code == 2
    assert f"write file:///segmentation/bare for the disk of this machine, or {hdfs.uri}/segmentation/bare" in said


def test_a_killed_run_on_hdfs_is_succeeded(hdfs: Store, inputs: dict[Path, str]) -> None:
    first, second = inputs
    root = f"{hdfs.uri}/segmentation/killed"
    code, said = hdfs.job("--csv-path", first.as_uri(), "--output-dir", root)
    assert code == 0, said[-3000:]
    killed = hdfs.submit(JOB, "--csv-path", second.as_uri(), "--output-dir", root)
    assert killed.stdout
    next(line for line in killed.stdout if "Repair" in line)
    kill(killed)
    code, said = hdfs.job("--csv-path", second.as_uri(), "--output-dir", root)
    assert (code, "If it is dead, the output is free at" in said) == (5, True), said[-3000:]
    assert hdfs.seen(root)["json"] == inputs[first]
    time.sleep(DEAD_AFTER.total_seconds())
    code, said = hdfs.job("--csv-path", second.as_uri(), "--output-dir", root)
    assert (code, "this run takes over" in said) == (0, True), said[-3000:]
    assert hdfs.seen(root) == {"json": inputs[second], "same": True, "outcomes": ["succeeded"] * 2}


def test_two_runs_at_once_on_hdfs(hdfs: Store, inputs: dict[Path, str]) -> None:
    root = f"{hdfs.uri}/segmentation/two"
    both = [hdfs.submit(JOB, "--csv-path", path.as_uri(), "--output-dir", root) for path in inputs]
    ends = [ended(process) for process in both]
    assert sorted(code for code, _ in ends) == [0, 5], ends
    seen = hdfs.seen(root)
    assert (seen["json"] in inputs.values(), seen["same"]) == (True, True)


@pytest.mark.skipif(pyspark.__version__ < "4", reason="Hadoop 3.3's client needs Amazon's older library")
def test_s3(s3: Store, inputs: dict[Path, str], tmp_path: Path) -> None:
    root = f"{s3.uri}/segmentation/out"
    put(s3, {path: f"{s3.uri}/in/{path.name}" for path in inputs}, tmp_path)
    for count, path in enumerate(inputs, 1):
        code, said = s3.job("--csv-path", f"{s3.uri}/in/{path.name}", "--output-dir", root)
        assert code == 0, said[-3000:]
        assert "very-secret-indeed" not in said
        assert s3.seen(root) == {"json": inputs[path], "same": True, "outcomes": ["succeeded"] * count}
    code, said = s3.job("--csv-path", f"{s3.uri}/no/such.csv", "--output-dir", root)
    assert (code, "very-secret-indeed" in said) == (3, False), said[-3000:]
