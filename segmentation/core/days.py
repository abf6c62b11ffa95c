"""Days as literals."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F


def on(day: date | Column) -> Column:
    """A day as a literal, date; a column of days stays as it is.

    As text: PySpark would send it through a time in the zone of the machine, where a day may be missing.
    """
    return day if isinstance(day, Column) else F.lit(day.isoformat()).cast("date")
