"""Values that have a type -> the text that a CSV file would hold, the same from every engine."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from segmentation.core.texts import try_cast
from segmentation.schemas import AMOUNT_TYPE

# More than any double has behind its point; Decimal128 has more, and stays as it is.
MOST_ZEROS = 340
# Below, a double of up to two decimals is told from every other one by its fifteen digits.
EXACT_CENTS = 1e13
EXPONENT = r"(?i)\A-?[0-9]+(?:\.[0-9]+)?e[+-]?[0-9]{1,3}\z"


def number_text(text: Column) -> Column:
    """A number as an engine writes it, ``1.0E7`` or ``1e7`` or ``5.0`` -> written out, ``10000000`` and ``5``.

    What is no such number (``NaN``, more than 340 zeros) stays as it is.
    """
    # Null for all others, and so everything that is made of it costs next to nothing: not every engine is lazy here.
    odd = F.when(text.rlike(EXPONENT), text)
    return F.coalesce(_written_out(odd), F.regexp_replace(text, r"\.0+$", ""))


def _written_out(text: Column) -> Column:
    zeros = F.lit("0" * MOST_ZEROS)
    lower = F.lower(text)
    exponent = F.substring_index(lower, "e", -1).cast("int")
    sign = F.when(text.startswith("-"), F.lit("-")).otherwise(F.lit(""))
    digits = F.regexp_replace(F.translate(F.substring_index(lower, "e", 1), "-.", ""), "0+$", "")
    padded = F.concat(digits, zeros)
    fraction = padded.substr(exponent + 2, F.greatest(F.length(digits) - exponent - 1, F.lit(0)))
    large = F.concat(padded.substr(F.lit(1), exponent + 1), F.when(fraction != "", F.lit(".")).otherwise(""), fraction)
    small = F.concat(F.lit("0."), zeros.substr(F.lit(1), -exponent - 1), digits)
    written = F.when(exponent >= 0, F.concat(sign, large)).when(exponent < 0, F.concat(sign, small))
    return F.when(F.abs(exponent) < MOST_ZEROS, written)


def double_text(value: Column) -> Column:
    """A float or double: its shortest text, written out; ``NaN``, ``Infinity``, ``-Infinity``."""
    text = value.cast("string")
    # As Rust writes it.
    return number_text(F.when(text.endswith("inf"), F.replace(text, F.lit("inf"), F.lit("Infinity"))).otherwise(text))


def double_amount_text(column: str) -> Column:
    """The same, of two decimals where that is all of its value: the form that amounts have, and soon made."""
    value, cents = F.col(column), try_cast(column, AMOUNT_TYPE)
    is_all = F.coalesce((F.abs(value) < EXACT_CENTS) & (cents.cast("double") == value), F.lit(False))
    return F.when(is_all, cents.cast("string")).otherwise(double_text(F.when(~is_all, value)))


def local_time_text(value: Column) -> Column:
    """A timestamp without a zone: the day, and the time behind it unless it is midnight."""
    is_day = value == value.cast("date").cast("timestamp_ntz")
    return F.when(is_day, value.cast("date").cast("string")).otherwise(value.cast("string"))


def instant_text(value: Column) -> Column:
    """A timestamp, in a session whose zone is UTC: an instant with its offset, as MongoDB gives it."""
    return F.concat(F.translate(value.cast("string"), " ", "T"), F.lit("Z"))
