"""The head of a CSV file: its header, and where the purchase columns lie under it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from segmentation.engines.base import Files, StoredFile
from segmentation.errors import MissingColumnsError, NoDataError
from segmentation.locations import readable
from segmentation.schemas import LINE_ID, PURCHASE_COLUMNS

DOCUMENT_COLUMNS: Mapping[str, str] = dict(
    zip(PURCHASE_COLUMNS, ("Customer_ID", "Order_ID", "Date", "Total_Amount_LKR", "Product_Category"), strict=True)
)
# What is read of a file to find its header; a longer one costs a second look, an even longer one is none.
USUAL_HEADER = 8_192
LONGEST_HEADER = 100_000
# So many bytes in all, the driver looks through by itself, which takes less time than asking the engine.
SMALL_TEXT = 1 << 20


class Layout(NamedTuple):
    """How the columns of a file lie: its header line, how many there are, and where each purchase column is.

    A sixth position, where `columns` maps it, is that of ``line_id``.
    """

    header: str
    width: int
    positions: tuple[int, ...]


class Head(NamedTuple):
    """How the text of a file begins, and whether that is all of it."""

    text: bytes
    is_whole: bool


def heads_of(stored: Files, files: Sequence[StoredFile]) -> dict[StoredFile, Head]:
    """The first bytes of every file, all of it where the files are small."""
    size = max(USUAL_HEADER, SMALL_TEXT // len(files))
    with ThreadPoolExecutor(max_workers=min(16, len(files))) as pool:
        heads = pool.map(lambda file: _head(stored, file, size), files)
    return dict(zip(files, heads, strict=True))


def _head(stored: Files, file: StoredFile, size: int) -> Head:
    text = stored.head(file.path, size)
    if len(text) == size and len(text.lstrip().splitlines()) < 2:
        text = stored.head(file.path, LONGEST_HEADER)
        return Head(text, is_whole=False)
    return Head(text, is_whole=len(text) < size)


def layouts_of(heads: Mapping[StoredFile, Head], columns: Mapping[str, str]) -> dict[StoredFile, Layout]:
    """The layout of every file that is not empty.

    Raises:
        NoDataError: all are empty.
        MissingColumnsError: one lacks a column.
    """
    headers = {file: header_of(head.text) for file, head in heads.items()}
    layouts = {
        file: layout_of(header, columns, readable(file.uri)) for file, header in headers.items() if header is not None
    }
    if not layouts:
        raise NoDataError(f"{len(heads)} files found, all empty; the first is {readable(next(iter(heads)).uri)}.")
    return layouts


def header_of(text: bytes) -> str | None:
    """The first line that is not blank."""
    lines = (line.decode(errors="replace") for line in text.splitlines())
    return next((line for line in lines if line.strip()), None)


def is_surely_plain(head: Head, header: str) -> bool:
    """Does the head alone show that the file has no quotes, and its header once?"""
    return head.is_whole and b'"' not in head.text and head.text.splitlines().count(header.encode()) == 1


def layout_of(header: str, columns: Mapping[str, str], where: str) -> Layout:
    """Where the purchase columns lie in a file with this header line.

    Args:
        header: the line.
        columns: purchase column -> the file's name for it, beside the document's names and the canonical ones.
        where: the file, for the message.

    Raises:
        MissingColumnsError: saying what is missing, what is there, and what to add to the configuration.
    """
    names = next(csv.reader([header]))
    position = {name.strip().lower(): number for number, name in reversed(list(enumerate(names)))}
    found: dict[str, int] = {}
    wanted = (*PURCHASE_COLUMNS, LINE_ID) if LINE_ID in columns else PURCHASE_COLUMNS
    for column in wanted:
        accepted = (columns.get(column, column), DOCUMENT_COLUMNS.get(column, column), column)
        matching = [position[name.strip().lower()] for name in accepted if name.strip().lower() in position]
        if matching:
            found[column] = matching[0]
    missing = [column for column in wanted if column not in found]
    if missing:
        raise MissingColumnsError(_what_is_missing(header, names, missing, columns, where))
    return Layout(header, len(names), tuple(found[column] for column in wanted))


def _what_is_missing(
    header: str, names: Sequence[str], missing: Sequence[str], columns: Mapping[str, str], where: str
) -> str:
    expected = ", ".join(columns.get(column, DOCUMENT_COLUMNS.get(column, column)) for column in missing)
    other = next((mark for mark in ";\t|" if mark in header and len(names) == 1), None)
    hint = (
        f"The fields seem to be separated by {other!r}; they must be separated by commas."
        if other
        else "Map other names in the configuration, for example: columns: "
        f"{{{', '.join(f'{column}: <name in the file>' for column in missing)}}}"
    )
    shown = ", ".join(repr(name[:40]) for name in names[:30])
    return f"{where} lacks {expected}; it has {shown}. {hint}"
