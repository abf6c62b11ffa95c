"""Metrics of a configuration that are classes in Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from pyspark.sql import Column, DataFrame
from pyspark.sql.types import DataType, DecimalType, FractionalType, IntegralType

from segmentation.classes import PlugIn, all_of, words
from segmentation.config import SegmentationConfig
from segmentation.config.own import DECIMAL, LARGEST_DECIMAL, own_name
from segmentation.core.metric import Metric
from segmentation.core.own.kinds import MOST_DECIMALS, NUMBERS, OF_TYPES, RATIO, TYPES, WHOLE, Kind, Sort, kind_named
from segmentation.core.own.measures import TOLD, Measure
from segmentation.core.own.typed import Typed
from segmentation.core.segmenters import Segmenter
from segmentation.errors import ConfigError, RuleError
from segmentation.modules import METRICS, code_hash
from segmentation.schemas import CUSTOMER_ID

# PySpark counts those of functions in a process.
VARIABLE = re.compile(r"\b[xyz]_[0-9]+\b")
METRIC = PlugIn(Metric, METRICS, ("name", "type"))


@dataclass(frozen=True)
class InPython(Measure):
    """A metric over purchases that a class of `module` computes."""

    module: str = ""

    @cached_property
    def text(self) -> str:
        """Its expression, once the engine is chosen."""
        return str(self.typed.build())

    @cached_property
    def names(self) -> frozenset[str]:
        """What it looks at besides the columns of purchases: all that its expression speaks of."""
        return frozenset(name for name in TOLD if re.search(rf"\b{name}\b", self.text, re.IGNORECASE))


def measures_in_python(config: SegmentationConfig) -> dict[str, InPython]:
    """The metrics, by what the configuration calls their classes.

    Raises:
        ConfigError: one cannot be used, or two have one name.
    """
    named = {number: one for number, one in enumerate(config.metrics) if isinstance(one, str)}
    metrics = all_of(METRIC, "metrics", named, config)
    return {
        name: _measure(metric, f"metrics.{number}: {name}")
        for (number, name), metric in zip(named.items(), metrics, strict=True)
    }


def see_types(purchases: DataFrame, measures: Sequence[Measure]) -> None:
    """See that metrics in Python are of the types that they say.

    Args:
        purchases: what they look at, `measures.prepared`, without rows.
        measures: all metrics over purchases.

    Raises:
        ConfigError: one is of another type.
    """
    own = [one for one in measures if isinstance(one, InPython)]
    if not own:
        return
    tried = purchases.groupBy(CUSTOMER_ID).agg(*[one.typed.build().alias(one.name) for one in own])
    found = tried.schema
    # Some expressions are found to be none when they are computed.
    tried.collect()
    for one in own:
        is_, says = found[one.name].dataType, one.typed.kind
        if not _holds(says, is_):
            raise ConfigError(
                f"metrics: {one.name} says that its type is {says.type}, and its column is {is_.simpleString()}: cast "
                "it, or say another type."
            )


def _measure(metric: Metric, where: str) -> InPython:
    try:
        name = own_name(metric.name)
    except ValueError as error:
        raise ConfigError(f"{where}: name: {error}.") from None
    typed = Typed(_kind(metric.type, where), partial(_column, metric), sums_up=True)
    return InPython(name, typed, module=type(metric).__module__)


def _kind(type_: str, where: str) -> Kind:
    decimals = DECIMAL.fullmatch(type_)
    is_decimal = decimals and int(decimals[1]) <= LARGEST_DECIMAL and int(decimals[2]) <= MOST_DECIMALS
    if not is_decimal and type_ not in OF_TYPES:
        raise ConfigError(
            f"{where}: type: expected {', '.join(dict.fromkeys(TYPES.values()))} or decimal(digits,decimals), of up to "
            f"{LARGEST_DECIMAL} digits with up to {MOST_DECIMALS} decimals, found {type_!r}."
        )
    return kind_named(type_)


def _column(metric: Metric) -> Column:
    try:
        column = metric.column()
    except (Exception, SystemExit) as error:
        raise RuleError(f"Metric {metric.name}: its column cannot be made: {words(error)}.") from error
    if not isinstance(column, Column):
        raise RuleError(f"Metric {metric.name}: column() must give a Column, found a {type(column).__name__}.")
    return column


def _holds(kind: Kind, data_type: DataType) -> bool:
    """Are all values of a type also of a kind?"""
    if not kind.is_number:
        return data_type.typeName() == kind.type
    found = _number(data_type)
    if found is None or NUMBERS.index(found.sort) > NUMBERS.index(kind.sort):
        return False
    return kind.sort is not Sort.EXACT or found.scale <= kind.scale


def _number(data_type: DataType) -> Kind | None:
    if isinstance(data_type, DecimalType):
        return Kind(Sort.EXACT, data_type.scale)
    if isinstance(data_type, IntegralType):
        return WHOLE
    return RATIO if isinstance(data_type, FractionalType) else None


def told_of_code(own: Sequence[Segmenter], every: Sequence[Segmenter], measures: Sequence[Measure]) -> list[str]:
    """Rules and metrics in code, which are no configuration: what they compute, and a hash of the modules they are in.

    Texts alone tell a column from a text of the same letters as little as a function from a changed one; modules alone
    know nothing of what a class was made with.

    Args:
        own: the segmenters in code.
        every: all of them, of which configured ones may look at those.
        measures: all metrics over purchases.
    """
    metrics = [one for one in measures if isinstance(one, InPython)]
    rules = [str(rule) for one in every for rule in one.build().rules] if own else []
    texts = [*rules, *(f"{one.name} {one.typed.kind.type} {one.text}" for one in metrics)]
    told = [VARIABLE.sub("variable", text) for text in texts]
    modules = {type(one).__module__ for one in own} | {one.module for one in metrics}
    return [*told, code_hash(sorted(modules))] if modules else told
