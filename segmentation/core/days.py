"""Days as literals."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F


def on(day: date) -> Column:
    """A day as a literal, date. As text: PySpark would send it through a time in the zone of the machine, where a day
    may be missing.
    """
    return F.lit(day.isoformat()).cast("date")
