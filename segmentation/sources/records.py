"""Lines -> records -> fields, as expressions that every engine understands."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from segmentation.engines.base import Dialect
from segmentation.schemas import LINE_ID, PURCHASE_COLUMNS, RAW_RECORD, SOURCE_ID
from segmentation.sources.layout import Layout

# Where more lines than this hang together, it is by a stray quote.
MOST_LINES_OF_A_RECORD = 1000
BLANK = r"\A[\x00-\x20]*\z"


def is_blank(line: str) -> Column:
    """Nothing but control characters and blanks; a line that starts with a visible character is told at once."""
    return (F.col(line) < "!") & F.col(line).rlike(BLANK)


def fields_of(record: Column, csv_field: str) -> Column:
    """A record -> its fields, array of string, each with the comma before it; text between fields is left out.

    Args:
        record: text; null gives null.
        csv_field: the engine's pattern of a field.
    """
    return F.regexp_extract_all(F.concat(F.lit(","), record), F.lit(f",(?:{csv_field})"), F.lit(0))


def is_well_formed(record: Column, fields: Column) -> Column:
    """Do the fields that `fields_of` found make up the whole record?"""
    return F.array_join(fields, "") == F.concat(F.lit(","), record)


def value_of(field: Column) -> Column:
    """A field with its comma -> its value: quotes taken away, doubled ones single; null for nothing at all."""
    inside = F.replace(field.substr(F.lit(3), F.length(field) - 3), F.lit('""'), F.lit('"'))
    return F.when(field.startswith(',"'), inside).otherwise(
        F.nullif(field.substr(F.lit(2), F.length(field)), F.lit(""))
    )


def split_plainly(records: DataFrame, layout: Layout, dialect: Dialect) -> DataFrame:
    """``source_id, record`` without quotes -> the raw frame."""
    cut = _cut_at_commas(records, F.col("record"), dialect)
    return _as_raw(cut.records, layout, cut.width == layout.width, cut.value)


def split_carefully(records: DataFrame, layout: Layout, dialect: Dialect) -> DataFrame:
    """``source_id, record``, some with quotes -> the raw frame; the others are split plainly, a third as dear."""
    record, has_quotes = F.col("record"), F.col("record").contains('"')
    split = records.withColumn("quoted", F.when(has_quotes, fields_of(record, dialect.field)))
    plain = _cut_at_commas(split, F.when(~has_quotes, record), dialect)
    quoted = F.col("quoted")
    fits_quoted = (F.size(quoted) == layout.width) & is_well_formed(record, quoted)
    fits = F.when(has_quotes, fits_quoted).otherwise(plain.width == layout.width)

    def value(at: int) -> Column:
        return F.when(has_quotes, value_of(F.get(quoted, at))).otherwise(plain.value(at))

    return _as_raw(plain.records, layout, fits, value)


class _Cut(NamedTuple):
    """Records, how many fields each has, and the expression for the field at a place."""

    records: DataFrame
    width: Column
    value: Callable[[int], Column]


def _cut_at_commas(records: DataFrame, record: Column, dialect: Dialect) -> _Cut:
    """Cut `record`, an expression on `records`, the way that is quicker for the engine."""
    if dialect.at_once:
        fields = records.withColumn("fields", F.split(record, ","))
        return _Cut(fields, F.size("fields"), lambda at: F.nullif(F.get("fields", at), F.lit("")))
    width = _count(record, ",") + 1
    return _Cut(records, width, lambda at: F.nullif(F.split_part(record, F.lit(","), F.lit(at + 1)), F.lit("")))


def put_together(lines: DataFrame, layout: Layout, dialect: Dialect) -> DataFrame:
    """``source_id, place, line`` of whole files -> the raw frame, lines put together while a quote is open.

    A quote that was opened by mistake must not swallow the lines after it: each is looked at by itself.
    """
    fields = fields_of(F.col("record"), dialect.field)
    records = records_of(lines).withColumn("fields", fields)
    fits = is_well_formed(F.col("record"), F.col("fields")) & (F.size("fields") == layout.width)
    records = records.withColumn("fits", fits)
    whole = F.col("fits") | (F.size("lines") == 1)
    single = records.where(~whole).select(SOURCE_ID, F.explode("lines").alias("record")).where(~is_blank("record"))
    return _as_raw(records.where(whole), layout, F.col("fits"), lambda at: value_of(F.get("fields", at))).unionByName(
        split_carefully(single, layout, dialect)
    )


def records_of(lines: DataFrame) -> DataFrame:
    """``source_id, place, line`` -> ``source_id, record, lines``: lines put together while a quote is open, no header.

    The header is the first line that is not blank, whatever quotes it has.
    """
    in_file = Window.partitionBy(SOURCE_ID).orderBy("place")
    before = in_file.rowsBetween(Window.unboundedPreceding, -1)
    so_far = in_file.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    outside = F.coalesce(F.sum(_count(F.col("line"), '"')).over(before), F.lit(0)) % 2 == 0
    is_long = F.count(F.lit(1)).over(Window.partitionBy(SOURCE_ID, "number")) > MOST_LINES_OF_A_RECORD
    return (
        lines.withColumn("seen", F.count(F.when(~is_blank("line"), F.lit(1))).over(so_far))
        .where(F.col("seen") > 1)
        .withColumn("outside", outside)
        # Blank lines between records are none.
        .where(~(F.col("outside") & is_blank("line")))
        .withColumn("number", F.count(F.when(F.col("outside"), F.lit(1))).over(so_far))
        .withColumn("alone", F.when(is_long, F.col("place")))
        .groupBy(SOURCE_ID, "number", "alone")
        .agg(F.sort_array(F.collect_list(F.struct("place", "line"))).alias("placed"))
        .select(SOURCE_ID, F.col("placed.line").alias("lines"))
        .withColumn("record", F.array_join("lines", "\n"))
        .where(~is_blank("record"))
    )


def _count(text: Column, mark: str) -> Column:
    return F.length(text) - F.length(F.replace(text, F.lit(mark), F.lit("")))


def _as_raw(records: DataFrame, layout: Layout, fits: Column, value: Callable[[int], Column]) -> DataFrame:
    """`schemas.RAW_COLUMNS`, and ``line_id`` where it is mapped; a record that does not fit is shown whole."""
    names = (*PURCHASE_COLUMNS, LINE_ID)[: len(layout.positions)]
    chosen = {name: F.when(fits, value(at)) for name, at in zip(names, layout.positions, strict=True)}
    return records.select(
        SOURCE_ID,
        F.when(~fits, F.col("record")).alias(RAW_RECORD),
        *[column.alias(name) for name, column in chosen.items()],
    )
