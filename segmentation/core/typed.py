"""Values that have a type -> the text that a CSV file would hold, the same from every engine."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

# More than any double has behind its point; Decimal128 has more, and stays as it is.
MOST_ZEROS = 340
EXPONENT = r"(?i)\A-?[0-9]+(?:\.[0-9]+)?e[+-]?[0-9]{1,3}\z"


def number_text(text: Column) -> Column:
    """A number as an engine writes it, ``1.0E7`` or ``1e7`` or ``5.0`` -> written out, ``10000000`` and ``5``.

    What is no such number (``NaN``, more than 340 zeros) stays as it is.
    """
    zeros = F.lit("0" * MOST_ZEROS)
    lower = F.lower(text)
    mantissa = F.substring_index(lower, "e", 1)
    exponent = F.when(text.rlike(EXPONENT), F.substring_index(lower, "e", -1).cast("int"))
    sign = F.when(text.startswith("-"), F.lit("-")).otherwise(F.lit(""))
    digits = F.regexp_replace(F.translate(mantissa, "-.", ""), "0+$", "")
    padded = F.concat(digits, zeros)
    fraction = padded.substr(exponent + 2, F.greatest(F.length(digits) - exponent - 1, F.lit(0)))
    large = F.concat(padded.substr(F.lit(1), exponent + 1), F.when(fraction != "", F.lit(".")).otherwise(""), fraction)
    small = F.concat(F.lit("0."), zeros.substr(F.lit(1), -exponent - 1), digits)
    written = F.when(exponent >= 0, F.concat(sign, large)).when(exponent < 0, F.concat(sign, small))
    fits = F.abs(exponent) < MOST_ZEROS
    return F.when(fits, written).otherwise(F.regexp_replace(text, r"\.0+$", ""))


def double_text(value: Column) -> Column:
    """A float or double: its shortest text, written out; ``NaN``, ``Infinity``, ``-Infinity``."""
    return (
        F.when(F.isnan(value), F.lit("NaN"))
        .when(value == float("inf"), F.lit("Infinity"))
        .when(value == float("-inf"), F.lit("-Infinity"))
        .otherwise(number_text(value.cast("string")))
    )


def local_time_text(value: Column) -> Column:
    """A timestamp without a zone: the day, and the time behind it unless it is midnight."""
    is_day = value == value.cast("date").cast("timestamp_ntz")
    return F.when(is_day, value.cast("date").cast("string")).otherwise(value.cast("string"))


def instant_text(value: Column) -> Column:
    """A timestamp, in a session whose zone is UTC: an instant with its offset, as MongoDB gives it."""
    return F.concat(F.translate(value.cast("string"), " ", "T"), F.lit("Z"))
