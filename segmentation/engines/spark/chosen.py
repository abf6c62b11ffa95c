"""Did somebody choose Spark? Asked without importing its package, which takes longer than all else before a run."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def launched_by_spark_submit() -> bool:
    """Is this the driver of a `spark-submit`?"""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def has_active_context() -> bool:
    """Has this process a classic Spark session?"""
    core = sys.modules.get("pyspark.core.context") or sys.modules.get("pyspark.context")
    return bool(core and core.SparkContext._active_spark_context)


def master_is_chosen() -> bool:
    """Did the user name a master, in the environment or in spark-defaults.conf?"""
    if "--master" in os.environ.get("PYSPARK_SUBMIT_ARGS", ""):
        return True
    home = os.environ.get("SPARK_HOME")
    folder = os.environ.get("SPARK_CONF_DIR") or (f"{home}/conf" if home else None)
    if folder is None or not Path(folder, "spark-defaults.conf").is_file():
        return False
    lines = Path(folder, "spark-defaults.conf").read_text().replace("=", " ").splitlines()
    return any(line.split()[:1] == ["spark.master"] for line in lines)
