"""What an engine is asked before anything is read."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from segmentation.config import load_config
from segmentation.core.trial import try_dates
from segmentation.errors import ConfigError


@pytest.mark.parametrize(
    "config", [{}, {"timezone": "Europe/Oslo", "date_formats": ["dd/MM/yyyy", "yyyyDDD", "dd.MM.yy HH:mm Z"]}]
)
def test_what_the_engine_knows(session: SparkSession, config: dict[str, Any]) -> None:
    try_dates(session, load_config(config))


def test_a_zone_that_python_knows_and_the_engine_does_not(session: SparkSession) -> None:
    config = load_config({"date_formats": ["dd/MM/yyyy"]}).model_copy(update={"timezone": "Nowhere/Here"})
    with pytest.raises(ConfigError, match=r"timezone: 'Nowhere/Here' cannot be used: the engine does not know it"):
        try_dates(session, config)
