"""Which table purchases are read from: a Delta table, Parquet files, or a table of Spark's catalog."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Literal

from pydantic import model_validator

from segmentation.config.values import Columns, Model, Name
from segmentation.errors import ConfigError
from segmentation.locations import local_path

Format = Literal["delta", "parquet"]
# database.table or catalog.database.table, parts in backticks where they hold other characters.
PART = r"(?:`[^`]+`|\w+)"
CATALOG_NAME = re.compile(rf"{PART}(?:\.{PART}){{1,2}}")
# What a file is called, and no table is.
FILE_ENDINGS = (".parquet", ".delta", ".csv", ".gz", ".json", ".orc", ".avro", ".txt", ".xlsx", ".zip")
TELL = "name it with --table PATH_OR_NAME, or add table: {path: ...} or table: {name: ...} to the configuration"


class TableConfig(Model):
    """A table that purchases are read from."""

    path: Name | None = None
    name: Name | None = None
    format: Format | None = None
    columns: Columns = {}

    @model_validator(mode="after")
    def _one_place(self) -> TableConfig:
        if self.path is not None and self.name is not None:
            raise ValueError("give either 'path' or 'name', not both")
        if self.name is not None and self.format is not None:
            raise ValueError("'format' is for a path; the catalog knows what a table is stored as")
        return self


@dataclass(frozen=True)
class Table:
    """What is to be read: `place` is a path or, where `is_name`, a name of the catalog; `format` None: look at it."""

    place: str
    is_name: bool
    format: Format | None = None


def table_of(config: TableConfig | None, given: str | None) -> Table:
    """The table that was named: `given` on the command line or in a call, else in the configuration.

    Raises:
        ConfigError: none was, or a name with the format of files.
    """
    config = config or TableConfig()
    if given is not None and not given.strip():
        raise ConfigError(f"The table is empty: {TELL}.")
    if given is not None:
        found = Table(given, is_name=_is_name(given), format=config.format)
    elif config.name is not None:
        found = Table(config.name, is_name=True)
    elif config.path is not None:
        found = Table(config.path, is_name=False, format=config.format)
    else:
        raise ConfigError(f"--source table needs to know which: {TELL}.")
    if found.is_name and found.format:
        raise ConfigError(f"table.format is for a path, and {found.place} is a name of the catalog: leave it out.")
    return found


def _is_name(given: str) -> bool:
    local = local_path(given)
    if local is None or os.path.lexists(local) or given.lower().endswith(FILE_ENDINGS):
        return False
    return CATALOG_NAME.fullmatch(given) is not None
