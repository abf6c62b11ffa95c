"""Which engine a run gets, and the sentence why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

from segmentation.config import SegmentationConfig
from segmentation.config.table import Table
from segmentation.core.date_formats import digits_of
from segmentation.core.own.own import only_spark_knows
from segmentation.engines.base import Engine
from segmentation.engines.spark.chosen import has_active_context, launched_by_spark_submit, master_is_chosen
from segmentation.errors import ConfigError, install
from segmentation.local_files import local_files
from segmentation.locations import DELTA_LOG, HADOOP_ONLY, local_path, text_size

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SPILL = ".spill"
EMBEDDED_PACKAGES = ("pysail", "deltalake", "pyarrow", "pandas", "grpc")
# What its parts take for patterns or codes in a path.
MARKS = frozenset("*?[]{}%#|\\")
# Whose protocol it speaks.
OLDEST_PYSPARK = 4
INSTALL_EMBEDDED = install("embedded")


@dataclass(frozen=True)
class Task:
    """What an engine has to do.

    Attributes:
        source: ``csv``, ``mongodb``, ``table`` or somebody's own.
        paths: of the source.
        output: where to publish.
        table: the table, where that is the source.
        only_spark: why only Spark can read somebody's own source, None where it need not.
    """

    source: str
    paths: Sequence[str]
    output: str
    table: Table | None = None
    only_spark: str | None = None

    @cached_property
    def files(self) -> list[Path]:
        """What is read on this machine, listed once."""
        places = [local_path(path) for path in self.paths]
        return [file for place in places if place for file in local_files(str(place))]

    @property
    def size(self) -> int | None:
        """Bytes of text, compressed files taken for what they hold; None where not all of it is here, or nothing is."""
        if not self.files or any(local_path(path) is None for path in self.paths):
            return None
        return sum(text_size(str(file), file.stat().st_size) for file in self.files)


@dataclass(frozen=True)
class Choice:
    """An engine, not yet open, and why it is this one."""

    name: str
    why: str


def choose(config: SegmentationConfig, task: Task, spark: SparkSession | None) -> Choice:
    """The engine for a task.

    Raises:
        ConfigError: the embedded engine was asked for, and cannot do it or is not installed.
    """
    needed, chosen = _only_spark_can(config, task), _spark_is_chosen(spark)
    if config.engine == "embedded":
        _refuse(needed or ("spark= was given" if spark is not None else None))
        return Choice("embedded", "it was asked for")
    if config.engine == "spark":
        return Choice("spark", "it was asked for")
    if chosen or needed:
        return Choice("spark", str(chosen or needed))
    too_large = _too_large(config, task)
    if too_large:
        return Choice("spark", too_large)
    missing = missing_packages()
    if missing:
        return Choice("spark", f"the embedded engine lacks {', '.join(missing)} ({INSTALL_EMBEDDED})")
    return Choice("embedded", "everything is on this machine")


def missing_packages() -> list[str]:
    """What the embedded engine lacks here; not on every machine there is a wheel of all."""
    missing = [name for name in EMBEDDED_PACKAGES if find_spec(name) is None]
    if int(version("pyspark").split(".")[0]) < OLDEST_PYSPARK:
        missing.append(f"pyspark {OLDEST_PYSPARK}")
    return missing


def open_engine(
    choice: Choice, config: SegmentationConfig, task: Task, spark: SparkSession | None, progress_bar: bool
) -> Engine:
    """Open what was chosen; the caller closes it."""
    local = local_path(task.output)
    if local:
        # A killed run may have left it, whichever engine comes next.
        rmtree(local / SPILL, ignore_errors=True)
    if choice.name == "embedded":
        from segmentation.engines.embedded.engine import EmbeddedEngine, memory_for

        return EmbeddedEngine(memory_for(config.embedded_memory), Path(task.output, SPILL), choice.why)
    from segmentation.engines.spark.engine import SparkEngine
    from segmentation.engines.spark.session import session_for

    session = session_for(config, task.source, spark, progress_bar, task.size)
    return SparkEngine(session, choice.why)


def _only_spark_can(config: SegmentationConfig, task: Task) -> str | None:
    if task.source == "mongodb" or config.publish_to_mongodb:
        return "only Spark reads and writes MongoDB"
    if task.only_spark:
        return task.only_spark
    if task.table and task.table.is_name:
        return f"{task.table.place} is a table of the catalog, which only Spark has (there is no such path)"
    elsewhere = [place for place in (*task.paths, task.output) if local_path(place) is None]
    if elsewhere:
        return f"{elsewhere[0]} is not on this machine"
    if any(mark in MARKS or mark < " " for mark in task.output):
        return f"the embedded engine cannot publish to a path with one of {' '.join(sorted(MARKS))} or a line break"
    if any(map(_is_odd_delta, [*task.paths, *([task.table.place] if task.table else [])])):
        return r"the embedded engine cannot read a Delta table at a path with one of % \ or a line break"
    worded = [pattern for pattern in config.date_formats if digits_of(pattern) is None]
    if worded:
        return f"only Spark reads dates of the form {worded[0]}"
    own = only_spark_knows(config)
    if own:
        return own
    packed = [file for file in task.files if file.suffix in HADOOP_ONLY]
    return f"only Spark reads {packed[0].suffix} ({packed[0].name})" if packed else None


def _is_odd_delta(place: str) -> bool:
    is_odd = any(mark in "%\\" or mark < " " for mark in place)
    return is_odd and (Path(str(local_path(place))) / DELTA_LOG).is_dir()


def _spark_is_chosen(spark: SparkSession | None) -> str | None:
    if spark is not None:
        return "spark= was given"
    if launched_by_spark_submit():
        return "spark-submit started this"
    if has_active_context():
        return "a Spark session is active in this process"
    return "a master is set for Spark" if master_is_chosen() else None


def _too_large(config: SegmentationConfig, task: Task) -> str | None:
    size = task.size or 0
    if size <= config.embedded_max_bytes:
        return None
    return f"{size:,} bytes of text are more than embedded_max_bytes ({config.embedded_max_bytes:,})"


def _refuse(reason: str | None) -> None:
    if reason:
        raise ConfigError(f"--engine embedded was asked for, but {reason}: use --engine spark or auto.")
    missing = missing_packages()
    if missing:
        raise ConfigError(f"--engine embedded needs {', '.join(missing)}: {INSTALL_EMBEDDED}, or use --engine spark.")
