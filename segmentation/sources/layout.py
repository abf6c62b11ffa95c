"""How a CSV file is laid out: its encoding, its delimiter, its header, and where the purchase columns lie under it."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from segmentation.encodings import LINE_END, UNDECODABLE, decoder_of, encoding_of
from segmentation.engines.stores import Files, StoredFile
from segmentation.errors import MissingColumnsError, NoDataError, SourceError
from segmentation.locations import readable
from segmentation.schemas import PURCHASE_COLUMNS
from segmentation.sources.header import Columns, cells_of, positions_of, wanted
from segmentation.sources.kinds import what_else

# What is read of a file to find its header; a longer one costs a second look, an even longer one is none.
USUAL_HEADER = 8_192
LONGEST_HEADER = 100_000
# So many bytes in all, the driver looks through by itself, which takes less time than asking the engine.
SMALL_TEXT = 1 << 20
BLANKS = "".join(map(chr, range(33)))
# A header of more lines than this is none.
MOST_LINES = 50
SEPARATOR = re.compile(r"sep=(\t|[^\w\s\"\\.+:-])", re.IGNORECASE)


class Form(NamedTuple):
    """What is told of files.

    Attributes:
        columns: purchase column -> the files' name for it, or its number, beside the document's names and the
            canonical ones.
        encoding: of files without a byte order mark.
        delimiter: of files whose first line does not tell it.
        skip_lines: lines above the header.
        extra: further columns of a purchase -> the files' name for them, or their number.
        needed: the columns that must be there; fewer, where rows are no purchases.
    """

    columns: Columns = {}
    encoding: str = "utf-8"
    delimiter: str = ","
    skip_lines: int = 0
    extra: Columns = {}
    needed: tuple[str, ...] = PURCHASE_COLUMNS

    @property
    def every(self) -> Columns:
        """All that is told of names."""
        return {**self.columns, **self.extra}


class Head(NamedTuple):
    """How the text of a file begins, whether that is all of it, and in which encoding it is."""

    text: str
    is_whole: bool
    encoding: str


class Layout(NamedTuple):
    """How a file is laid out.

    Attributes:
        preamble: its lines up to the end of its header.
        names: the cells of its header.
        positions: where each column is.
        delimiter: what is between fields.
        encoding: by Python's name.
        columns: those whose positions are told.
    """

    preamble: tuple[str, ...]
    names: tuple[str, ...]
    positions: tuple[int, ...]
    delimiter: str
    encoding: str
    columns: tuple[str, ...] = PURCHASE_COLUMNS

    @property
    def width(self) -> int:
        """How many columns it has."""
        return len(self.names)

    @property
    def visible(self) -> list[str]:
        """Those lines of the preamble that say something."""
        return [line for line in self.preamble if not is_empty(line, self.delimiter)]


def heads_of(stored: Files, files: Sequence[StoredFile], form: Form) -> dict[StoredFile, Head]:
    """The beginning of every file, all of it where the files are small.

    Raises:
        SourceError: a file is no CSV.
    """
    size = max(USUAL_HEADER, SMALL_TEXT // len(files))
    with ThreadPoolExecutor(max_workers=min(16, len(files))) as pool:
        heads = pool.map(lambda file: _head(stored, file, size, form), files)
    return dict(zip(files, heads, strict=True))


def _head(stored: Files, file: StoredFile, size: int, form: Form) -> Head:
    data = stored.head(file.path, size)
    encoding = encoding_of(data, form.encoding)
    other = what_else(data, encoding)
    if other:
        raise SourceError(f"{readable(file.uri)} is no CSV file but {other[0]}: {other[1]}.")
    head = Head(_text(data, encoding, len(data) < size, file), len(data) < size, encoding)
    return (
        head
        if head.is_whole or size >= LONGEST_HEADER or _shows_header(head, form)
        else _head(stored, file, LONGEST_HEADER, form)
    )


def _text(data: bytes, encoding: str, is_whole: bool, file: StoredFile) -> str:
    try:
        return decoder_of(encoding).decode(data, final=is_whole)
    except UnicodeError as error:
        raise SourceError(
            f"{readable(file.uri)} is not {encoding}: {error}. Set encoding to what it is, for example utf-8 or "
            "utf-16-le."
        ) from error


def layouts_of(heads: Mapping[StoredFile, Head], form: Form) -> dict[StoredFile, Layout]:
    """The layout of every file that is not empty.

    Raises:
        NoDataError: all are empty.
        SourceError: one lacks a column, or two of its columns could be the same one.
    """
    found = {file: layout_of(head, form, readable(file.uri)) for file, head in heads.items()}
    layouts = {file: layout for file, layout in found.items() if layout}
    if not layouts:
        where = readable(next(iter(heads)).uri)
        raise NoDataError(
            f"{where} is empty." if len(heads) == 1 else f"all {len(heads)} files are empty, {where} first."
        )
    return layouts


def layout_of(head: Head, form: Form, where: str) -> Layout | None:
    """The layout of a file that begins with `head`; None if nothing is below the lines to skip.

    Args:
        head: of the file.
        form: what is told of it.
        where: the file, for messages.

    Raises:
        SourceError: saying what is missing or ambiguous, what is there, and what to add to the configuration.
    """
    lines, delimiter, names, end = _beginning(head, form)
    if not names and head.is_whole and all(is_empty(line, delimiter) for line in lines if not SEPARATOR.match(line)):
        return None
    if not names or (end == len(lines) and not head.is_whole):
        raise MissingColumnsError(
            f"{where} has no header below the lines to skip (skip_lines: {form.skip_lines}), or none that ends within "
            f"{LONGEST_HEADER:,} bytes; it has {len(lines)} lines there. Set skip_lines to the number of title lines."
        )
    # What is above the lines to skip, such as sep=, is not counted by the hint.
    below = lines[above_of(lines)[0] :]
    positions = positions_of(names, form.every, below, delimiter, where, form.needed)
    columns = wanted(form.every, form.needed)
    return Layout(tuple(lines[:end]), tuple(names), positions, delimiter, head.encoding, columns)


def _shows_header(head: Head, form: Form) -> bool:
    lines, _, names, end = _beginning(head, form)
    return bool(names) and end < len(lines)


def _beginning(head: Head, form: Form) -> tuple[list[str], str, list[str], int]:
    """The lines of a head, the delimiter, the cells of the header, and the number of lines up to its end."""
    lines = LINE_END.split(head.text)
    start, told = above_of(lines)
    delimiter = told or form.delimiter
    return lines, delimiter, *_header(lines, start + form.skip_lines, delimiter)


def above_of(lines: Sequence[str]) -> tuple[int, str | None]:
    """How many lines tell the delimiter, and which one they tell."""
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    told = SEPARATOR.fullmatch(lines[first].strip(" \r\n"))
    return (first + 1, told[1]) if told else (0, None)


def _header(lines: Sequence[str], above: int, delimiter: str) -> tuple[list[str], int]:
    """The cells of the first record below `above` lines that is not empty, and the number of lines up to its end.

    A quote that was opened by mistake must not swallow the lines after it: then the header is a line.
    """
    start = next((at for at in range(above, len(lines)) if not is_empty(lines[at], delimiter)), None)
    if start is None:
        return [], above
    below = (f"{line}\n" for line in lines[start : start + MOST_LINES])
    try:
        record = csv.reader(below, delimiter=delimiter, skipinitialspace=True, strict=True)
        return next(record), start + record.line_num
    except csv.Error:
        return cells_of(lines[start], delimiter), start + 1


def is_empty(line: str, delimiter: str) -> bool:
    """Is a line a record whose fields are all empty?"""
    return not line.replace(delimiter, "").replace('""', "").strip(BLANKS)


def is_surely_plain(head: Head, layout: Layout) -> bool:
    """Does the head alone show that the file has no quotes, no bytes that mean nothing, and its header once?"""
    if not head.is_whole or '"' in head.text or UNDECODABLE in head.text:
        return False
    lines = LINE_END.split(head.text)
    return all(lines.count(line) == layout.preamble.count(line) for line in layout.visible)
