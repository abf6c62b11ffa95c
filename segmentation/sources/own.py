"""A source of somebody's own -> the raw frame: its rows are kept as a table, and read as any table is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame

from segmentation.config import SegmentationConfig
from segmentation.engines.base import Engine, TypedRows
from segmentation.errors import NoDataError, SegmentationError, SourceError
from segmentation.locations import join, text_size
from segmentation.sources import RawRows
from segmentation.sources.base import Source
from segmentation.sources.tables import rows_of_parts


def read_own(engine: Engine, source: Source, name: str, config: SegmentationConfig, folder: str) -> RawRows:
    """Ask a source for its purchases.

    Args:
        engine: what reads, and keeps the rows, for a source may give others when it is asked twice.
        source: where they come from.
        name: what the source is called.
        config: how columns are called and amounts are written.
        folder: where the rows are kept until the run ends.

    Returns:
        The raw frame, `RAW_COLUMNS`: one row per row of the source, all text; the only source is `name`.

    Raises:
        NoDataError: it has no rows.
        MissingColumnsError: it lacks a column.
        SourceError: it fails, gives no frame, or a column has a type that cannot stand for a value.
    """
    kept = join(folder, "rows")
    _keep(engine, source, name, kept)
    files = engine.files.files(kept)
    parts = engine.parquet_rows(files, join(folder, "read")) if files else []
    if not parts:
        raise NoDataError(f"there are no rows in {name}.")
    size = sum(text_size(file.path, file.size) for file in files)
    return rows_of_parts(_named(parts, name), size, name, config.named_columns, config.marks)


def told_by(source: Source, name: str) -> str | None:
    """What a source says of its purchases, `Source.fingerprint`.

    Raises:
        SourceError: it fails, or says what is no text.
    """
    with _named_failure(name):
        told = source.fingerprint()
    if told is not None and not isinstance(told, str):
        raise SourceError(
            f"The source {name!r} gave a {type(told).__name__} as its fingerprint: fingerprint() must return a text, "
            "or None."
        )
    return told


def _keep(engine: Engine, source: Source, name: str, folder: str) -> None:
    with _named_failure(name):
        engine.stage(_frame(source.purchases(engine.session), name), folder)


@contextmanager
def _named_failure(name: str) -> Iterator[None]:
    try:
        yield
    except SegmentationError:
        raise
    except (Exception, SystemExit) as error:
        reason = str(error).strip().partition("\n")[0]
        raise SourceError(f"The source {name!r} failed: {type(error).__name__}: {reason}.") from error


def _frame(given: Any, name: str) -> DataFrame:
    if not isinstance(given, DataFrame):
        kind = type(given)
        raise SourceError(
            f"The source {name!r} gave a {kind.__module__}.{kind.__qualname__}: purchases() must return a DataFrame of "
            "Spark's, which session.createDataFrame makes."
        )
    return given


def _named(parts: Sequence[TypedRows], name: str) -> list[TypedRows]:
    return [replace(part, where=f"the source {name!r}") for part in parts]
