"""Real stores on loopback: HDFS (a name node and a data node), and a server that speaks S3."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

from .cluster import JAVA
from .processes import SPARK_HOME, free_port, get_json, kill, wait_for

HADOOP = re.sub(r".*hadoop-client-api-(.*)\.jar", r"\1", str(next(SPARK_HOME.glob("jars/hadoop-client-api-*.jar"))))
RESOLVE = """
import sys
from pyspark.sql import SparkSession
builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
spark = builder.config("spark.jars.packages", sys.argv[1]).config("spark.jars.excludes", sys.argv[2]).getOrCreate()
print("jars:" + spark.sparkContext.getConf().get("spark.jars"))
"""


def resolve(packages: list[str], without: list[str]) -> list[str]:
    """The files of Maven packages, the way Spark itself fetches and keeps them."""
    command = [sys.executable, "-c", RESOLVE, ",".join(packages), ",".join(without)]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [jar.removeprefix("file:") for jar in found.split("jars:")[1].strip().split(",")]


class Hdfs:
    """HDFS of the version that Spark's client has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.http_port = free_port(), free_port()
        self.uri = f"hdfs://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Hdfs:
        client = ["org.apache.hadoop:hadoop-client-api", "org.apache.hadoop:hadoop-client-runtime"]
        jars = resolve([f"org.apache.hadoop:hadoop-client-minicluster:{HADOOP}"], client)
        self._write("core-site.xml", {"fs.defaultFS": self.uri})
        self._write(
            "hdfs-site.xml",
            {
                "dfs.namenode.name.dir": (self.folder / "name").as_uri(),
                "dfs.datanode.data.dir": (self.folder / "data").as_uri(),
                "dfs.replication": "1",
                "dfs.permissions.enabled": "false",
                "dfs.namenode.http-address": f"127.0.0.1:{self.http_port}",
                **{f"dfs.datanode.{name}address": "127.0.0.1:0" for name in ("", "http.", "ipc.")},
            },
        )
        java = [str(JAVA), "-Xmx256m", "-cp", os.pathsep.join([str(self.folder), *jars, f"{SPARK_HOME}/jars/*"])]
        name_node = [*java, "org.apache.hadoop.hdfs.server.namenode.NameNode"]
        try:
            subprocess.run([*name_node, "-format", "-nonInteractive"], check=True, capture_output=True)
            for command in (name_node, [*java, "org.apache.hadoop.hdfs.server.datanode.DataNode"]):
                with (self.folder / "log").open("ab") as log:
                    started = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
                self.processes.append(started)
            wait_for("the data node", self._is_ready)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            kill(process)

    def _write(self, file: str, settings: dict[str, str]) -> None:
        line = "<property><name>{}</name><value>{}</value></property>"
        lines = "".join(line.format(name, value) for name, value in settings.items())
        (self.folder / file).write_text(f"<configuration>{lines}</configuration>")

    def _is_ready(self) -> bool:
        query = "jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState"
        beans = (get_json(f"http://127.0.0.1:{self.http_port}/{query}") or {}).get("beans", [])
        return bool(beans) and beans[0]["NumLiveDataNodes"] == 1


class S3:
    """A server that speaks S3, with one bucket, and what Spark needs to speak with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.uri = "s3a://bucket"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> S3:
        server = [str(Path(sys.executable).with_name("moto_server")), "--host", "127.0.0.1", "--port", str(self.port)]
        with (self.folder / "s3.log").open("ab") as log:
            self.process = subprocess.Popen(server, stdout=log, stderr=log, start_new_session=True)
        wait_for("the S3 server", self._make_bucket)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process:
            kill(self.process)

    def _make_bucket(self) -> bool:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/bucket", method="PUT")
        try:
            with urllib.request.urlopen(request, timeout=5):
                return True
        except OSError:
            return False
