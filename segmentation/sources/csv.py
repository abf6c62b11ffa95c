"""CSV files -> the raw frame, each file by its own header.

A first look at the text (a fraction of the time that parsing takes) tells how each file must be read:

* *plain*, no quotes: a line is a record, and its commas separate its fields;
* *quoted*, and every quote closes on its line: a line is a record, and those with quotes are looked at closely;
* *irregular*, quotes that do not fit on their line, or the header once more: lines are put together to records, one
  task a file, and a record whose quotes do not fit is a malformed row, not the end of the file.

The first two are read in pieces, in parallel. An engine's own reader would tear quoted line breaks apart there.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.core.source_ids import source_id_of
from segmentation.engines.base import Engine, Files, StoredFile
from segmentation.errors import NoDataError, SourceError
from segmentation.locations import is_hidden, join, local_path, readable, text_size
from segmentation.schemas import SOURCE_ID
from segmentation.sources import RawRows
from segmentation.sources.layout import Layout, heads_of, is_surely_plain, layouts_of
from segmentation.sources.records import (
    fields_of,
    is_blank,
    is_well_formed,
    put_together,
    split_carefully,
    split_plainly,
)


class Style(Enum):
    """How a file must be read, see the top of this file."""

    PLAIN = auto()
    QUOTED = auto()
    IRREGULAR = auto()


def read_csv(engine: Engine, paths: Sequence[str], columns: Mapping[str, str], folder: str) -> RawRows:
    """Read purchases from CSV files.

    Args:
        engine: what reads.
        paths: files, directories or globs.
        columns: purchase column -> the files' name for it, beside the document's names and the canonical ones.
        folder: where the engine may put what it needs until the run ends.

    Returns:
        The size and the URIs of the files, and the raw frame, `RAW_COLUMNS`: one row per record that is not blank,
        all text, nothing trimmed; ``source_id`` stands for the file's URI; ``raw_record`` is the whole record where
        it has too few or too many fields or broken quotes.

    Raises:
        NoDataError: a path leads nowhere, or all files are empty.
        MissingColumnsError: a file lacks a column.
        SourceError: a file cannot be read.
    """
    heads = heads_of(engine.files, find(engine.files, paths))
    layouts = layouts_of(heads, columns)
    unsure = {file: layout for file, layout in layouts.items() if not is_surely_plain(heads[file], layout.header)}
    styles = dict.fromkeys(layouts, Style.PLAIN) | (styles_of(engine, unsure, join(folder, "look")) if unsure else {})
    groups: dict[tuple[Layout, Style], list[StoredFile]] = defaultdict(list)
    for file, layout in layouts.items():
        groups[layout, styles[file]].append(file)
    frames = [
        _read(engine, layout, style, files, join(folder, str(number)))
        for number, ((layout, style), files) in enumerate(groups.items())
    ]
    size = sum(text_size(file.path, file.size) for file in layouts)
    return RawRows(reduce(DataFrame.unionByName, frames), size, [file.uri for file in layouts])


def find(stored: Files, paths: Sequence[str]) -> list[StoredFile]:
    """Every file that the paths stand for; a local one that has several names, by links, counts once.

    Raises:
        NoDataError: a path leads nowhere.
        SourceError: a file was named that engines pass over.
    """
    found: dict[str, StoredFile] = {}
    for path in paths:
        files = stored.files(path)
        if not files:
            raise NoDataError(f"there is no file at {path!r}. Check --csv-path: a file, a directory or a glob.")
        hidden = [readable(file.uri) for file in files if is_hidden(file.path.rsplit("/", 1)[-1])]
        if hidden:
            raise SourceError(f"{hidden[0]} cannot be read: names with . or _ in front are hidden. Rename it.")
        for file in files:
            found.setdefault(_real_name(file), file)
    return list(found.values())


def _real_name(file: StoredFile) -> str:
    local = local_path(file.path)
    return os.path.realpath(local) if local else file.uri


def styles_of(engine: Engine, layouts: Mapping[StoredFile, Layout], folder: str) -> dict[StoredFile, Style]:
    """How to read each file, from one look at all lines; at most one row a file comes to the driver."""
    lines = engine.lines(list(layouts), folder)
    record = F.col("record")
    is_quoted = record.contains('"')
    is_odd = is_quoted & ~is_well_formed(record, fields_of(record, engine.dialect.field))
    is_header = record.isin(sorted({layout.header for layout in layouts.values()}))
    found = (
        lines.where(is_quoted | is_header)
        .groupBy(SOURCE_ID)
        .agg(
            F.count_if(is_quoted).alias("quoted"),
            F.count_if(is_odd).alias("odd"),
            F.count_if(is_header).alias("headers"),
        )
    )
    styles = {row[SOURCE_ID]: _style(row["quoted"], row["odd"], row["headers"]) for row in found.collect()}
    return {file: styles.get(source_id_of(file.uri), Style.IRREGULAR) for file in layouts}


def _style(quoted: int, odd: int, headers: int) -> Style:
    if odd or headers > 1:
        return Style.IRREGULAR
    return Style.QUOTED if quoted else Style.PLAIN


def _read(engine: Engine, layout: Layout, style: Style, files: Sequence[StoredFile], folder: str) -> DataFrame:
    if style is Style.IRREGULAR:
        return put_together(engine.numbered_lines(files, folder), layout, engine.dialect)
    records = engine.lines(files, folder).where((F.col("record") != layout.header) & ~is_blank("record"))
    if style is Style.PLAIN:
        return split_plainly(records, layout, engine.dialect)
    return split_carefully(records, layout, engine.dialect)
