"""What a configuration asks of an engine, tried on one value before anything is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.texts import purchase_day, with_offset
from segmentation.errors import ConfigError

# A constant frame: Spark computes what is made of it while it plans, without a job.
ONE_DAY = "SELECT * FROM VALUES ('2024-01-05 10:30Z') AS one(text)"
NOTHING = {"local_day": "date", "with_offset": "string"}


def try_dates(session: SparkSession, config: SegmentationConfig) -> None:
    """See that the engine knows the time zone and the patterns for dates.

    Raises:
        ConfigError: it does not; naming the setting.
    """
    # The first query of an engine takes 100 ms, and every engine knows the zone of the defaults.
    usual = config.timezone == SegmentationConfig.model_fields["timezone"].default and not config.date_formats
    if usual or _fails(_days(session, config)) is None:
        return
    for setting, one in _settings(config):
        error = _fails(_days(session, one))
        if error:
            raise ConfigError(f"{setting} cannot be used: the engine does not know it ({error}). Choose another one.")


def _settings(config: SegmentationConfig) -> list[tuple[str, SegmentationConfig]]:
    alone = config.model_copy(update={"date_formats": ()})
    patterns = [
        (f"date_formats: {pattern!r}", config.model_copy(update={"date_formats": (pattern,), "timezone": "UTC"}))
        for pattern in config.date_formats
    ]
    return [(f"timezone: {config.timezone!r}", alone), *patterns]


def _days(session: SparkSession, config: SegmentationConfig) -> DataFrame:
    text = F.col("text")
    given = session.sql(ONE_DAY).withColumn("local_day", F.lit("2024-01-05").cast("date"))
    offset = given.withColumn("with_offset", with_offset(text))
    # Without a day of the standard form, every pattern is tried.
    none = offset.select("text", *[F.lit(None).cast(kind).alias(name) for name, kind in NOTHING.items()])
    return offset.unionByName(none).select(purchase_day(text, config))


def _fails(days: DataFrame) -> str | None:
    """The engine's words, None where it can."""
    try:
        days.collect()
    except Exception as error:  # noqa: BLE001 - every engine has its own, and a first query has no other reason to fail
        return str(error).splitlines()[0][:200]
    return None


@contextmanager
def computable(names: Iterable[str]) -> Iterator[None]:
    """Say of which metrics one cannot be computed, where an engine refuses."""
    try:
        yield
    except PySparkException as error:
        raise ConfigError(
            f"metrics: one of {', '.join(names)} cannot be computed by this engine: {str(error).splitlines()[0]}"
        ) from error
