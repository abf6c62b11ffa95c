"""A real standalone cluster of Spark on loopback, out of the Spark that pip installed: a master and its workers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyspark

from segmentation.engines.spark.java import ensure_java
from segmentation.engines.spark.session import LOG_SETTINGS

from .processes import DELTA, JOB, ROOT, SPARK_HOME, ended, free_port, get_json, kill, spark_submit, wait_for

JAVA = ensure_java() / "bin" / "java"
# Two executors of one core fit two cores; the quick compiler is for tests that start many drivers.
CONF = {
    "spark.executor.cores": "1",
    "spark.executor.memory": "1g",
    "spark.driver.memory": "1g",
    "spark.dynamicAllocation.initialExecutors": "2",
    "spark.dynamicAllocation.minExecutors": "2",
    "spark.dynamicAllocation.maxExecutors": "2",
    "spark.eventLog.compress": "false",
    # The job has its own words; of Spark, errors alone.
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={LOG_SETTINGS.as_uri()}",
}
# What Hadoop starts on a machine; Python is not among it.
TOOLS = ("chmod", "id", "ls", "readlink", "stat", "uname")
FLAGS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
QUICK = {
    "spark.driver.extraJavaOptions": f"{CONF['spark.driver.extraJavaOptions']} {FLAGS}",
    "spark.executor.extraJavaOptions": FLAGS,
}


class Cluster:
    """A master, and workers whose environment knows no Python; `folder` takes their logs and work."""

    def __init__(self, folder: Path, workers: int = 2, local_dirs: Path | None = None) -> None:
        self.folder = folder
        self.port, self.ui_port, self.driver_ui_port = free_port(), free_port(), free_port()
        self.url = f"spark://127.0.0.1:{self.port}"
        self.events = folder / "events"
        self.wanted = workers
        self.started = 0
        self.local_dirs = local_dirs or folder / "local"
        self.master: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []
        self.drivers: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Cluster:
        self.events.mkdir(parents=True, exist_ok=True)
        self.local_dirs.mkdir(parents=True, exist_ok=True)
        (self.folder / "bin").mkdir(exist_ok=True)
        for tool in TOOLS:
            (self.folder / "bin" / tool).symlink_to(str(shutil.which(tool)))
        try:
            self.start_master()
            self.fill_up()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start_master(self) -> None:
        """Start it, or start it again: it remembers workers and applications."""
        recovery = {"recoveryMode": "FILESYSTEM", "recoveryDirectory": str(self.folder / "recovery")}
        options = [f"-Dspark.deploy.{key}={value}" for key, value in recovery.items()]
        ports = ["--port", str(self.port), "--webui-port", str(self.ui_port)]
        self.master = self._daemon("master", [*options, "org.apache.spark.deploy.master.Master"], ports)
        wait_for("the master", lambda: self.state())

    def fill_up(self) -> None:
        """Start workers until as many as wanted are alive."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < self.wanted:
            where = ["--cores", "1", "--memory", "1g", "--work-dir", str(self.folder / "work"), self.url]
            # Each on an address of its own: Spark starts no second attempt on the host of the first.
            self.started += 1
            host = f"127.0.0.{1 + self.started}"
            self.workers.append(self._daemon("worker", ["org.apache.spark.deploy.worker.Worker"], where, host))
        wait_for("the workers", lambda: self.alive() >= self.wanted)

    def _daemon(
        self, name: str, java: list[str], options: list[str], host: str = "127.0.0.1"
    ) -> subprocess.Popen[bytes]:
        command = [str(JAVA), "-Xmx512m", "-cp", f"{SPARK_HOME}/jars/*", *java, "--host", host, *options]
        env = {
            "PATH": str(self.folder / "bin"),
            "JAVA_HOME": str(JAVA.parents[1]),
            "SPARK_HOME": str(SPARK_HOME),
            "SPARK_SCALA_VERSION": "2.12" if pyspark.__version__.startswith("3.") else "2.13",
            "SPARK_LOCAL_IP": host,
            "SPARK_LOCAL_DIRS": str(self.local_dirs),
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)

    def state(self) -> dict[str, Any]:
        return get_json(f"http://127.0.0.1:{self.ui_port}/json/") or {}

    def alive(self) -> int:
        return sum(worker["state"] == "ALIVE" for worker in self.state().get("workers", []))

    def kill_worker(self) -> None:
        """Kill a worker and its executor, as if their machine were gone."""
        kill(self.workers.pop(0))

    def kill_master(self) -> None:
        assert self.master
        kill(self.master)

    def stop(self) -> None:
        for process in [*self.drivers, *self.workers, self.master]:
            if process and process.poll() is None:
                kill(process)

    def submit(
        self, *options: object, conf: Mapping[str, str] | None = None, log: Path | None = None
    ) -> subprocess.Popen[str]:
        """The job, submitted as the docs say, the cluster's shape apart; `log` takes what it says."""
        settings = {
            **CONF,
            "spark.eventLog.dir": self.events.as_uri(),
            "spark.ui.port": str(self.driver_ui_port),
            "spark.ui.showConsoleProgress": "false",
            "spark.pyspark.python": "/no/python/here",
            "spark.pyspark.driver.python": sys.executable,
            **(conf or {}),
        }
        shape = ["--properties-file", str(ROOT / "conf/spark/standalone-client.conf"), "--master", self.url]
        driver = spark_submit(
            JOB,
            *options,
            options=[*shape, "--packages", DELTA],
            conf=settings,
            env={"SPARK_LOCAL_IP": "127.0.0.1"},
            log=log,
        )
        self.drivers.append(driver)
        return driver

    def run(self, *options: object, conf: Mapping[str, str] | None = None) -> str:
        """The job, submitted and waited for; what it says, if it succeeds."""
        code, said = ended(self.submit(*options, conf=conf))
        assert code == 0, said[-6000:]
        return said

    def wait_for_step(self, name: str, seconds: float = 300) -> None:
        """Until the driver runs a Spark job of that step."""
        wait_for(name, lambda: any(job.startswith(name) for job in self.running_jobs()), seconds)

    def running_jobs(self) -> list[str]:
        """What the driver's own pages call the jobs that run right now."""
        api = f"http://127.0.0.1:{self.driver_ui_port}/api/v1/applications"
        found = get_json(api) or []
        jobs = get_json(f"{api}/{found[0]['id']}/jobs?status=running") if found else None
        return [job.get("description") or job["name"] for job in jobs or []]

    def tasks(self) -> Iterator[dict[str, Any]]:
        """The tasks of the application that ended last, from its event log."""
        logs = sorted(self.events.iterdir(), key=lambda path: path.stat().st_mtime)
        files = [logs[-1]] if logs[-1].is_file() else sorted(logs[-1].glob("events_*"))
        for file in files:
            with file.open() as lines:
                for line in lines:
                    if '"SparkListenerTaskEnd"' in line:
                        yield json.loads(line)

    def tasks_by_executor(self) -> Counter[str]:
        return Counter(task["Task Info"]["Executor ID"] for task in self.tasks())
