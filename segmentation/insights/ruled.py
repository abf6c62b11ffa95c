"""The rules of a publication as plain values: what explains a customer in a process without PySpark or an engine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from multiprocessing import get_context
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from segmentation.children import outlive_nobody
from segmentation.config import SegmentationConfig
from segmentation.core.metrics import METRICS_SCHEMA, derived_from_sums, sums_of, window_days
from segmentation.core.rules import Dimension
from segmentation.core.segmentation import Segmentation
from segmentation.core.terms import Literal, Name, Term, term_of
from segmentation.engines.embedded.columns import connect_mode
from segmentation.insights.published import as_published
from segmentation.schemas import AMOUNT, CATEGORY, CUSTOMER_ID, PURCHASE_DATE, SPEND_TYPE

AS_OF, IS_FESTIVE = "as_of", "is_festive"
PURCHASE_KINDS = {
    PURCHASE_DATE: "date",
    AMOUNT: SPEND_TYPE,
    CATEGORY: "string",
    AS_OF: "date",
    IS_FESTIVE: "boolean",
}
NO_RETURNS = {"returns": Literal(0, "bigint"), "returned_amount": Literal(Decimal("0.00"), SPEND_TYPE)}


@dataclass(frozen=True)
class RuledDimension:
    """One dimension: the label and the condition of each rule, and the label of those whom none matches."""

    name: str
    rules: tuple[tuple[str, Term], ...]
    fallback: str


@dataclass(frozen=True)
class Ruled:
    """What labels follow from.

    Attributes:
        config: with the settings that were published.
        fingerprint: of the rules, see `Segmentation.fingerprint`.
        schema: of what rules look at.
        dimensions: in the order of the output.
        sums: what purchases add up to, of rows of `PURCHASE_KINDS`.
        metrics: all that rules look at but the id, of the sums and ``as_of``.
        windows: the first day of each window, of ``as_of``.
    """

    config: SegmentationConfig
    fingerprint: str
    schema: StructType
    dimensions: tuple[RuledDimension, ...]
    sums: Mapping[str, Term]
    metrics: Mapping[str, Term]
    windows: Mapping[str, Term]


def ruled(segmentation: Segmentation, said: Mapping[str, Any]) -> Ruled:
    """The rules that a publication was made with.

    PySpark's columns for Connect take 100 MB of memory; `ruled_apart` leaves them to another process.

    Args:
        segmentation: the dimensions, and how purchases are read.
        said: what the commit of the customers says.

    Raises:
        ConfigError: other dimensions were published.
    """
    with connect_mode():
        rules = as_published(segmentation, said)
        as_of = F.col(AS_OF)
        sums = sums_of(as_of, lambda day: F.when(day.isNotNull(), F.col(IS_FESTIVE)), rules.config)
        derived = _terms(derived_from_sums(as_of))
        measured = [name for name in METRICS_SCHEMA.names if name != CUSTOMER_ID]
        return Ruled(
            rules.config,
            rules.fingerprint,
            METRICS_SCHEMA,
            tuple(_dimension(one.build()) for one in rules.segmenters),
            {**NO_RETURNS, **_terms(sums)},
            {name: derived.get(name, Name(name)) for name in measured},
            _terms(window_days(as_of, rules.config)),
        )


def ruled_apart(segmentation: Segmentation, said: Mapping[str, Any]) -> Ruled:
    """`ruled`, by a process that ends with it; takes a second.

    Args:
        segmentation: its segmenters are of classes that can be imported.
        said: what the commit of the customers says.

    Raises:
        ConfigError: other dimensions were published.
    """
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=outlive_nobody, initargs=(os.getpid(),)) as apart:
        return apart.submit(ruled, segmentation, said).result()


def _dimension(dimension: Dimension) -> RuledDimension:
    rules = tuple((str(rule.label), term_of(rule.condition)) for rule in dimension.rules)
    return RuledDimension(dimension.name, rules, dimension.fallback)


def _terms(columns: Mapping[str, Column]) -> dict[str, Term]:
    return {name: term_of(column) for name, column in columns.items()}
