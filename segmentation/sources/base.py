"""A source of somebody's own: purchases from wherever they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from pyspark.sql import DataFrame, SparkSession

from segmentation.config import SegmentationConfig, load_config


class Source(ABC):
    """Where purchases come from, for ``--source NAME``.

    Attributes:
        only_spark: why only Spark can read it, for people; None where the embedded engine can, too.
    """

    only_spark: ClassVar[str | None] = None

    def __init__(self, config: SegmentationConfig | None = None) -> None:
        self.config = load_config(config)

    @abstractmethod
    def purchases(self, session: SparkSession) -> DataFrame:
        """Read everything there is.

        Args:
            session: of the engine that the run has chosen; on the embedded one it speaks the protocol of Spark Connect.

        Returns:
            One row per purchase (with ``grain: line``, per line), with the columns of a purchase under the names that a
            file may have, or `columns` of the configuration maps. Values are text as in a file, or typed as in a table.
            Rows that make no sense are left in: the job rejects them with their reasons.
        """

    def fingerprint(self) -> str | None:
        """A text that is another one when the purchases are; None where only reading tells, so every run reads."""
        return None
