"""The Spark session: local mode when nobody chose, whatever ``spark-submit`` or the caller brings otherwise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pyspark
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from segmentation.config import SegmentationConfig
from segmentation.engines.spark import jvm
from segmentation.engines.spark.chosen import launched_by_spark_submit, master_is_chosen
from segmentation.engines.spark.jars import cache_folder, known_jars, remember_jars
from segmentation.engines.spark.java import ensure_java
from segmentation.engines.spark.versions import Package, package
from segmentation.errors import ConfigError

DELTA_EXTENSION = "io.delta.sql.DeltaSparkSessionExtension"
DELTA_CATALOG = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
# What a class of each package is called, to see whether the package is there.
PACKAGE_CLASS: dict[Package, str] = {
    "delta": DELTA_EXTENSION,
    "mongodb": "com.mongodb.spark.sql.connector.MongoTableProvider",
}
DATABRICKS = "DATABRICKS_RUNTIME_VERSION"
SHUFFLE_PARTITIONS = "spark.sql.shuffle.partitions"
# Small partitions keep the hash table of a task in the processor's cache: half the time of large ones.
TEXT_PER_SHUFFLE_PARTITION = 8 << 20
MOST_SHUFFLE_PARTITIONS = 4000
# Below this, re-planning a query between its stages takes longer than it can save.
ADAPTIVE_FROM = 64 << 20
LOG_SETTINGS = Path(__file__).resolve().with_name("log4j2.properties")
LOCAL_SETTINGS = {
    "spark.ui.enabled": "false",
    # A line of Python beside each expression, for error messages: four calls to the JVM instead of one.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}
# The meaning of the expressions hangs on these, so the job sets them in a session of its own.
SESSION_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    # A file that cannot be read is an error, not a shorter file.
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    # The default is a type that Parquet has given up, and that others take for times without a zone.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Days before 1582 are those of today's calendar, as they are from Spark 4 on; 3.5 would refuse to write them.
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    # A connection string may hold a password: no plan shows it.
    "spark.sql.redaction.options.regex": "(?i)ur[il]|password",
}

# These only save time, so what the user chose stays.
FAST_SETTINGS = {
    # A part of the customers, or of their ids, is smaller than Spark takes it for; sent to all, it saves a shuffle.
    "spark.sql.autoBroadcastJoinThreshold": str(48 << 20),
    # What a run keeps, it keeps for seconds: looking for the shortest form takes longer than writing the long one.
    "spark.sql.inMemoryColumnarStorage.compressed": "false",
    # Tasks of half the usual size end at about the same time.
    "spark.sql.files.maxPartitionBytes": str(64 << 20),
    # The number of partitions fits the input already, see `fit_to`.
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.databricks.delta.writeChecksumFile.enabled": "false",
}


def session_for(
    config: SegmentationConfig, source: str, spark: SparkSession | None, progress_bar: bool, input_size: int | None
) -> SparkSession:
    """A session of the job's own: beside the caller's `spark`, or one that `open_session` finds or starts."""
    if spark is not None:
        return job_session(spark, required_packages(config, source, spark.version))
    return open_session(config, source, progress_bar, input_size)


def open_session(
    config: SegmentationConfig, source: str, progress_bar: bool = False, input_size: int | None = None
) -> SparkSession:
    """The running session, or a new one with the packages that Delta and the source need.

    Args:
        config: names of packages, whether MongoDB is written to.
        source: ``csv``, ``mongodb`` or ``table``.
        progress_bar: show Spark's own progress on the terminal.
        input_size: bytes to read, None if it is not known; a JVM in local mode is started to fit.

    Raises:
        ConfigError: there is no Java, or the Spark that was chosen lacks a package; the message says what to do.
    """
    coordinates = required_packages(config, source, pyspark.__version__)
    builder = (
        SparkSession.builder.appName("customer-segmentation")
        .config("spark.sql.extensions", DELTA_EXTENSION)
        .config("spark.sql.catalog.spark_catalog", DELTA_CATALOG)
    )
    if launched_by_spark_submit():
        return job_session(builder.getOrCreate(), coordinates)
    starts_here = SparkSession.getActiveSession() is None
    if starts_here:
        ensure_java()
    settings = {"spark.ui.showConsoleProgress": str(progress_bar).lower()}
    is_local = not master_is_chosen()
    jars = known_jars(coordinates.values()) if is_local else None
    if jars:
        settings["spark.driver.extraClassPath"] = os.pathsep.join(jars)
    else:
        settings["spark.jars.packages"] = ",".join(coordinates.values())
    if is_local:
        settings |= _local_settings(jvm.options(input_size, jars or [], cache_folder()))
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    session = job_session(spark, coordinates)
    if not jars and starts_here:
        remember_jars(coordinates.values(), spark.sparkContext.getConf().get("spark.jars", ""))
    return session


def _local_settings(java_options: Sequence[str]) -> dict[str, str]:
    # Inside a zip archive it is no file, and Spark's own configuration serves.
    log = [f"-Dlog4j2.configurationFile={LOG_SETTINGS.as_uri()}"] if LOG_SETTINGS.is_file() else []
    quoted = " ".join(f'"{option}"' for option in [*java_options, *log])
    return {"spark.master": "local[*]", **LOCAL_SETTINGS, "spark.driver.extraJavaOptions": quoted}


def job_session(spark: SparkSession, coordinates: dict[Package, str]) -> SparkSession:
    """A session beside `spark`, on the same cluster, with the settings that the job's meaning hangs on.

    Raises:
        ConfigError: a package is missing, or the session is one of Spark Connect.
    """
    if "connect" in type(spark).__module__:
        raise ConfigError(
            "A Spark Connect session has no JVM in this process, which the job needs to look into files and to publish "
            "in one step: use spark-submit on the cluster, or a classic session (SparkSession.builder.master(...))."
        )
    # Databricks brings Delta Lake without being told.
    is_built_in = DATABRICKS in os.environ
    for name, coordinate in coordinates.items():
        if not (is_built_in and name == "delta") and not _has_class(spark, PACKAGE_CLASS[name]):
            raise ConfigError(
                f"This Spark session lacks the package for {name}. "
                f"Add it when Spark is started: spark-submit --packages {coordinate} ..."
            )
    if not is_built_in and DELTA_EXTENSION not in str(spark.conf.get("spark.sql.extensions", "")):
        raise ConfigError(
            "This Spark session was started without Delta Lake. Start it with "
            f"spark.sql.extensions={DELTA_EXTENSION} and spark.sql.catalog.spark_catalog={DELTA_CATALOG}."
        )
    session = spark.newSession()
    chosen = spark.sparkContext.getConf()
    fast = {key: value for key, value in FAST_SETTINGS.items() if not chosen.contains(key)}
    for key, value in {**SESSION_SETTINGS, **fast}.items():
        session.conf.set(key, value)
    return session


def fit_to(spark: SparkSession, size: int) -> None:
    """Choose the number of shuffle partitions for `size` bytes of text, unless the user chose one.

    Spark's 200 make a small run wait for empty tasks and a large one spill.
    """
    spark.conf.set("spark.sql.adaptive.enabled", str(size >= ADAPTIVE_FROM).lower())
    if spark.sparkContext.getConf().contains(SHUFFLE_PARTITIONS):
        return
    wanted = -(-size // TEXT_PER_SHUFFLE_PARTITION)
    spark.conf.set(SHUFFLE_PARTITIONS, str(min(max(wanted, 1), MOST_SHUFFLE_PARTITIONS)))


def required_packages(config: SegmentationConfig, source: str, spark_version: str) -> dict[Package, str]:
    """The coordinates of what a run needs; the connector only where MongoDB takes part."""
    with_mongodb = source == "mongodb" or config.publish_to_mongodb is not None
    needed: list[Package] = ["delta", "mongodb"] if with_mongodb else ["delta"]
    return {name: package(name, spark_version, config.packages) for name in needed}


def _has_class(spark: SparkSession, name: str) -> bool:
    try:
        spark.sparkContext._jvm.java.lang.Thread.currentThread().getContextClassLoader().loadClass(name)  # type: ignore[union-attr]
    except Py4JJavaError:
        return False
    return True
