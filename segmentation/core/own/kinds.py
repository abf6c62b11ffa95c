"""What an expression is made of: kinds of values, each with one type in every engine.

Engines type the same expression differently (a difference of days is an int here and a bigint there), so what comes out
of an expression is cast to the type of its kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pyspark.sql import Column
from pyspark.sql.types import DataType, DecimalType

from segmentation.errors import ConfigError

# What a whole number is computed with: engines do not agree on what is too large for a bigint, but on decimals.
ROOMY = "decimal(19,0)"
# Decimals that a product may have; more would not fit beside the digits before the point.
MOST_DECIMALS = 10


class Sort(StrEnum):
    """What people call a kind."""

    WHOLE = "a whole number"
    EXACT = "a decimal number"
    RATIO = "a quotient"
    TEXT = "a text"
    DAY = "a day"
    TRUTH = "true or false"
    NOTHING = "nothing"


NUMBERS = (Sort.WHOLE, Sort.EXACT, Sort.RATIO)


@dataclass(frozen=True)
class Kind:
    """A kind of value; a decimal number has `scale` decimals."""

    sort: Sort
    scale: int = 0

    @property
    def type(self) -> str:
        """The type of its values, in the words of Spark's SQL."""
        return f"decimal(28,{self.scale})" if self.sort is Sort.EXACT else TYPES[self.sort]

    @property
    def json_type(self) -> str:
        """The same, in the words of Spark's schemas."""
        return "long" if self.sort is Sort.WHOLE else self.type

    @property
    def is_number(self) -> bool:
        """May it be added up?"""
        return self.sort in NUMBERS


WHOLE, RATIO, TEXT, DAY, TRUTH, NOTHING = (
    Kind(sort) for sort in (Sort.WHOLE, Sort.RATIO, Sort.TEXT, Sort.DAY, Sort.TRUTH, Sort.NOTHING)
)
TYPES = {
    Sort.WHOLE: "bigint",
    Sort.RATIO: "double",
    Sort.TEXT: "string",
    Sort.DAY: "date",
    Sort.TRUTH: "boolean",
    Sort.NOTHING: "string",
}
OF_TYPES = {
    "string": TEXT,
    "integer": WHOLE,
    "int": WHOLE,
    "long": WHOLE,
    "bigint": WHOLE,
    "double": RATIO,
    "date": DAY,
    "boolean": TRUTH,
}


def kind_of(data_type: DataType) -> Kind:
    """The kind of a column."""
    if isinstance(data_type, DecimalType):
        return Kind(Sort.EXACT, data_type.scale)
    return OF_TYPES[data_type.typeName()]


def kind_named(name: str) -> Kind:
    """The kind of a type of the configuration: ``integer``, ``decimal(18,2)``."""
    return Kind(Sort.EXACT, int(name.rstrip(")").split(",")[1])) if name.startswith("decimal") else OF_TYPES[name]


def common(one: Kind, other: Kind, what: str) -> Kind:
    """The kind that holds both.

    Raises:
        ConfigError: there is none.
    """
    if one == other or other.sort is Sort.NOTHING:
        return one
    if one.sort is Sort.NOTHING:
        return other
    if one.is_number and other.is_number:
        return max(one, other, key=lambda kind: (NUMBERS.index(kind.sort), kind.scale))
    raise ConfigError(f"{what}: {one.sort} and {other.sort} do not go together")


def roomy(column: Column, kind: Kind) -> Column:
    """A number to compute with; the result is cast to its kind, which fails where it is too large."""
    return column.cast(ROOMY) if kind == WHOLE else column


def as_kind(column: Column, is_: Kind, to: Kind) -> Column:
    """A value of one kind as one of another."""
    return column if is_ == to else column.cast(to.type)
