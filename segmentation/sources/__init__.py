"""Sources: whatever holds purchases -> one raw frame of text, `schemas.RAW_COLUMNS`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pyspark.sql import DataFrame


class RawRows(NamedTuple):
    """What a source found: the raw frame, about how many bytes of text it holds, and the names in it."""

    frame: DataFrame
    size: int
    names: Sequence[str]
