"""Why a customer has its labels: what each rule asks for, and what the customer has to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from segmentation.config import SegmentationConfig
from segmentation.core.conditions import Comparison, comparisons, in_words, joined_by
from segmentation.core.metrics import LOYAL_WINDOW
from segmentation.core.quality import only_row
from segmentation.core.rules import Dimension
from segmentation.core.segmentation import Segmentation
from segmentation.engines.base import Engine
from segmentation.schemas import CUSTOMER_ID

TOTAL = "all purchases"
WORDS: Mapping[str, str] = {
    "total_purchases": TOTAL,
    "purchases_last_6_months": "purchases in the last 6 months",
    "purchases_last_90_days": "purchases in the last 90 days",
    "days_since_last_purchase": "days since the last purchase",
    "festive_purchases": "purchases on festive days",
    "womens_purchases": "Womens purchases",
    "mens_purchases": "Mens purchases",
    "kids_purchases": "Kids purchases",
    "average_days_between_purchases": "days between purchases on average",
}


def words(config: SegmentationConfig) -> dict[str, str]:
    """What people call the metrics."""
    months = config.loyal_window_months
    window = "the last month" if months == 1 else f"the last {months} months"
    return {**WORDS, LOYAL_WINDOW: f"purchases in {window}"}


def reasons(engine: Engine, segmentation: Segmentation, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Why a customer has its labels, computed by the rules themselves.

    Args:
        engine: computes; its columns are those of Spark Connect.
        segmentation: the rules.
        row: the customer, as published.

    Returns:
        Per dimension ``dimension``, ``label``, and ``rules`` in their order, each with ``label``, ``holds``,
        ``decides``, ``condition`` in words, ``joined_by`` (``and``, ``or``, null), and ``comparisons``: ``words``,
        ``metric`` (null where another value than a metric is compared), ``operator``, ``value``, ``threshold``,
        ``missing`` (how far the value is from the threshold, null where it holds or is no number), ``holds``.
    """
    known = words(segmentation.config)
    dimensions = [one.build() for one in segmentation.segmenters]
    conditions = [rule.condition for dimension in dimensions for rule in dimension.rules]
    compared = [comparisons(condition, known) for condition in conditions]
    values = _computed(engine, segmentation.customer_schema, row, conditions, compared)
    at = iter(range(len(conditions)))
    return [
        _of_dimension(dimension, [(next(at), rule) for rule in dimension.rules], compared, values, known)
        for dimension in dimensions
    ]


def longest_silence(why: Sequence[Mapping[str, Any]]) -> int:
    """The most days since the last purchase that a rule of `reasons` asks for."""
    asked = [
        compared["threshold"]
        for one in why
        for rule in one["rules"]
        for compared in rule["comparisons"]
        if compared["metric"] == "days_since_last_purchase" and compared["threshold"]
    ]
    return max((int(Decimal(one)) for one in asked), default=0)


def _computed(
    engine: Engine,
    schema: StructType,
    row: Mapping[str, Any],
    conditions: Sequence[Column],
    compared: Sequence[Sequence[Comparison]],
) -> Mapping[str, Any]:
    """All conditions, all comparisons and their two sides, in one query on one row."""
    metrics = {name: row.get(name) for name in schema.names}
    if metrics[LOYAL_WINDOW] is None:
        metrics[LOYAL_WINDOW] = row["purchases_last_6_months"]
    columns = {f"rule {number}": F.coalesce(one, F.lit(False)) for number, one in enumerate(conditions)}
    for number, several in enumerate(compared):
        for at, one in enumerate(several):
            columns[f"holds {number} {at}"] = F.coalesce(one.holds, F.lit(False))
            columns[f"left {number} {at}"] = one.left.cast("string")
            columns[f"right {number} {at}"] = one.right.cast("string")
    frame = engine.rows([metrics], schema)
    return only_row(frame.select(*[column.alias(name) for name, column in columns.items()]))


def _of_dimension(
    dimension: Dimension,
    numbered: Sequence[tuple[int, Any]],
    compared: Sequence[Sequence[Comparison]],
    values: Mapping[str, Any],
    known: Mapping[str, str],
) -> dict[str, Any]:
    first = next((number for number, _ in numbered if values[f"rule {number}"]), None)
    rules = [
        {
            "label": str(rule.label),
            "holds": values[f"rule {number}"],
            "decides": number == first,
            "condition": in_words(rule.condition, known),
            "joined_by": joined_by(rule.condition),
            "comparisons": [_shown(one, number, at, values) for at, one in enumerate(compared[number])],
        }
        for number, rule in numbered
    ]
    label = next((rule["label"] for rule in rules if rule["decides"]), dimension.fallback)
    return {"dimension": dimension.name, "label": label, "rules": rules}


def _shown(one: Comparison, number: int, at: int, values: Mapping[str, Any]) -> dict[str, Any]:
    left, right, holds = (values[f"{side} {number} {at}"] for side in ("left", "right", "holds"))
    return {
        "words": one.words,
        "metric": one.metric,
        "operator": one.operator,
        "value": _plain(left) if one.metric != CUSTOMER_ID else left,
        "threshold": _plain(right) if one.metric != CUSTOMER_ID else right,
        "missing": None if holds else _distance(left, right),
        "holds": holds,
    }


def _distance(left: str | None, right: str | None) -> str | None:
    try:
        return _plain(str(abs(Decimal(str(right)) - Decimal(str(left)))))
    except InvalidOperation:
        return None


def _plain(text: str | None) -> str | None:
    """A number without zeros at its end."""
    try:
        return None if text is None else f"{Decimal(text).normalize():f}"
    except InvalidOperation:
        return text
