"""Receipts as tills write them: a file with a JSON object a line."""

from __future__ import annotations

import os
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation import Source
from segmentation.errors import ConfigError, NoDataError

# Names the file.
FILE = "RECEIPTS"
SCHEMA = "card string, receipt string, at string, lines array<struct<group string, cents bigint>>"


class Receipts(Source):
    """A receipt is a purchase, its amount what its lines add up to, its category that of the first line.

    ``{"card": "C1", "receipt": "R1", "at": "2024-01-05T10:30", "lines": [{"group": "Womens", "cents": 1000}]}``
    """

    def purchases(self, session: SparkSession) -> DataFrame:
        """One row per receipt; values that make no sense are left to the job, which rejects them with their reasons.

        A line that is no JSON ends the run: nobody could say whose receipt it was.
        """
        cents = F.aggregate("lines", F.lit(0).cast("bigint"), lambda total, line: total + line["cents"])
        return (
            session.read.schema(SCHEMA)
            .json(str(self._file()))
            .select(
                F.col("card").alias("customer_id"),
                F.col("receipt").alias("purchase_id"),
                F.col("at").alias("purchase_date"),
                (cents.cast("decimal(18,0)") / 100).cast("decimal(18,2)").alias("amount"),
                F.get("lines", F.lit(0))["group"].alias("category"),
            )
        )

    def fingerprint(self) -> str | None:
        """Size and time of the file, so that ``--check-freshness`` runs only where there are new receipts."""
        found = self._file().stat()
        return f"{found.st_size} {found.st_mtime_ns}"

    def _file(self) -> Path:
        name = os.environ.get(FILE)
        if not name:
            raise ConfigError(f"The environment variable {FILE} is not set: it names the file with the receipts.")
        if not Path(name).is_file():
            raise NoDataError(f"there is no file {name}, which {FILE} names.")
        return Path(name)
