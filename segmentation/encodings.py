"""How bytes become text: by which encoding, and what becomes of bytes that the encoding does not have."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from importlib import import_module

UTF_8 = "utf-8"
# What ends a line for Hadoop, and so for Spark.
LINE_END = re.compile("\r\n|\n|\r")
# Stands for bytes that the encoding does not have. Unicode keeps this character free for uses within a program, and a
# text that holds it is taken for damaged at that place. Unlike U+FFFD, which other programs leave where they met such
# bytes, it is not mistaken for data.
UNDECODABLE = "\ufdd0"
REPLACED = "\ufffd"
_MARKING = "segmentation.undecodable"
# UTF-32's begins with that of UTF-16.
BYTE_ORDER_MARKS: Mapping[bytes, str] = {
    codecs.BOM_UTF8: UTF_8,
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Without a table in Python, and still a byte a character.
TABLELESS = ("ascii", "iso8859-1")


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # it is given to decoders only
    return UNDECODABLE, error.end


codecs.register_error(_MARKING, _mark)


def encoding_of(head: bytes, told: str) -> str:
    """The encoding of a file that begins with `head`: as its byte order mark says, else as was told."""
    return next((name for mark, name in BYTE_ORDER_MARKS.items() if head.startswith(mark)), codecs.lookup(told).name)


def decoder_of(encoding: str) -> codecs.IncrementalDecoder:
    """Bytes -> text without a byte order mark, block by block; `UNDECODABLE` for what the encoding does not have."""
    name = "utf-8-sig" if encoding == UTF_8 else encoding
    return codecs.getincrementaldecoder(name)(_MARKING)


def table_of(encoding: str) -> str | None:
    """The characters of the 256 bytes, where a byte is a character and line ends are those of ASCII; else None."""
    name = codecs.lookup(encoding).name
    if name not in TABLELESS and not hasattr(_module_of(name), "decoding_table"):
        return None
    table = bytes(range(256)).decode(name, _MARKING)
    return table if len(table) == 256 and table[10] == "\n" and table[13] == "\r" else None


def _module_of(name: str) -> object:
    try:
        return import_module(f"encodings.{name.replace('-', '_')}")
    except ModuleNotFoundError:
        return None
