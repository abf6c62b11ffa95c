"""What a file is that is no CSV, told by its first bytes."""

from __future__ import annotations

from collections.abc import Mapping

from segmentation.encodings import BYTE_ORDER_MARKS, UTF_8, table_of

AS_CSV = "save or export it as CSV"
BEGINNINGS: Mapping[bytes, tuple[str, str]] = {
    b"PK\x03\x04": ("a zip file", "unpack it"),
    b"PK\x05\x06": ("an empty zip file", "export it again"),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an old Excel workbook", AS_CSV),
    b"\x1f\x8b": ("compressed with gzip", "name it .gz"),
    b"BZh": ("compressed with bzip2", "name it .bz2"),
    b"\xfd7zXZ\x00": ("compressed with xz", "unpack it"),
    b"\x28\xb5\x2f\xfd": ("compressed with Zstandard", "name it .zst"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "unpack it"),
    b"Rar!\x1a\x07": ("a rar archive", "unpack it"),
    b"PAR1": ("a Parquet file", "read it with: segmentation run --source table --table PATH"),
    b"ORC": ("an ORC file", "turn it into CSV or Parquet"),
    b"Obj\x01": ("an Avro file", "turn it into CSV or Parquet"),
    b"SQLite format 3\x00": ("an SQLite database", AS_CSV),
    b"%PDF-": ("a PDF document", AS_CSV),
}
# Parts of an Excel workbook and of a LibreOffice one, which are zip files.
WORKBOOK = (b"[Content_Types].xml", b"xl/", b"application/vnd.oasis.opendocument.spreadsheet")
# Those that are letters.
LETTERS = (b"BZh", b"ORC", b"Obj", b"PAR1")
MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<table")
SEEN = 4_096


def what_else(head: bytes, encoding: str) -> tuple[str, str] | None:
    """What a file that begins with `head` is, if it is no CSV, and what to do; None where it may be one."""
    if head.startswith(tuple(BYTE_ORDER_MARKS)):
        return None
    if head.startswith(b"PK\x03\x04") and any(part in head[:SEEN] for part in WORKBOOK):
        return "a workbook (Excel or LibreOffice)", AS_CSV
    if head[:SEEN].lstrip().lower().startswith(MARKUP):
        return "a page of HTML or XML", AS_CSV
    # Three letters may begin a title as well.
    is_text = b"\x00" not in head[:SEEN]
    known = next((kind for begin, kind in BEGINNINGS.items() if head.startswith(begin)), None)
    if is_text and head.startswith(LETTERS):
        return None
    if known is None and is_two_bytes_a_character(head[:SEEN]) and (encoding == UTF_8 or table_of(encoding)):
        return "text in another encoding, two bytes a character", "set encoding: utf-16-le or utf-16-be"
    return known


def is_two_bytes_a_character(head: bytes) -> bool:
    """Is every other byte zero, as with Latin letters in UTF-16?"""
    return head.count(0) * 3 > len(head)
