"""For tests of rules of your own: which labels customers get."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pyspark.sql.types import DataType, DateType, DecimalType

from segmentation.core.metrics import METRICS_SCHEMA
from segmentation.core.segmenters import Segmenter
from segmentation.engines.choose import INSTALL_EMBEDDED, missing_packages
from segmentation.errors import ConfigError
from segmentation.insights.reader import small_engine
from segmentation.schemas import CUSTOMER_ID


def labels_of(segmenter: Segmenter, *customers: Mapping[str, Any]) -> list[str]:
    """The labels that customers get, by the embedded engine.

    As in::

        assert labels_of(Vip(), {"total_purchases": 10}, {"total_purchases": 9}) == ["VIP", "Regular"]

    Args:
        segmenter: the rules.
        customers: of each its metrics, by their names; what is not given is null, and no condition on it holds.

    Raises:
        RuleError: the rules cannot be computed.
        ConfigError: a metric is not known, or the engine is not installed.
    """
    missing = missing_packages()
    if missing:
        raise ConfigError(f"this needs {', '.join(missing)}: {INSTALL_EMBEDDED}.")
    rows = [{**_row(metrics), CUSTOMER_ID: f"{number:06}"} for number, metrics in enumerate(customers)]
    with small_engine(segmenter.config, "it only tests") as (engine, _):
        labelled = segmenter.segment_customers(engine.rows(rows, METRICS_SCHEMA))
        found = labelled.select(CUSTOMER_ID, segmenter.dimension).orderBy(CUSTOMER_ID).collect()
    return [row[1] for row in found]


def _row(metrics: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted({*metrics} - {*METRICS_SCHEMA.names})
    if unknown:
        raise ConfigError(f"{unknown[0]} is no metric: expected some of {', '.join(METRICS_SCHEMA.names)}.")
    return {name: _typed(value, METRICS_SCHEMA[name].dataType) for name, value in metrics.items()}


def _typed(value: Any, kind: DataType) -> Any:
    """Amounts and days may be written as text and numbers."""
    if isinstance(kind, DecimalType) and value is not None:
        return Decimal(str(value))
    return date.fromisoformat(value) if isinstance(kind, DateType) and isinstance(value, str) else value
