"""Columns that lie in the names of folders: ``category=Kids/part-0.parquet``. Every value is text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import unquote

from segmentation.engines.stores import StoredFile
from segmentation.locations import readable

# What Hive, Spark and Arrow write for null.
NULL = "__HIVE_DEFAULT_PARTITION__"


def partitions_of(file: StoredFile) -> dict[str, str | None]:
    """The columns that the folders of a file stand for, decoded."""
    parts = [part.partition("=") for part in readable(file.uri).split("/")[:-1] if "=" in part]
    return {unquote(name): None if value == NULL else unquote(value) for name, _, value in parts if name}


def by_columns(
    files: Sequence[StoredFile], columns_of: Callable[[StoredFile], Mapping[str, str]]
) -> dict[tuple[tuple[str, str], ...], list[StoredFile]]:
    """Files by their columns, name and type; a column that a file holds itself goes before a folder of that name."""
    groups: dict[tuple[tuple[str, str], ...], list[StoredFile]] = defaultdict(list)
    for file in files:
        own = columns_of(file)
        there = {name.strip().lower() for name in own}
        others = {name: "string" for name in partitions_of(file) if name.strip().lower() not in there}
        groups[tuple({**own, **others}.items())].append(file)
    return groups
