"""Sources: whatever holds purchases -> one raw frame of text, `schemas.RAW_COLUMNS`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pyspark.sql import DataFrame


class RawRows(NamedTuple):
    """What a source found: the raw frame, about how many bytes of text it holds, and the names in it.

    `high` is the largest value of the field by which a collection tells what is new, in extended JSON.
    """

    frame: DataFrame
    size: int
    names: Sequence[str]
    high: Any = None
