"""Sources: whatever holds purchases -> one raw frame of text, `schemas.RAW_COLUMNS`."""

from __future__ import annotations

from typing import NamedTuple

from pyspark.sql import DataFrame


class RawRows(NamedTuple):
    """What a source found: the raw frame, and about how many bytes of text it holds."""

    frame: DataFrame
    size: int
