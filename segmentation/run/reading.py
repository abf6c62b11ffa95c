"""The source of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame

from segmentation.config import SegmentationConfig
from segmentation.core.currencies import RATES_SCHEMA, rate_rows
from segmentation.engines.base import Engine
from segmentation.engines.stores import StoredFile
from segmentation.locations import join
from segmentation.run.request import Request
from segmentation.sources import RawRows
from segmentation.sources.csv import read_csv
from segmentation.sources.layout import Form
from segmentation.sources.own import read_own
from segmentation.sources.tables import read_table


def read(
    engine: Engine,
    request: Request,
    config: SegmentationConfig,
    files: Sequence[StoredFile],
    folder: str,
    high: Any = None,
) -> RawRows:
    """What was asked for, as the configuration says.

    Args:
        engine: what reads.
        request: the source.
        config: how it is to be read.
        files: the CSV files to read, where these are the source.
        folder: for what the engine needs until the run ends.
        high: of a collection, read what may be new since this was `RawRows.high`.
    """
    if request.source == "mongodb" and config.mongodb:
        from segmentation.sources.mongodb import read_mongodb

        return read_mongodb(engine.session, config.mongodb, config.named_columns, config.marks, high)
    if request.own:
        return read_own(engine, request.own, request.source, config, join(folder, "own"))
    if request.table:
        return read_table(engine, request.table, config.table_columns, config.marks, join(folder, "table"))
    return read_csv(engine, files, form_of(config), join(folder, "text"))


def form_of(config: SegmentationConfig) -> Form:
    """What a configuration tells of CSV files."""
    return Form(config.columns, config.encoding, config.delimiter, config.skip_lines, config.further_names)


def rates_of(engine: Engine, config: SegmentationConfig) -> DataFrame | None:
    """What each currency is worth on each day, `currencies.RATES_SCHEMA`; None where there is but one."""
    return engine.rows(rate_rows(config.currencies), RATES_SCHEMA) if config.currencies else None
