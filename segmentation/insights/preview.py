"""Who would get another label under other settings, before anything is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.config.effects import MEASURING
from segmentation.core.days import on
from segmentation.core.festive import resolve
from segmentation.core.segmentation import Segmentation
from segmentation.engines.base import Engine
from segmentation.errors import ConfigError
from segmentation.insights.published import NOT_THEN, said_of, with_settings
from segmentation.insights.reader import reader
from segmentation.run.kept import Kept
from segmentation.schemas import CUSTOMER_ID, PURCHASE_DATE
from segmentation.state.commits import rows_of
from segmentation.state.output import Output

SPEND = "lifetime_spend"
WAS = "spend_before"
ZERO = Decimal(0)


class Group(NamedTuple):
    """Customers with the same labels before and after; a label that is null: not published."""

    before: list[str | None]
    after: list[str | None]
    customers: int
    spend_before: Decimal
    spend: Decimal


def preview(segmentation: Segmentation, output: Output) -> dict[str, Any]:
    """What a run with these rules would change, seen from the day and the purchases of the last one.

    Settings that only label are answered from the published metrics, in one pass over the customers; windows, festive
    days and another as-of day from the purchases that incremental runs keep.

    Args:
        segmentation: the rules to try.
        output: what they are compared with.

    Returns:
        JSON-serialisable: ``as_of``; ``settings``, those that differ, each with ``from`` and ``to``; ``customers``, how
        many there are, and ``moved``, how many would get another label; ``dimensions``, each with ``dimension``,
        ``labels`` (``label``, ``customers`` and ``spend``, each ``before`` and ``after``; spend in rupees, text) and
        ``flows`` (``from_label``, ``to_label``, ``customers``, ``spend``), the largest first; a label that is null
        stands for customers who are not published.

    Raises:
        ConfigError: nothing is published, or what differs shows only in a run.
    """
    with reader(segmentation.config, output) as (engine, folder):
        return compared_with(segmentation, engine, output, folder)


def compared_with(segmentation: Segmentation, engine: Engine, output: Output, folder: str) -> dict[str, Any]:
    """`preview`, by an engine that is open, with a folder for what it keeps."""
    said = said_of(engine, output)
    differing = _differing(segmentation, said)
    then = date.fromisoformat(said["as_of"])
    day = _day(segmentation.config, said, then)
    if day != then or set(MEASURING) & set(differing):
        kept = _kept(engine, segmentation.config, output, said, folder)
        if segmentation.own.seconds and {"inputs", "metrics"} & set(differing):
            raise ConfigError(
                "preview: what second inputs come to by other settings shows only in a run: use --dry-run with inputs "
                "and metrics as you want them."
            )
        compared = _measured_anew(engine, segmentation, output, kept, day)
    else:
        published = rows_of(engine, output.segments)
        before = published.withColumns(_as_before(published, segmentation.dimensions))
        cuts = segmentation.cut_points(segmentation.measured_on(published, then))
        compared = segmentation.on_another_day(before, then, cuts)
    groups = _grouped(compared, segmentation.dimensions)
    labels = segmentation.labels
    return {
        "as_of": day.isoformat(),
        "settings": differing if day == then else {"as_of": {"from": f"{then}", "to": f"{day}"}, **differing},
        "customers": sum(one.customers for one in groups),
        "moved": sum(one.customers for one in groups if one.before != one.after),
        "dimensions": [_of_dimension(at, name, groups, labels) for at, name in enumerate(segmentation.dimensions)],
    }


def _day(config: SegmentationConfig, said: Mapping[str, Any], then: date) -> date:
    """The as-of day to try: the published one, unless another one is asked for."""
    if "as_of" not in config.model_fields_set:
        return then
    if config.as_of == "today":
        return config.day_of(datetime.now(UTC))
    last = (said.get("state") or {}).get("last")
    latest = date.fromisoformat(last) if last else then
    return config.as_of if isinstance(config.as_of, date) else latest


def _differing(segmentation: Segmentation, said: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The settings that are others than those published."""
    if "settings" not in said:
        raise ConfigError("preview: what is published is of an earlier version of the program: run the job once more.")
    published, tried = said["settings"], segmentation.config.rules()
    # With its own settings back, all else must be as it was.
    if with_settings(segmentation, {**NOT_THEN, **published}).fingerprint != said["rules"]:
        raise ConfigError(
            "preview: this configuration also differs from the published one in how purchases are read, in rules in "
            "code or in the calendar of holidays that is installed, which only a run shows: use --dry-run, or name the "
            "published configuration with --config."
        )
    return {
        name: {"from": published.get(name), "to": value}
        for name, value in tried.items()
        if published.get(name) != value
    }


def _kept(engine: Engine, config: SegmentationConfig, output: Output, said: Mapping[str, Any], folder: str) -> Kept:
    if not said.get("state"):
        raise ConfigError(
            f"preview: {', '.join(MEASURING)} and the as-of day need the purchases, which runs keep with --mode "
            "incremental. Run it once, or use --dry-run."
        )
    return Kept(engine, output, config, said, folder)


def _measured_anew(engine: Engine, segmentation: Segmentation, output: Output, kept: Kept, day: date) -> DataFrame:
    """All customers of today and of then, with both labels."""
    first = kept.first or day
    festive = resolve(segmentation.config.festive_periods, first, max(first, day))
    used = kept.purchases.where(F.col(PURCHASE_DATE) <= on(day))
    names = segmentation.dimensions
    before = rows_of(engine, output.segments)
    said = [name for one in segmentation.own.seconds for name in one.kinds]
    # Second inputs are not read: what they said then stands.
    then_said = before.select(CUSTOMER_ID, *said)

    def beside(customers: DataFrame) -> DataFrame:
        return customers.join(then_said, on=CUSTOMER_ID, how="left") if said else customers

    now = segmentation.segment(used, day, festive, beside).select(CUSTOMER_ID, *names, SPEND)
    then = _as_before(before, names)
    before = before.select(CUSTOMER_ID, *[column.alias(name) for name, column in then.items()])
    return now.join(before, on=CUSTOMER_ID, how="full")


def _as_before(published: DataFrame, names: Sequence[str]) -> dict[str, Column]:
    """The labels and the spend of before; a dimension that is new had none."""
    labels = {
        f"from_{name}": F.col(name) if name in published.columns else F.lit(None).cast("string") for name in names
    }
    return {**labels, WAS: F.col(SPEND)}


def _grouped(compared: DataFrame, names: Sequence[str]) -> list[Group]:
    """As many rows as there are pairs of labels, of all dimensions together."""
    before, after = [f"from_{name}" for name in names], list(names)
    sums = F.count(F.lit(1)).alias("n"), F.sum(WAS).alias(WAS), F.sum(SPEND).alias(SPEND)
    return [
        Group([row[one] for one in before], [row[one] for one in after], row["n"], row[WAS] or ZERO, row[SPEND] or ZERO)
        for row in compared.groupBy(*before, *after).agg(*sums).collect()
    ]


def _of_dimension(at: int, name: str, groups: Sequence[Group], labels: Sequence[tuple[str, str]]) -> dict[str, Any]:
    known = [label for dimension, label in labels if dimension == name]
    pairs = {(group.before[at], group.after[at]) for group in groups}
    # Labels that no rule gives any more come last.
    every = [*known, *sorted({str(one) for one, _ in pairs if one is not None} - {*known})]
    flows = [_told(pair, [one for one in groups if (one.before[at], one.after[at]) == pair]) for pair in pairs]
    return {
        "dimension": name,
        "labels": [
            _total(
                label,
                [one for one in groups if one.before[at] == label],
                [one for one in groups if one.after[at] == label],
            )
            for label in every
        ],
        "flows": sorted(
            (flow for flow in flows if flow["from_label"] != flow["to_label"]),
            key=lambda flow: (-flow["customers"], str(flow)),
        ),
    }


def _total(label: str, before: Sequence[Group], after: Sequence[Group]) -> dict[str, Any]:
    return {
        "label": label,
        "customers": {"before": sum(one.customers for one in before), "after": sum(one.customers for one in after)},
        "spend": {
            "before": f"{sum((one.spend_before for one in before), ZERO):.2f}",
            "after": f"{sum((one.spend for one in after), ZERO):.2f}",
        },
    }


def _told(pair: tuple[Any, Any], groups: Sequence[Group]) -> dict[str, Any]:
    """Who is not published any more takes the spend along that they had."""
    spend = sum((one.spend_before if pair[1] is None else one.spend for one in groups), ZERO)
    customers = sum(one.customers for one in groups)
    return {"from_label": pair[0], "to_label": pair[1], "customers": customers, "spend": f"{spend:.2f}"}
