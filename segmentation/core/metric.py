"""A metric of somebody's own: a named aggregate over one customer's purchases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from pyspark.sql import Column

from segmentation.config import SegmentationConfig, load_config


class Metric(ABC):
    """One value per customer, which rules may use and which is published, under its name.

    A subclass gives its name, which becomes a column, and the aggregate::

        class WeekendShare(Metric):
            name = "weekend_share"

            def column(self):
                return F.avg(F.when(F.dayofweek("purchase_date").isin(1, 7), 1.0).otherwise(0.0))
    """

    name: ClassVar[str]

    def __init__(self, config: SegmentationConfig | None = None) -> None:
        self.config = load_config(config)

    @abstractmethod
    def column(self) -> Column:
        """The aggregate.

        It may use, of each purchase of the customer up to the as-of day, ``customer_id``, ``purchase_id`` and
        ``category`` (string), ``purchase_date`` (date), ``amount`` (decimal, rupees), and beside these ``as_of`` (date)
        and ``is_festive`` (boolean); none of them is null. Its value hangs on nothing else, neither on the order of
        rows nor on the clock.
        """
