"""Columns of a purchase that only a configuration knows: text -> typed values.

A value that is not of its type is none, and the purchase is used all the same, with a warning: a slip in a channel must
not cost a customer a purchase.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.texts import by_format, day_text, plain_number, try_cast, word_or_null
from segmentation.encodings import REPLACED

TRUE, FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


def with_extra(raw: DataFrame, config: SegmentationConfig) -> DataFrame:
    """Raw rows -> the same, and of each extra column its trimmed text and its typed value, named for themselves."""
    if not config.extra_columns:
        return raw
    nothing = config.null_values
    texts = {_text(name): word_or_null(F.col(name), nothing) for name in config.extra_columns}
    fitting = {_fitting(name): _as_sql(name, config) for name in config.extra_columns}
    return (
        raw.withColumns(texts)
        .withColumns(fitting)
        .withColumns({_typed(name): _value(name, config) for name in config.extra_columns})
    )


def typed_extra(config: SegmentationConfig) -> list[Column]:
    """The typed values, under the names of the columns."""
    return [F.col(_typed(name)).alias(name) for name in config.extra_columns]


def is_odd_extra(config: SegmentationConfig) -> Column:
    """Is there a value that is not of its type?"""
    return _any([F.col(_text(name)).isNotNull() & F.col(_typed(name)).isNull() for name in config.extra_columns])


def is_other_extra(config: SegmentationConfig) -> Column:
    """Is a text another one than that of its value?"""
    return _any([~F.col(name).eqNullSafe(F.col(_typed(name)).cast("string")) for name in config.extra_columns])


def _any(conditions: list[Column]) -> Column:
    return reduce(lambda one, other: one | other, conditions, F.lit(False))


def _as_sql(name: str, config: SegmentationConfig) -> Column:
    """A text as an engine reads it as the type of the column, null where it is none."""
    text, kind = F.col(_text(name)), config.input.extra_columns[name].type
    if kind == "string":
        # Two texts that were different would be the same.
        return F.when(~text.contains(REPLACED), text)
    if kind == "date":
        return day_text(text)
    if kind == "boolean":
        small = F.lower(text)
        return F.when(small.isin(*TRUE), F.lit("true")).when(small.isin(*FALSE), F.lit("false"))
    number = plain_number(text, config.decimal_separator, config.thousands_separator)
    if kind == "integer":
        return F.when(number.rlike(r"\A[+-]?[0-9]+(?:\.0*)?\z"), F.split_part(number, F.lit("."), F.lit(1)))
    return number


def _value(name: str, config: SegmentationConfig) -> Column:
    column = config.input.extra_columns[name]
    value = try_cast(_fitting(name), column.sql_type)
    if column.type != "date":
        return value
    formats = [by_format(F.col(_text(name)), pattern, config.timezone) for pattern in config.date_formats]
    return F.coalesce(value, *formats)


def _text(name: str) -> str:
    return f"{name}_text_"


def _fitting(name: str) -> str:
    return f"{name}_fitting_"


def _typed(name: str) -> str:
    return f"{name}_typed_"
