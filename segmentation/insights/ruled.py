"""The rules of a publication as plain values: what explains a customer in a process without PySpark or an engine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from multiprocessing import get_context
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from segmentation.children import outlive_nobody
from segmentation.config import SegmentationConfig
from segmentation.core.metrics import METRICS_SCHEMA, derived_from_sums, sums_of, window_days
from segmentation.core.own.measures import AS_OF, IS_FESTIVE, formulas, in_windows, purchase_kinds
from segmentation.core.own.own import Own
from segmentation.core.own.scores import Cuts
from segmentation.core.rules import Dimension
from segmentation.core.segmentation import Segmentation
from segmentation.core.terms import Literal, Name, Term, has_opaque, in_place_of, names_in, term_of
from segmentation.engines.embedded.columns import connect_mode
from segmentation.insights.published import as_published
from segmentation.plug_ins import segmentation_of
from segmentation.schemas import CUSTOMER_ID, SPEND_TYPE

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
        purchases: the type of all that is known of a purchase, by column.
        counted: what a purchase has together with others of its customer, of rows of `purchases`.
        sums: what purchases add up to, of rows of `purchases` and `counted`.
        said: what second inputs say of a customer, which stands as it was published.
        metrics: all that rules look at but ids and labels, each of the sums, ``as_of``, `said`, and those before it;
            scores cut where they did.
        windows: the first day of each window, of ``as_of``.
        silence: the most days since the last purchase at which a score cuts.
    """

    config: SegmentationConfig
    fingerprint: str
    schema: StructType
    dimensions: tuple[RuledDimension, ...]
    purchases: Mapping[str, str]
    counted: Mapping[str, Term]
    sums: Mapping[str, Term]
    said: tuple[str, ...]
    metrics: Mapping[str, Term]
    windows: Mapping[str, Term]
    silence: int


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
        rules, cuts = as_published(segmentation, said), said.get("cuts") or {}
        as_of, own = F.col(AS_OF), rules.own
        dimensions = tuple(_dimension(one.build()) for one in rules.segmenters)
        metrics = _looked_at(dimensions, _own_metrics(own, cuts))
        aggregates = [one for one in own.aggregates if one.name in metrics]
        sums = sums_of(as_of, lambda day: F.when(day.isNotNull(), F.col(IS_FESTIVE)), rules.config)
        sums |= {one.name: one.column() for one in aggregates}
        counted = {key: build() for one in aggregates for key, build in (one.typed.before or {}).items()}
        told = _terms(in_windows(as_of, rules.config))
        return Ruled(
            rules.config,
            rules.fingerprint,
            rules.customer_schema,
            dimensions,
            {CUSTOMER_ID: "string", **{name: kind.type for name, kind in purchase_kinds(rules.config).items()}},
            {name: in_place_of(told, term) for name, term in _terms(counted).items()},
            {**NO_RETURNS, **{name: in_place_of(told, term) for name, term in _terms(sums).items()}},
            tuple(name for one in own.seconds for name in one.kinds),
            {**_usual_metrics(as_of), **metrics},
            _terms(window_days(as_of, rules.config)),
            _longest_silence(own, cuts),
        )


def ruled_apart(config: SegmentationConfig, said: Mapping[str, Any]) -> Ruled:
    """`ruled` of what a configuration says, by a process that ends with it; takes a second.

    Args:
        config: the configuration.
        said: what the commit of the customers says.

    Raises:
        ConfigError: other dimensions were published, or what is configured cannot be used.
    """
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=outlive_nobody, initargs=(os.getpid(),)) as apart:
        return apart.submit(_ruled_of, config, said).result()


def _ruled_of(config: SegmentationConfig, said: Mapping[str, Any]) -> Ruled:
    return ruled(segmentation_of(config), said)


def _dimension(dimension: Dimension) -> RuledDimension:
    rules = tuple((str(rule.label), term_of(rule.condition)) for rule in dimension.rules)
    return RuledDimension(dimension.name, rules, dimension.fallback)


def _usual_metrics(as_of: Column) -> dict[str, Term]:
    """Those of every configuration."""
    derived = _terms(derived_from_sums(as_of))
    return {name: derived.get(name, Name(name)) for name in METRICS_SCHEMA.names if name != CUSTOMER_ID}


def _own_metrics(own: Own, cuts: Cuts) -> dict[str, Term]:
    """Those of the configuration, and the scores."""
    given = [name for one in own.seconds for name in one.kinds]
    standing = {name: Name(name) for name in (*given, *(one.name for one in own.aggregates))}
    computed = _terms({one.name: one.column() for one in formulas(own.measures)})
    return {**standing, **computed, **_terms({one.name: one.column(cuts.get(one.name, ())) for one in own.scores})}


def _looked_at(dimensions: Sequence[RuledDimension], metrics: Mapping[str, Term]) -> dict[str, Term]:
    """Those that labels hang on; one that is published only may be what nobody but an engine computes."""
    terms = [term for one in dimensions for _, term in one.rules]
    if any(map(has_opaque, (*terms, *metrics.values()))):
        return dict(metrics)
    names = frozenset[str]().union(*map(names_in, terms))
    for name, term in reversed(list(metrics.items())):
        names |= names_in(term) if name.lower() in names else frozenset()
    return {name: term for name, term in metrics.items() if name.lower() in names}


def _longest_silence(own: Own, cuts: Cuts) -> int:
    theirs = [score.name for score in own.scores if score.setting.of == "days_since_last_purchase"]
    found = [cut for name in theirs for one in cuts.get(name, ()) for cut in one["cuts"]]
    return max((ceil(Decimal(cut)) for cut in found if cut), default=0)


def _terms(columns: Mapping[str, Column]) -> dict[str, Term]:
    return {name: term_of(column) for name, column in columns.items()}
