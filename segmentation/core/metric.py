"""A metric of somebody's own: a named aggregate over one customer's purchases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from pyspark.sql import Column

from segmentation.config import SegmentationConfig, load_config


class Metric(ABC):
    """One value per customer, which rules may use and which is published, under its name.

    A subclass gives its name, which becomes a column, its type, and the aggregate::

        class WeekendPurchases(Metric):
            name = "weekend_purchases"
            type = "bigint"

            def column(self):
                return F.count(F.when(F.dayofweek("purchase_date").isin(1, 7), 1))

    Attributes:
        name: of the column.
        type: of its values, in Spark's words, such as ``bigint``, ``decimal(28,2)``, ``double``, ``date``, ``string``.
    """

    name: ClassVar[str]
    type: ClassVar[str]

    def __init__(self, config: SegmentationConfig | None = None) -> None:
        self.config = load_config(config)

    @abstractmethod
    def column(self) -> Column:
        """The aggregate.

        It may use, of each purchase of the customer up to the as-of day, ``customer_id``, ``purchase_id`` and
        ``category`` (string), ``purchase_date`` (date), ``amount`` (decimal, rupees), the extra columns of the
        configuration, and beside these ``as_of``, ``first_purchase`` and ``last_purchase`` (date),
        ``in_last_6_months``, ``in_last_90_days``, ``in_loyal_window`` and ``is_festive`` (boolean). Only extra columns
        are null. With ``returns: net``, returns are among the rows, with amounts below zero. Its value hangs on nothing
        else, neither on the order of rows nor on the clock.
        """
