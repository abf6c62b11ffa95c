"""A Delta table, Parquet files or a table of the catalog -> the raw frame: typed values stand for their text.

What does not fit is told from the schemas alone, before anything is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config.table import Table
from segmentation.core.source_ids import source_id_of
from segmentation.core.typed import instant_text, local_time_text
from segmentation.engines.base import Engine, TypedRows
from segmentation.engines.stores import Files, StoredFile
from segmentation.errors import MissingColumnsError, NoDataError, SourceError
from segmentation.locations import DELTA_LOG, join, local_path, readable, text_size
from segmentation.schemas import (
    AMOUNT,
    CATEGORY,
    CUSTOMER_ID,
    LINE_ID,
    PURCHASE_COLUMNS,
    PURCHASE_DATE,
    PURCHASE_ID,
    RAW_RECORD,
    SOURCE_ID,
)
from segmentation.sources import RawRows
from segmentation.sources.header import Columns, candidates, named, setting, wanted, which

PARQUET_MARK = b"PAR1"
# What is taken for a table of the catalog, of which only the engine knows the size.
UNKNOWN_SIZE = 2 << 30
TEXTS = ("string", "varchar", "char", "void")
WHOLE = ("tinyint", "smallint", "int", "bigint")
NUMBERS = (*WHOLE, "decimal", "float", "double")
TIMES = ("date", "timestamp", "timestamp_ntz")
ACCEPTED: Mapping[str, Sequence[str]] = {
    CUSTOMER_ID: (*TEXTS, *NUMBERS),
    PURCHASE_ID: (*TEXTS, *NUMBERS),
    PURCHASE_DATE: (*TEXTS, *WHOLE, *TIMES),
    AMOUNT: (*TEXTS, *NUMBERS),
    CATEGORY: (*TEXTS, *WHOLE),
    LINE_ID: (*TEXTS, *NUMBERS),
}
# Of a column that only a configuration knows.
EXTRA = (*TEXTS, *NUMBERS, *TIMES, "boolean")
EXTRA_WORDS = "a string, a number, a date, a timestamp or a boolean"
WORDS: Mapping[str, str] = {
    CUSTOMER_ID: "a string or a number",
    PURCHASE_ID: "a string or a number",
    PURCHASE_DATE: "a date, a timestamp or a string",
    AMOUNT: "a number or a string",
    CATEGORY: "a string",
    LINE_ID: "a string or a number",
}


def read_table(
    engine: Engine,
    table: Table,
    columns: Columns,
    marks: Mapping[str, str],
    folder: str,
    needed: Sequence[str] = PURCHASE_COLUMNS,
) -> RawRows:
    """Read purchases from a table.

    Args:
        engine: what reads.
        table: where it is, and as what.
        columns: purchase column -> the table's name for it, beside the document's names and the canonical ones.
        marks: how the point is written of columns that are read as numbers.
        folder: where the engine may put what it needs until the run ends.
        needed: the columns that must be there; fewer, where rows are no purchases.

    Returns:
        The raw frame, `RAW_COLUMNS`: one row per row of the table, all text; ``raw_record`` is null throughout; the
        only source is the table.

    Raises:
        NoDataError: nothing is there, or no table.
        MissingColumnsError: the table, or a file, lacks a column.
        SourceError: a column has a type that cannot stand for a value, or something cannot be read.
    """
    parts, size = _found(engine, table, folder)
    return rows_of_parts(parts, size, name_of(table), columns, marks, needed)


def rows_of_parts(
    parts: Sequence[TypedRows],
    size: int,
    name: str,
    columns: Columns,
    marks: Mapping[str, str],
    needed: Sequence[str] = PURCHASE_COLUMNS,
) -> RawRows:
    """What `read_table` returns, of parts that were found, of about so many bytes, under the name of their source."""
    layouts = [layout_of(part, columns, needed) for part in parts]
    frames = [_raw(part, layout, marks) for part, layout in zip(parts, layouts, strict=True)]
    number = F.lit(source_id_of(name)).cast("bigint").alias(SOURCE_ID)
    frame = reduce(DataFrame.unionByName, frames).select(
        number, F.lit(None).cast("string").alias(RAW_RECORD), *wanted(columns, needed)
    )
    return RawRows(frame, size, [name])


def name_of(table: Table) -> str:
    """What stands for a table in the data."""
    local = None if table.is_name else local_path(table.place)
    return Path(local).absolute().as_uri() if local else table.place


def _found(engine: Engine, table: Table, folder: str) -> tuple[list[TypedRows], int]:
    """What there is to read, and about how many bytes of text that is."""
    if table.is_name:
        return engine.catalog_rows(table.place), UNKNOWN_SIZE
    is_delta = engine.files.exists(join(table.place, DELTA_LOG))
    files = engine.files.files(table.place)
    size = sum(text_size(file.path, file.size) for file in files)
    if is_delta and table.format == "parquet":
        raise SourceError(
            f"{table.place} is a Delta table: its files also hold rows that were removed. Leave table.format out."
        )
    if is_delta:
        return engine.delta_rows(table.place, folder), size
    _refuse_no_table(engine.files, table, files)
    return engine.parquet_rows(files, folder), size


def _refuse_no_table(stored: Files, table: Table, files: Sequence[StoredFile]) -> None:
    """See that there are files, and all are Parquet.

    Raises:
        NoDataError: there is nothing, or nothing of that kind.
        SourceError: some are Parquet and some are not.
    """
    place = table.place
    if not files:
        there = "a folder without files" if stored.exists(place) else "nothing"
        hint = "" if "/" in place else " A table of the catalog is named database.table."
        raise NoDataError(f"at {place!r} there is {there}. Check --table: a Delta table, or Parquet files.{hint}")
    if table.format == "delta":
        raise NoDataError(f"{place!r} is no Delta table, it has no {DELTA_LOG}; there is {_shown(files)}.")
    with ThreadPoolExecutor(max_workers=min(16, len(files))) as pool:
        are_parquet = list(pool.map(lambda file: _is_parquet(stored, file), files))
    others = [file for file, is_parquet in zip(files, are_parquet, strict=True) if not is_parquet]
    if len(others) == len(files):
        raise NoDataError(
            f"{place!r} is no table: it has no {DELTA_LOG} and no Parquet file; there is {_shown(files)}."
        )
    if others:
        raise SourceError(
            f"{_shown(others)} among the Parquet files of {place} is no Parquet: move it elsewhere, or name the files "
            "with a glob."
        )


def _is_parquet(stored: Files, file: StoredFile) -> bool:
    try:
        return stored.head(file.path, len(PARQUET_MARK)) == PARQUET_MARK
    except SourceError:
        # Compressed by its ending, but not in truth.
        return False


def _shown(files: Sequence[StoredFile]) -> str:
    names = [readable(file.uri) for file in files[:5]]
    return ", ".join(names) + (f" and {len(files) - 5} more" if len(files) > 5 else "")


def layout_of(part: TypedRows, columns: Columns, needed: Sequence[str] = PURCHASE_COLUMNS) -> dict[str, str]:
    """Purchase column -> the name of the column that holds it, and so for the further ones that are `wanted`.

    Raises:
        MissingColumnsError: saying what is missing, what is there, and what to add to the configuration.
        SourceError: two columns could be one of the five, or a type cannot stand for it.
    """
    names = list(part.columns)
    found = {column: candidates(column, names, columns) for column in wanted(columns, needed)}
    missing = [column for column, places in found.items() if not places]
    if missing:
        raise MissingColumnsError(
            f"{part.where} lacks {named(missing, columns)}; it has {_schema(part)}. Map other names in the "
            f"configuration, for example: {setting(missing, '<name in the table>', needed)}"
        )
    unclear = next((column for column, places in found.items() if len(places) > 1), None)
    if unclear:
        raise SourceError(which(unclear, found[unclear], names, part.where, needed))
    layout = {column: names[places[0]] for column, places in found.items()}
    for column, name in layout.items():
        if _kind(part.columns[name]) not in ACCEPTED.get(column, EXTRA):
            raise SourceError(
                f"The column {name!r} of {part.where} is of the type {part.columns[name]}, which cannot stand for "
                f"{column}: expected {WORDS.get(column, EXTRA_WORDS)}. It has {_schema(part)}. Name another "
                f"column in the configuration ({setting([column], '<name in the table>', needed)}), or convert it "
                "where the table is made."
            )
    return layout


def _kind(kind: str) -> str:
    """The word in front: ``decimal`` of ``decimal(12,2)``."""
    return re.split("[(<]", kind)[0]


def _schema(part: TypedRows) -> str:
    shown = [f"{name!r} {kind[:40]}" for name, kind in list(part.columns.items())[:30]]
    return ", ".join(shown) or "no columns"


def _raw(part: TypedRows, layout: Mapping[str, str], marks: Mapping[str, str]) -> DataFrame:
    kinds = {column: _kind(part.columns[name]) for column, name in layout.items()}
    texts = {column: _text(column, kind) for column, kind in kinds.items()}
    for column, mark in marks.items():
        if mark != "." and kinds.get(column) in NUMBERS:
            texts[column] = F.translate(texts[column], ".", mark)
    return part.read(layout).select(*[text.alias(column) for column, text in texts.items()])


def _text(column: str, kind: str) -> Column:
    value = F.col(column)
    special: dict[str, Callable[[Column], Column]] = {
        "timestamp": instant_text,
        "timestamp_ntz": local_time_text,
    }
    if kind in special:
        return special[kind](value)
    text = value.cast("string")
    is_whole_at_best = kind == "decimal" and column in (CUSTOMER_ID, PURCHASE_ID, LINE_ID)
    return F.regexp_replace(text, r"\.0+$", "") if is_whole_at_best else text
