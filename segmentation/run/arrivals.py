"""Rows that came to purchases that are known, settled against them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.known import (
    IS_NEW,
    WAITED,
    customers_of,
    is_early,
    is_replacing,
    met,
    near,
    replacing,
    together,
    without_replaced,
)
from segmentation.core.metrics import count_if
from segmentation.core.quality import only_row, purchases_and_returns
from segmentation.engines.base import Engine
from segmentation.locations import join
from segmentation.run.settling import each_once
from segmentation.schemas import PURCHASE_DATE, REASONS

# Ids of as many rows take some 100 MB of a task's memory.
FEW = 1_500_000


class Arrivals:
    """What came, row by row: is it new, does it take another row's place, is it rejected?

    Args:
        engine: computes, and keeps what is needed more than once.
        config: how rows are settled.
        read: the labelled frame with ``source``, None where nothing was read.
        due: purchases that waited for their day, None where none did.
        known: purchases that earlier runs took in.
        folder: for what is kept until the run ends.
    """

    def __init__(
        self,
        engine: Engine,
        config: SegmentationConfig,
        read: DataFrame | None,
        due: DataFrame | None,
        known: DataFrame,
        folder: str,
    ) -> None:
        self.engine = engine
        self.config = config
        self.folder = folder
        settled = each_once(engine, together(read, due), config, join(folder, "repeated"))
        about = engine.stage(near(known, settled, are_few=settled.count() <= FEW), join(folder, "near"))
        self._met = engine.stage(met(settled, about, config), join(folder, "met"))

    @property
    def rows(self) -> DataFrame:
        """Every row that was read, with its reasons."""
        return self._met.where(~F.col(WAITED))

    @property
    def new(self) -> DataFrame:
        """What is kept from now on."""
        return self._met.where(IS_NEW)

    @property
    def early(self) -> DataFrame:
        """What waits for its day from now on."""
        return self._met.where(is_early(F.col(REASONS)))

    @cached_property
    def counts(self) -> Mapping[str, Any]:
        """How many rows are new, take another one's place, are early; the first and the last day of new ones."""
        day = F.when(F.col(IS_NEW), F.col(PURCHASE_DATE))
        return only_row(
            self._met.agg(
                count_if(F.col(IS_NEW)).alias("new"),
                count_if(is_replacing()).alias("replacing"),
                count_if(is_early(F.col(REASONS))).alias("early"),
                F.min(day).alias("first"),
                F.max(day).alias("last"),
            )
        )

    def more(self, as_of: date) -> tuple[int, int]:
        """How many purchases and returns up to a day there are more than before."""
        new = purchases_and_returns(self.new, "", as_of)
        replaced = purchases_and_returns(replacing(self._met), "known_", as_of)
        return new[0] - replaced[0], new[1] - replaced[1]

    @cached_property
    def touched(self) -> DataFrame:
        """Whose purchases changed: ``customer_id``."""
        return self.engine.stage(customers_of(self._met).distinct(), join(self.folder, "touched"))

    def added_to(self, known: DataFrame) -> DataFrame:
        """Known purchases -> purchases as they are now, of both `purchase_columns`."""
        stays = without_replaced(known, self._met, self.config) if self.counts["replacing"] else known
        return stays.unionByName(self.new.select(*self.config.purchase_columns))
