"""Lines of text as Spark reads them: bytes up to a line end, whatever their encoding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation.core.source_ids import source_id, source_id_of
from segmentation.encodings import REPLACED, UNDECODABLE, UTF_8, decoder_of, table_of
from segmentation.engines.dialect import Decoding
from segmentation.engines.spark.files import Storage
from segmentation.engines.stores import StoredFile
from segmentation.locations import COMPRESSED, join, literally, local_path
from segmentation.schemas import SOURCE_ID

# For the time in which U+FFFD stands for bad bytes; not a character either.
ASIDE = "\ufdd1"


class Text(NamedTuple):
    """``value`` string, a line each, its bytes as they are; and the expression for the number of the line's file."""

    frame: DataFrame
    number: Column


def text_of(session: SparkSession, storage: Storage, files: Sequence[StoredFile], folder: str, encoding: str) -> Text:
    """The lines of files.

    Where line ends are not those of ASCII, they are of copies in UTF-8, which the driver streams. Local names that Java
    reads only in some locales, or that Hadoop takes for those of other file systems, are hidden behind links.
    """
    by_line = encoding == UTF_8 or bool(table_of(encoding))
    if by_line and (local_path(folder) is None or all(_has_plain_name(file) for file in files)):
        return Text(session.read.text([literally(file.path) for file in files]), source_id(F.input_file_name()))
    for file in files:
        target = join(folder, f"{SOURCE_ID}={source_id_of(file.uri)}", f"text{_ending(file)}")
        if by_line:
            _link(file, target)
        else:
            _copy(storage, file, encoding, target.removesuffix(_ending(file)))
    return Text(session.read.schema(f"value string, {SOURCE_ID} bigint").text(literally(folder)), F.col(SOURCE_ID))


def _has_plain_name(file: StoredFile) -> bool:
    local = local_path(file.path)
    return local is None or (str(local).isascii() and str(local).isprintable() and ":" not in str(local))


def _ending(file: StoredFile) -> str:
    return next((ending for ending in COMPRESSED if file.path.endswith(ending)), "")


def _link(file: StoredFile, target: str) -> None:
    link, original = Path(target), local_path(file.path)
    assert original is not None  # files elsewhere have plain names
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(original)


def _copy(storage: Storage, file: StoredFile, encoding: str, target: str) -> None:
    decoder = decoder_of(encoding)
    with storage.writing(target) as write:
        for block in storage.blocks(file.path):
            write(decoder.decode(block).encode())
        write(decoder.decode(b"", final=True).encode())


def decoded(line: Column, decoding: Decoding) -> Column:
    """The bytes of a line -> text in the encoding."""
    table = table_of(decoding.encoding)
    if table and decoding.encoding != UTF_8:
        # Java knows other names and other tables, so Python's is used, byte by byte.
        other = [(chr(byte), letter) for byte, letter in enumerate(table) if letter != chr(byte)]
        text = F.decode(line.cast("binary"), "ISO-8859-1")
        return F.translate(text, "".join(byte for byte, _ in other), "".join(letter for _, letter in other))
    return _marked(line) if decoding.encoding == UTF_8 and decoding.marked else line


def _marked(line: Column) -> Column:
    """`UNDECODABLE` instead of bytes that are no UTF-8."""
    aside = F.replace(line, F.lit(REPLACED), F.lit(ASIDE))
    marked = F.replace(_valid(aside), F.lit(REPLACED), F.lit(UNDECODABLE))
    return F.when(_is_valid(line), line).otherwise(F.replace(marked, F.lit(ASIDE), F.lit(REPLACED)))


def _is_valid(line: Column) -> Column:
    return F.is_valid_utf8(line) if hasattr(F, "is_valid_utf8") else _valid(line) == line


def _valid(line: Column) -> Column:
    # Spark 3.5 replaces what Spark 4 refuses to decode.
    return F.make_valid_utf8(line) if hasattr(F, "make_valid_utf8") else F.decode(line.cast("binary"), "UTF-8")
