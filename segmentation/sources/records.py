"""Lines -> records -> fields, as expressions that every engine understands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from segmentation.encodings import REPLACED, UNDECODABLE
from segmentation.engines.dialect import Dialect, literal
from segmentation.schemas import LINE_ID, PURCHASE_COLUMNS, RAW_RECORD, SOURCE_ID
from segmentation.sources.layout import Layout

# Where more lines than this hang together, it is by a stray quote.
MOST_LINES_OF_A_RECORD = 1000


def is_blank(line: str, delimiter: str) -> Column:
    """Nothing but empty fields, control characters and blanks; what starts with another character is told at once."""
    text = F.col(line)
    may_be = (text < "!") | text.startswith(delimiter) | text.startswith('"')
    blanks = "".join(f"\\x{code:02x}" for code in range(33) if chr(code) != delimiter)
    marks = F.regexp_replace(text, f"[{blanks}]+", "")
    # Quotes stand in pairs that are fields by themselves.
    are_pairs = ~marks.contains('"""') & ~F.replace(marks, F.lit('""'), F.lit("")).contains('"')
    return may_be & text.rlike(rf'\A[{blanks}{literal(delimiter)}"]*\z') & (~text.contains('"') | are_pairs)


def fields_of(record: Column, delimiter: str, dialect: Dialect) -> Column:
    """A record -> its fields, array of string, each with the delimiter before it; text between fields is left out.

    Args:
        record: text; null gives null.
        delimiter: between fields.
        dialect: the engine's.
    """
    pattern = f"{literal(delimiter)}(?:{dialect.field_between(delimiter)})"
    return F.regexp_extract_all(F.concat(F.lit(delimiter), record), F.lit(pattern), F.lit(0))


def is_well_formed(record: Column, fields: Column, delimiter: str) -> Column:
    """Do the fields that `fields_of` found make up the whole record?"""
    return F.array_join(fields, "") == F.concat(F.lit(delimiter), record)


def with_values(records: DataFrame, fields: str, places: Sequence[int]) -> DataFrame:
    """Add the values of fields, null for nothing at all: quotes and the blanks around them taken away, doubled ones
    single; and ``="text"``, by which Excel keeps digits as they are, stands for the text.

    In steps, each a column: as one expression they grew beyond what Spark compiles.

    Args:
        records: any frame.
        fields: its column of fields, each with its delimiter, as `fields_of` makes them; null gives nulls.
        places: which of them, counted from 0.

    Returns:
        The same, with a column for each place that is named by `value_at`.
    """
    steps: Sequence[Callable[[int], Column]] = (
        lambda at: F.get(fields, at),
        lambda at: F.col(value_at(at)).substr(F.lit(2), F.length(value_at(at))),
        _without_quotes,
        _without_formula,
    )
    for step in steps:
        records = records.withColumns({value_at(at): step(at) for at in dict.fromkeys(places)})
    return records


def value_at(place: int) -> str:
    """The name of the column with the value of a field."""
    return f"value_{place}"


def _without_quotes(place: int) -> Column:
    text = F.col(value_at(place))
    bare = F.btrim(text, F.lit(" \t"))
    return F.when(bare.startswith('"'), _unquoted(bare, 2)).when(_is_formula(bare), bare).otherwise(text)


def _without_formula(place: int) -> Column:
    text = F.col(value_at(place))
    return F.nullif(F.when(_is_formula(text), _unquoted(text, 3)).otherwise(text), F.lit(""))


def _is_formula(text: Column) -> Column:
    return text.startswith('="') & text.endswith('"') & (F.length(text) > 2)


def _unquoted(text: Column, start: int) -> Column:
    """What is between the mark before `start`, counted from 1, and the last one; doubled quotes are single ones."""
    return F.replace(text.substr(F.lit(start), F.length(text) - start), F.lit('""'), F.lit('"'))


def split_plainly(records: DataFrame, layout: Layout, dialect: Dialect, *, marked: bool) -> DataFrame:
    """``source_id, record`` without quotes -> the raw frame."""
    cut = _cut(records, F.col("record"), layout.delimiter, dialect)
    return _as_raw(cut.records, layout, cut.width == layout.width, cut.value, marked=marked)


def split_carefully(records: DataFrame, layout: Layout, dialect: Dialect, *, marked: bool) -> DataFrame:
    """``source_id, record``, some with quotes -> the raw frame; the others are split plainly, a third as dear."""
    record, has_quotes = F.col("record"), F.col("record").contains('"')
    split = records.withColumn("quoted", F.when(has_quotes, fields_of(record, layout.delimiter, dialect)))
    valued = with_values(split, "quoted", layout.positions)
    plain = _cut(valued, F.when(~has_quotes, record), layout.delimiter, dialect)
    quoted = F.col("quoted")
    fits_quoted = (F.size(quoted) == layout.width) & is_well_formed(record, quoted, layout.delimiter)
    fits = F.when(has_quotes, fits_quoted).otherwise(plain.width == layout.width)

    def value(at: int) -> Column:
        return F.when(has_quotes, F.col(value_at(at))).otherwise(plain.value(at))

    return _as_raw(plain.records, layout, fits, value, marked=marked)


class _Cut(NamedTuple):
    """Records, how many fields each has, and the expression for the field at a place."""

    records: DataFrame
    width: Column
    value: Callable[[int], Column]


def _cut(records: DataFrame, record: Column, delimiter: str, dialect: Dialect) -> _Cut:
    """Cut `record`, an expression on `records`, the way that is quicker for the engine."""
    if dialect.at_once:
        fields = records.withColumn("fields", F.split(record, literal(delimiter)))
        return _Cut(fields, F.size("fields"), lambda at: F.nullif(F.get("fields", at), F.lit("")))
    width, between = _count(record, delimiter) + 1, F.lit(delimiter)
    return _Cut(records, width, lambda at: F.nullif(F.split_part(record, between, F.lit(at + 1)), F.lit("")))


def put_together(lines: DataFrame, layout: Layout, dialect: Dialect, *, marked: bool) -> DataFrame:
    """``source_id, place, line`` of whole files -> the raw frame, lines put together while a quote is open.

    A quote that was opened by mistake must not swallow the lines after it: each is looked at by itself.
    """
    delimiter = layout.delimiter
    records = records_of(lines, layout).withColumn("fields", fields_of(F.col("record"), delimiter, dialect))
    fits = is_well_formed(F.col("record"), F.col("fields"), delimiter) & (F.size("fields") == layout.width)
    records = records.withColumn("fits", fits)
    whole = F.col("fits") | (F.size("lines") == 1)
    single = records.where(~whole).select(SOURCE_ID, F.explode("lines").alias("record"))
    valued = with_values(records.where(whole), "fields", layout.positions)
    together = _as_raw(valued, layout, F.col("fits"), lambda at: F.col(value_at(at)), marked=marked)
    return together.unionByName(
        split_carefully(single.where(~is_blank("record", delimiter)), layout, dialect, marked=marked)
    )


def records_of(lines: DataFrame, layout: Layout) -> DataFrame:
    """``source_id, place, line`` -> ``source_id, record, lines``: lines put together while a quote is open, without
    the preamble, whatever quotes that has.
    """
    blank = is_blank("line", layout.delimiter)
    in_file = Window.partitionBy(SOURCE_ID).orderBy("place")
    before = in_file.rowsBetween(Window.unboundedPreceding, -1)
    so_far = in_file.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    outside = F.coalesce(F.sum(_count(F.col("line"), '"')).over(before), F.lit(0)) % 2 == 0
    is_long = F.count(F.lit(1)).over(Window.partitionBy(SOURCE_ID, "number")) > MOST_LINES_OF_A_RECORD
    return (
        lines.withColumn("seen", F.count(F.lit(1)).over(so_far))
        .where(F.col("seen") > len(layout.preamble))
        .withColumn("outside", outside)
        # Blank lines between records are none.
        .where(~(F.col("outside") & blank))
        .withColumn("number", F.count(F.when(F.col("outside"), F.lit(1))).over(so_far))
        .withColumn("alone", F.when(is_long, F.col("place")))
        .groupBy(SOURCE_ID, "number", "alone")
        .agg(F.sort_array(F.collect_list(F.struct("place", "line"))).alias("placed"))
        .select(SOURCE_ID, F.col("placed.line").alias("lines"))
        .withColumn("record", F.array_join("lines", "\n"))
        .where(~is_blank("record", layout.delimiter))
    )


def _count(text: Column, mark: str) -> Column:
    return F.length(text) - F.length(F.replace(text, F.lit(mark), F.lit("")))


def _as_raw(
    records: DataFrame, layout: Layout, fits: Column, value: Callable[[int], Column], *, marked: bool
) -> DataFrame:
    """`schemas.RAW_COLUMNS`, and the further columns of the layout; a record that does not fit is shown whole.

    Args:
        records: with ``source_id`` and ``record``.
        layout: of their files.
        fits: has a record as many fields as the header, and no broken quotes?
        value: the expression for the field at a place.
        marked: may there be bytes that mean nothing? In a column of a purchase, they make a record malformed.
    """
    values = {name: value(at) for name, at in zip(layout.columns, layout.positions, strict=True)}
    record = F.col("record")
    if marked:
        needed = [column for name, column in values.items() if name in (*PURCHASE_COLUMNS, LINE_ID)]
        fits = fits & ~F.concat_ws("", *needed).contains(UNDECODABLE)
        record = _replaced(record)
        values |= {name: _replaced(value) for name, value in values.items() if name not in (*PURCHASE_COLUMNS, LINE_ID)}
    return records.select(
        SOURCE_ID,
        F.when(~fits, record).alias(RAW_RECORD),
        *[F.when(fits, column).alias(name) for name, column in values.items()],
    )


def _replaced(text: Column) -> Column:
    return F.replace(text, F.lit(UNDECODABLE), F.lit(REPLACED))
