"""CSV files -> the raw frame, each file by its own header.

A first look at the text (a fraction of the time that parsing takes) tells how each file must be read:

* *plain*, no quotes: a line is a record, and its commas separate its fields; half the price of Spark's CSV parser;
* *quoted*, and every quote closes on its line: a line is a record, parsed by Spark;
* *irregular*, quotes that do not fit on their line, or the header once more: lines are put together to records, one
  task a file, and a record whose quotes do not fit is a malformed row, not the end of the file.

The first two are read in pieces, in parallel. Spark's own reader would tear quoted line breaks apart there.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from functools import reduce
from typing import NamedTuple

from py4j.protocol import Py4JJavaError
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from segmentation.errors import MissingColumnsError, NoDataError, SourceError
from segmentation.schemas import PURCHASE_COLUMNS, RAW_RECORD, SOURCE_ID
from segmentation.sources import RawRows
from segmentation.storage import Storage, StoredFile, is_hidden, java_message, literally, one_form
from segmentation.validation import source_id

DOCUMENT_COLUMNS: Mapping[str, str] = dict(
    zip(PURCHASE_COLUMNS, ("Customer_ID", "Order_ID", "Date", "Total_Amount_LKR", "Product_Category"), strict=True)
)
CORRUPT = "corrupt"
# RFC 4180: a quote inside a quoted field is doubled. The limit on columns only bounds a buffer.
CSV_OPTIONS = {
    "quote": '"',
    "escape": '"',
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": CORRUPT,
    "maxColumns": "1000000",
}
# A field is quoted, or does not start with a quote and may then hold some as plain characters. All is possessive: Java
# matches that in a loop, however long a field is.
FIELD = r'(?:"[^"]*+(?:""[^"]*+)*+"|(?!")[^,\n]*+)'
WELL_FORMED = rf"\A{FIELD}(?:,{FIELD})*+\z"
# What is read of a file to find its header; a longer one costs a second look, an even longer one is none.
USUAL_HEADER = 8_192
LONGEST_HEADER = 100_000
# So many bytes in all, the driver looks through by itself, which takes less time than a Spark job.
SMALL_TEXT = 1 << 20
# Where more lines than this hang together, it is by a stray quote.
MOST_LINES_OF_A_RECORD = 1000


class Layout(NamedTuple):
    """How the columns of a file lie: its header line, how many there are, and where each purchase column is."""

    header: str
    width: int
    positions: tuple[int, ...]


class Head(NamedTuple):
    """How the text of a file begins, and whether that is all of it."""

    text: bytes
    is_whole: bool


class Style(Enum):
    """How a file must be read, see the top of this file."""

    PLAIN = auto()
    QUOTED = auto()
    IRREGULAR = auto()


def read_csv(spark: SparkSession, paths: Sequence[str], columns: Mapping[str, str]) -> RawRows:
    """Read purchases from CSV files.

    Args:
        spark: the session.
        paths: files, directories or globs.
        columns: purchase column -> the files' name for it, beside the document's names and the canonical ones.

    Returns:
        The size and the URIs of the files, and the raw frame, `RAW_COLUMNS`: one row per record that is not blank,
        all text, nothing trimmed; ``source_id`` stands for the file's URI; ``raw_record`` is the whole record where
        it has too few or too many fields or broken quotes.

    Raises:
        NoDataError: a path leads nowhere, or all files are empty.
        MissingColumnsError: a file lacks a column.
    """
    storage = Storage(spark)
    try:
        heads = _heads(storage, _find(storage, paths))
    except Py4JJavaError as error:
        raise SourceError(
            f"{', '.join(paths)} cannot be read: {java_message(error)}. Check --csv-path, permissions and credentials."
        ) from error
    layouts = _layouts(heads, columns)
    size = sum(map(_plain_size, layouts))
    unsure = {file: layout for file, layout in layouts.items() if not is_surely_plain(heads[file], layout.header)}
    styles = dict.fromkeys(layouts, Style.PLAIN) | (styles_of(spark, unsure) if unsure else {})
    groups: dict[tuple[Layout, Style], list[StoredFile]] = defaultdict(list)
    for file, layout in layouts.items():
        groups[layout, styles[file]].append(file)
    frames = [
        _read_irregular(spark, layout, files)
        if style is Style.IRREGULAR
        else _read_lines(spark, layout, files, is_quoted=style is Style.QUOTED)
        for (layout, style), files in groups.items()
    ]
    return RawRows(reduce(DataFrame.unionByName, frames), size, [file.uri for file in layouts])


def _plain_size(file: StoredFile) -> int:
    """Bytes of text; CSV compresses to about a fifth."""
    return file.size * (5 if file.path.endswith((".gz", ".bz2", ".zst", ".xz")) else 1)


def _find(storage: Storage, paths: Sequence[str]) -> list[StoredFile]:
    found: dict[str, StoredFile] = {}
    for path in paths:
        files = storage.files(path)
        if not files:
            raise NoDataError(f"there is no file at {path!r}. Check --csv-path: a file, a directory or a glob.")
        hidden = [file.path for file in files if is_hidden(file.path.rsplit("/", 1)[1])]
        if hidden:
            raise SourceError(
                f"{hidden[0]} cannot be read: Spark takes names with . or _ in front for hidden. Rename it."
            )
        found.update((file.uri, file) for file in files)
    return list(found.values())


def _heads(storage: Storage, files: Sequence[StoredFile]) -> dict[StoredFile, Head]:
    size = max(USUAL_HEADER, SMALL_TEXT // len(files))
    with ThreadPoolExecutor(max_workers=min(16, len(files))) as pool:
        heads = pool.map(lambda file: _head(storage, file, size), files)
    return dict(zip(files, heads, strict=True))


def _head(storage: Storage, file: StoredFile, size: int) -> Head:
    text = storage.head(file.path, size)
    if len(text) == size and len(text.lstrip().splitlines()) < 2:
        text = storage.head(file.path, LONGEST_HEADER)
        return Head(text, is_whole=False)
    return Head(text, is_whole=len(text) < size)


def _layouts(heads: Mapping[StoredFile, Head], columns: Mapping[str, str]) -> dict[StoredFile, Layout]:
    headers = {file: header_of(head.text) for file, head in heads.items()}
    layouts = {file: layout_of(header, columns, file.path) for file, header in headers.items() if header is not None}
    if not layouts:
        raise NoDataError(f"{len(heads)} files found, all empty; the first is {next(iter(heads)).path}.")
    return layouts


def header_of(text: bytes) -> str | None:
    """The first line that is not blank."""
    lines = (line.decode(errors="replace") for line in text.splitlines())
    return next((line for line in lines if line.strip()), None)


def is_surely_plain(head: Head, header: str) -> bool:
    """Does the head alone show that the file is `Style.PLAIN`?"""
    return head.is_whole and b'"' not in head.text and head.text.splitlines().count(header.encode()) == 1


def layout_of(header: str, columns: Mapping[str, str], where: str) -> Layout:
    """Where the purchase columns lie in a file with this header line.

    Raises:
        MissingColumnsError: saying what is missing, what is there, and what to add to the configuration.
    """
    names = next(csv.reader([header]))
    position = {name.strip().lower(): number for number, name in reversed(list(enumerate(names)))}
    found: dict[str, int] = {}
    for column in PURCHASE_COLUMNS:
        accepted = (columns.get(column, column), DOCUMENT_COLUMNS[column], column)
        matching = [position[name.strip().lower()] for name in accepted if name.strip().lower() in position]
        if matching:
            found[column] = matching[0]
    missing = [column for column in PURCHASE_COLUMNS if column not in found]
    if missing:
        expected = ", ".join(columns.get(column, DOCUMENT_COLUMNS[column]) for column in missing)
        other = next((mark for mark in ";\t|" if mark in header and len(names) == 1), None)
        hint = (
            f"The fields seem to be separated by {other!r}; they must be separated by commas."
            if other
            else "Map other names in the configuration, for example: columns: "
            f"{{{', '.join(f'{column}: <name in the file>' for column in missing)}}}"
        )
        shown = ", ".join(repr(name[:40]) for name in names[:30])
        raise MissingColumnsError(f"{where} lacks {expected}; it has {shown}. {hint}")
    return Layout(header, len(names), tuple(found[column] for column in PURCHASE_COLUMNS))


def styles_of(spark: SparkSession, layouts: Mapping[StoredFile, Layout]) -> dict[StoredFile, Style]:
    """How to read each file, from one look at all lines; at most one row a file comes to the driver."""
    lines = spark.read.text(_paths(layouts)).select("value", F.input_file_name().alias("file"))
    is_quoted = F.col("value").contains('"')
    is_header = F.col("value").isin(sorted({layout.header for layout in layouts.values()}))
    found = (
        lines.where(is_quoted | is_header)
        .groupBy("file")
        .agg(
            F.count_if(is_quoted).alias("quoted"),
            F.count_if(is_quoted & ~F.col("value").rlike(WELL_FORMED)).alias("odd"),
            F.count_if(is_header).alias("headers"),
        )
    )
    styles = {
        one_form(row["file"]): Style.IRREGULAR
        if row["odd"] or row["headers"] > 1
        else Style.QUOTED
        if row["quoted"]
        else Style.PLAIN
        for row in found.collect()
    }
    return {file: styles.get(file.uri, Style.IRREGULAR) for file in layouts}


def _quotes(text: Column) -> Column:
    return F.length(text) - F.length(F.replace(text, F.lit('"'), F.lit("")))


def _fields(layout: Layout) -> str:
    """The schema by position; names from the header could repeat."""
    return ", ".join([*(f"c{number} string" for number in range(layout.width)), f"{CORRUPT} string"])


def _as_raw(fields: DataFrame, layout: Layout, corrupt: Column) -> DataFrame:
    chosen = [F.col(f"c{at}").alias(name) for name, at in zip(PURCHASE_COLUMNS, layout.positions, strict=True)]
    return fields.select(SOURCE_ID, corrupt.alias(RAW_RECORD), *chosen)


def _read_lines(spark: SparkSession, layout: Layout, files: Sequence[StoredFile], *, is_quoted: bool) -> DataFrame:
    # The name of each row's file costs half a second per ten million rows.
    name = F.lit(files[0].uri) if len(files) == 1 else F.input_file_name()
    lines = spark.read.text(_paths(files)).select(source_id(name).alias(SOURCE_ID), F.col("value").alias("record"))
    records = lines.where((F.col("record") != layout.header) & ~_is_blank("record"))
    return _as_raw(_split(records, layout, is_quoted=is_quoted), layout, F.col(CORRUPT))


def _split(records: DataFrame, layout: Layout, *, is_quoted: bool) -> DataFrame:
    """What `_parse` does, at half the price; only the records that have quotes, if there are any, are left to it."""
    fits = F.size("fields") == layout.width
    fields = {f"c{at}": F.when(fits, F.nullif(F.col("fields")[at], F.lit(""))) for at in set(layout.positions)}
    fields[CORRUPT] = F.when(~fits, F.col("record"))
    if is_quoted:
        has_quotes = F.col("record").contains('"')
        records = records.withColumn("parsed", _parsed(F.when(has_quotes, F.col("record")), layout))
        fields = {name: F.when(has_quotes, F.col(f"parsed.{name}")).otherwise(split) for name, split in fields.items()}
    return records.withColumn("fields", F.split("record", ",")).select(SOURCE_ID, *_named(fields))


def _read_irregular(spark: SparkSession, layout: Layout, files: Sequence[StoredFile]) -> DataFrame:
    lines = spark.read.text(_paths(files)).select(
        source_id(F.input_file_name()).alias(SOURCE_ID),
        # Within a file, pieces by their offset, and lines within a piece by the order in which they are read.
        F.struct("_metadata.file_block_start", F.monotonically_increasing_id()).alias("place"),
        F.col("value").alias("line"),
    )
    records = _parse(_records(lines), layout)
    whole = F.col(CORRUPT).isNull() | (F.size("lines") == 1)
    # A quote that was opened by mistake must not swallow the lines after it: each is looked at by itself.
    single = records.where(~whole).select(SOURCE_ID, F.explode("lines").alias("record")).where(~_is_blank("record"))
    return _as_raw(records.where(whole), layout, F.col(CORRUPT)).unionByName(
        _as_raw(_parse(single, layout), layout, F.col(CORRUPT))
    )


def _parsed(record: Column, layout: Layout) -> Column:
    return F.from_csv(record, _fields(layout), CSV_OPTIONS)


def _named(columns: Mapping[str, Column]) -> list[Column]:
    return [column.alias(name) for name, column in columns.items()]


def _parse(records: DataFrame, layout: Layout) -> DataFrame:
    """Add the fields of ``record``, and the record itself as ``corrupt`` where it is malformed."""
    parsed = records.withColumn("fields", _parsed(F.col("record"), layout))
    broken = F.when(~F.col("record").rlike(WELL_FORMED), F.col("record"))
    return parsed.select(*records.columns, "fields.*").withColumn(CORRUPT, F.coalesce(broken, CORRUPT))


def _is_blank(line: str) -> Column:
    """Nothing but control characters and blanks; a line that starts with a visible character is told at once."""
    return (F.col(line) < "!") & F.col(line).rlike(r"\A[\x00-\x20]*+\z")


def _records(lines: DataFrame) -> DataFrame:
    """``source_id, place, line`` -> ``source_id, record, lines``: lines put together while a quote is open, no header.

    The header is the first line that is not blank, whatever quotes it has.
    """
    in_file = Window.partitionBy(SOURCE_ID).orderBy("place")
    before = in_file.rowsBetween(Window.unboundedPreceding, -1)
    so_far = in_file.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    outside = F.coalesce(F.sum(_quotes(F.col("line"))).over(before), F.lit(0)) % 2 == 0
    is_long = F.count(F.lit(1)).over(Window.partitionBy(SOURCE_ID, "number")) > MOST_LINES_OF_A_RECORD
    return (
        lines.withColumn("seen", F.count(F.when(~_is_blank("line"), F.lit(1))).over(so_far))
        .where(F.col("seen") > 1)
        .withColumn("outside", outside)
        # Blank lines between records are none.
        .where(~(F.col("outside") & _is_blank("line")))
        .withColumn("number", F.count(F.when(F.col("outside"), F.lit(1))).over(so_far))
        .withColumn("alone", F.when(is_long, F.col("place")))
        .groupBy(SOURCE_ID, "number", "alone")
        .agg(F.sort_array(F.collect_list(F.struct("place", "line"))).alias("placed"))
        .select(SOURCE_ID, F.col("placed.line").alias("lines"))
        .withColumn("record", F.array_join("lines", "\n"))
        .where(~_is_blank("record"))
    )


def _paths(files: Iterable[StoredFile]) -> list[str]:
    return [literally(file.path) for file in files]
