"""Results that are too large for their type: told with what may have made them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from segmentation.config import SegmentationConfig
from segmentation.core.own.typed import MOST
from segmentation.errors import ConfigError

# Spark's names for it, and what Sail says.
TOO_LARGE = re.compile(
    r"ARITHMETIC_OVERFLOW|NUMERIC_VALUE_OUT_OF_RANGE|CAST_OVERFLOW|out of range Int64|too large to store in a Decimal"
)
COMPUTES = re.compile(r"[-+*]|\b(?:sum|avg|mean)\b", re.IGNORECASE)


@contextmanager
def overflow_told(config: SegmentationConfig) -> Iterator[None]:
    """Tell an overflow as one of what is configured.

    Raises:
        ConfigError: a result is too large; naming the expressions that compute.
    """
    try:
        yield
    except Exception as error:
        places = list(_computing(config))
        if not places or not TOO_LARGE.search(str(error)):
            raise
        raise ConfigError(
            f"A result is too large: whole numbers go up to {MOST:,}, decimal ones have 28 digits. It comes of one of "
            f"these: {'; '.join(places)}. Compare with limits that are lower, or divide, which gives a quotient."
        ) from error


def _computing(config: SegmentationConfig) -> Iterator[str]:
    for number, metric in enumerate(config.metrics):
        if not isinstance(metric, str) and COMPUTES.search(metric.sql):
            yield config.place("metrics", number, "sql")
    for number, dimension in enumerate(config.dimensions):
        for at, rule in enumerate(dimension.rules or ()):
            if rule.when and COMPUTES.search(rule.when):
                yield config.place("dimensions", number, "rules", at, "when")
