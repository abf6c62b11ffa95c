"""The metrics of a configuration, read and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.config.own import MetricSetting
from segmentation.core.own.calling import Calling
from segmentation.core.own.kinds import Kind, Sort, kind_named
from segmentation.core.own.measures import AS_OF, SAME, Measure, customer_kinds, purchase_kinds
from segmentation.core.own.names import at
from segmentation.core.own.order import looks_at, see_above
from segmentation.core.own.over_rows import OverRows, sums_up
from segmentation.core.own.seconds import is_there, kinds_of
from segmentation.core.own.typed import Build, Typed
from segmentation.errors import ConfigError, UnknownNameError, among
from segmentation.schemas import AMOUNT


def measures_of(config: SegmentationConfig, in_python: Mapping[str, Measure]) -> list[Measure]:
    """The metrics of a configuration, checked.

    Args:
        config: the configuration.
        in_python: those that are classes, by what it calls them.

    Raises:
        ConfigError: one is wrong; naming where it stands, and why.
    """
    return list(_measures(config, in_python))


def _measures(config: SegmentationConfig, in_python: Mapping[str, Measure]) -> Iterator[Measure]:
    rows = OverRows(purchase_kinds(config), "a purchase", same=SAME, counts=_counts(config))
    known, below = {**customer_kinds(), **given_kinds(config)}, dict(_below(config, in_python))
    for number, one in enumerate(config.metrics):
        if isinstance(one, MetricSetting):
            below.pop(one.name.lower())
            with at(config.place("metrics", number, "sql"), one.name):
                typed = _over(config, one) if one.from_ else _typed(one.name, one.sql, rows, known, below)
                measure = Measure(one.name, typed, one.from_)
                if measure.typed.kind.sort is Sort.NOTHING:
                    raise ConfigError("expected a value, found NULL")
        else:
            measure = in_python[one]
            below.pop(measure.name.lower())
        known[measure.name] = measure.typed.kind
        yield measure


def _below(config: SegmentationConfig, in_python: Mapping[str, Measure]) -> Iterator[tuple[str, set[str]]]:
    """Each metric, and the metrics that it looks at."""
    for number, one in enumerate(config.metrics):
        if isinstance(one, MetricSetting):
            with at(config.place("metrics", number, "sql"), one.name):
                yield one.name.lower(), set() if sums_up(one.sql) else looks_at(one.sql)
        else:
            yield in_python[one].name.lower(), set()


def given_kinds(config: SegmentationConfig) -> dict[str, Kind]:
    """What second inputs say of a customer by themselves."""
    single = [one for one in config.inputs.values() if one.grain == "one"]
    return {name: kind_named(column.type) for one in single for name, column in one.columns.items()}


def _over(config: SegmentationConfig, one: MetricSetting) -> Typed:
    """A metric over the rows of a second input."""
    assert one.from_ is not None  # it was asked for
    if one.from_ not in config.inputs:
        raise ConfigError(f"from: there is no input {one.from_!r}{among(one.from_, list(config.inputs), 'There are')}")
    scope = kinds_of(config.inputs[one.from_])
    if not sums_up(one.sql):
        raise ConfigError(f"from: {one.from_} asks for an aggregate over its rows, such as count(*), found {one.sql!r}")
    language = OverRows(scope, f"a row of {one.from_}", same=frozenset({AS_OF}), counts=is_there)
    return language.expression(one.sql)


def _typed(name: str, sql: str, rows: OverRows, known: Mapping[str, Kind], below: Mapping[str, set[str]]) -> Typed:
    if sums_up(sql):
        return rows.expression(sql)
    see_above(name, sql, below)
    try:
        return Calling({**known}, "a customer").expression(sql)
    except UnknownNameError as error:
        lost = looks_at(sql) - {one.lower() for one in known}
        if lost & {one.lower() for one in rows.scope}:
            raise ConfigError(
                f"{', '.join(sorted(lost))} must stand in an aggregate, such as max(...): a customer has many purchases"
            ) from error
        raise


def _counts(config: SegmentationConfig) -> Build | None:
    """A return is no purchase."""
    return (lambda: F.col(AMOUNT) >= 0) if config.returns == "net" else None
