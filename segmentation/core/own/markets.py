"""Thresholds by market: which column tells the market of a customer."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.config.markets import Markets
from segmentation.core.own.kinds import TEXT, Kind
from segmentation.core.own.names import at
from segmentation.errors import ConfigError, close_to


def see_markets(config: SegmentationConfig, known: Mapping[str, Kind]) -> None:
    """See that the market of a customer is known, and a text.

    Args:
        config: which column tells it.
        known: metrics and scores of the configuration.

    Raises:
        ConfigError: it is not; naming where it stands.
    """
    column = config.per.column
    if column is None or known.get(column) == TEXT:
        return
    with at(config.place("per", "column"), column):
        if column in known:
            raise ConfigError(f"expected a text, found {known[column].sort}")
        if column in config.extra_columns:
            raise ConfigError(
                "a customer has many purchases, and this is a column of each: choose one by a metric, as in metrics: "
                f'[{{name: market, sql: "max_by({column}, purchase_date)"}}], and name the metric here'
            )
        raise ConfigError(f"there is no metric of this name{close_to(column, known) or ''}")


def is_refused(per: Markets) -> Column:
    """Is a customer of a market that is not listed, where all there may be are?"""
    if per.column is None or per.otherwise != "refuse":
        return F.lit(False)
    return ~F.coalesce(F.col(per.column).isin(*per.values), F.lit(False))
