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
from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.core.source_ids import source_id_of
from segmentation.encodings import UNDECODABLE
from segmentation.engines.base import Engine
from segmentation.engines.dialect import Decoding
from segmentation.engines.stores import Files, StoredFile
from segmentation.errors import NoDataError, SourceError
from segmentation.locations import is_hidden, join, last_name, local_path, readable, text_size
from segmentation.schemas import SOURCE_ID
from segmentation.sources import RawRows
from segmentation.sources.layout import Form, Layout, heads_of, is_surely_plain, layouts_of
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


class Reading(NamedTuple):
    """How a file must be read; those that are read alike are read together."""

    layout: Layout
    style: Style
    # May there be bytes that mean nothing in its encoding?
    marked: bool

    @property
    def decoding(self) -> Decoding:
        """What the engine has to know of it."""
        return Decoding(self.layout.encoding, self.marked)


def read_csv(engine: Engine, files: Sequence[StoredFile], form: Form, folder: str) -> RawRows:
    """Read purchases from CSV files.

    Args:
        engine: what reads.
        files: what `find` found.
        form: what is told of the files.
        folder: where the engine may put what it needs until the run ends.

    Returns:
        The size and the URIs of the files, and the raw frame, `RAW_COLUMNS`: one row per record that is not blank,
        all text, nothing trimmed; ``source_id`` stands for the file's URI; ``raw_record`` is the whole record where
        it has too few or too many fields or broken quotes.

    Raises:
        NoDataError: all files are empty.
        MissingColumnsError: a file lacks a column.
        SourceError: a file cannot be read, is no CSV, or two of its columns could be the same one.
    """
    heads = heads_of(engine.files, files, form)
    layouts = layouts_of(heads, form)
    plain = {file: Reading(layout, Style.PLAIN, marked=False) for file, layout in layouts.items()}
    unsure = {file: layout for file, layout in layouts.items() if not is_surely_plain(heads[file], layout)}
    groups: dict[Reading, list[StoredFile]] = defaultdict(list)
    for file, reading in (plain | readings_of(engine, unsure, join(folder, "look"))).items():
        groups[reading].append(file)
    frames = [
        _read(engine, reading, files, join(folder, str(number)))
        for number, (reading, files) in enumerate(groups.items())
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
        hidden = [readable(file.uri) for file in files if is_hidden(last_name(file.path))]
        if hidden:
            raise SourceError(f"{hidden[0]} cannot be read: names with . or _ in front are hidden. Rename it.")
        for file in files:
            found.setdefault(real_name(file), file)
    return list(found.values())


def real_name(file: StoredFile) -> str:
    """The same for all names of one file."""
    local = local_path(file.path)
    return os.path.realpath(local) if local else file.uri


def readings_of(engine: Engine, layouts: Mapping[StoredFile, Layout], folder: str) -> dict[StoredFile, Reading]:
    """How to read each file, from one look at all lines; at most one row a file comes to the driver."""
    alike: dict[tuple[str, str], dict[StoredFile, Layout]] = defaultdict(dict)
    for file, layout in layouts.items():
        alike[layout.encoding, layout.delimiter][file] = layout
    return {
        file: reading
        for number, some in enumerate(alike.values())
        for file, reading in _looked_at(engine, some, join(folder, str(number))).items()
    }


def _looked_at(engine: Engine, layouts: Mapping[StoredFile, Layout], folder: str) -> dict[StoredFile, Reading]:
    """The same for files of one encoding and one delimiter."""
    some, record = next(iter(layouts.values())), F.col("record")
    is_quoted, is_marked = record.contains('"'), record.contains(UNDECODABLE)
    fields = fields_of(record, some.delimiter, engine.dialect)
    is_odd = is_quoted & ~is_well_formed(record, fields, some.delimiter)
    is_above = record.isin(sorted({line for layout in layouts.values() for line in layout.visible}))
    found = (
        engine.lines(list(layouts), folder, Decoding(some.encoding))
        .where(is_quoted | is_above | is_marked)
        .groupBy(SOURCE_ID)
        .agg(*[F.count_if(what).alias(str(at)) for at, what in enumerate((is_quoted, is_odd, is_above, is_marked))])
    )
    seen = {row[SOURCE_ID]: tuple(row)[1:] for row in found.collect()}
    for file in layouts:
        if source_id_of(file.uri) not in seen:
            raise SourceError(f"{readable(file.uri)} changed while it was read: its header is gone. Run again.")
    return {file: _reading(layout, *seen[source_id_of(file.uri)]) for file, layout in layouts.items()}


def _reading(layout: Layout, quoted: int, odd: int, above: int, marked: int) -> Reading:
    if odd or above > len(layout.visible):
        return Reading(layout, Style.IRREGULAR, bool(marked))
    return Reading(layout, Style.QUOTED if quoted else Style.PLAIN, bool(marked))


def _read(engine: Engine, reading: Reading, files: Sequence[StoredFile], folder: str) -> DataFrame:
    layout, style, marked = reading
    if style is Style.IRREGULAR:
        lines = engine.numbered_lines(files, folder, reading.decoding)
        return put_together(lines, layout, engine.dialect, marked=marked)
    lines = engine.lines(files, folder, reading.decoding)
    records = lines.where(~F.col("record").isin(layout.visible) & ~is_blank("record", layout.delimiter))
    split = split_plainly if style is Style.PLAIN else split_carefully
    return split(records, layout, engine.dialect, marked=marked)
