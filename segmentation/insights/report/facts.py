"""What a report says, as numbers: the page and the text are two forms of it."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import combinations, islice

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.core.conditions import comparisons, in_words
from segmentation.core.festive import FestiveCalendar, FestiveDays, resolve
from segmentation.core.sales import PERIOD, Row, Sales, sales_of
from segmentation.core.segmentation import Segmentation
from segmentation.engines.base import Engine
from segmentation.insights import statistics
from segmentation.insights.published import as_published
from segmentation.insights.reasons import words
from segmentation.locations import DELTA_LOG, join
from segmentation.run.kept import Kept
from segmentation.schemas import REASONS
from segmentation.state.commits import commits, published_rows, rows_of
from segmentation.state.output import Output
from segmentation.state.sales import counted_sales

# Runs of which the trend is shown, and examples of rejected rows per reason.
RUNS, EXAMPLES = 30, 3


@dataclass(frozen=True)
class Facts:
    """A publication in numbers, none of which is a customer's.

    Attributes:
        as_of: the day that labels are seen from.
        run: the row of the table of runs of the last run that published.
        totals: ``customers``, ``spend``, ``purchases``, and of these in no known category, ``unknown``.
        before: the same of the publication before, None where it is gone.
        dimensions: per dimension its labels, in the order of the rules: `_labels`.
        crossed: per pair of dimensions, customers by their labels.
        buckets: per metric of `statistics.EDGES`, customers by bucket.
        thresholds: per metric, what the rules compare it with.
        moves: `statistics.moves` of the last run.
        top: `statistics.concentration`.
        months: of `Sales`; empty where nothing is known of them.
        periods: of `Sales`.
        festive: stretches of festive days from the first purchase on.
        runs: of the table of runs, the oldest first.
        examples: of rejected rows of the last run, by reason.
        is_as_published: are the rules those that the labels come from?
        rules: per dimension (label, its condition in words), the last without one.
    """

    as_of: date
    run: Row
    totals: Row
    before: Row | None
    dimensions: Mapping[str, Sequence[Row]]
    crossed: Mapping[tuple[str, str], Mapping[tuple[str, str], int]]
    buckets: Mapping[str, Sequence[int]]
    thresholds: Mapping[str, Sequence[Decimal]]
    moves: Sequence[Row]
    top: Sequence[Row]
    months: Sequence[Row]
    periods: tuple[Row, Row] | None
    festive: Sequence[FestiveDays]
    runs: Sequence[Row]
    examples: Mapping[str, Sequence[Row]]
    is_as_published: bool
    rules: Mapping[str, Sequence[tuple[str, str]]]


def facts(segmentation: Segmentation, engine: Engine, output: Output, folder: str) -> Facts:
    """Count what a report says.

    Args:
        segmentation: the rules, as they are published.
        engine: counts; its columns are those of Spark Connect.
        output: what was published.
        folder: for what the engine keeps meanwhile.
    """
    newest, *older = islice(commits(engine.files, output.segments), 2)
    said, customers = newest.said, rows_of(engine, output.segments)
    segmentation = as_published(segmentation, said)
    as_of = date.fromisoformat(said["as_of"])
    groups = statistics.by_labels(customers, segmentation.dimensions)
    sold = _sold(segmentation, engine, output, said, folder) or Sales(as_of - 2 * PERIOD, [], None)
    runs, config = _runs(engine, output, said["run_id"]), segmentation.config
    return Facts(
        as_of=as_of,
        run=next((run for run in reversed(runs) if run["run_id"] == said["run_id"]), {}),
        totals=_totals(groups),
        before=_totals_of(engine, output, older[0].version) if older else None,
        dimensions={name: _labels(groups, name, segmentation) for name in segmentation.dimensions},
        crossed={pair: _crossed(groups, *pair) for pair in combinations(segmentation.dimensions, 2)},
        buckets={
            name: [sum(of) for of in zip(*(row[name] for row in groups), strict=True)] for name in statistics.EDGES
        },
        thresholds=_thresholds(segmentation),
        moves=_moves(engine, output, customers, said),
        top=statistics.concentration(customers),
        months=sold.months,
        periods=sold.periods,
        festive=_festive(resolve(segmentation.config.festive_periods, sold.first, as_of), sold.first, as_of),
        runs=[{**run, "started_at": run["started_at"].astimezone(config.zone)} for run in runs[-RUNS:]],
        is_as_published=said.get("rules") == segmentation.fingerprint,
        examples=_examples(engine, output, said["run_id"]),
        rules=_rules(segmentation),
    )


def _sold(segmentation: Segmentation, engine: Engine, output: Output, said: Row, folder: str) -> Sales | None:
    """From the purchases that runs keep, or as the run that published has counted."""
    if not said.get("state"):
        return counted_sales(output, said["run_id"])
    kept = Kept(engine, output, segmentation.config, said, folder)
    return sales_of(kept.purchases, kept.first, date.fromisoformat(said["as_of"])) if kept.first else None


def _festive(calendar: FestiveCalendar, first: date, last: date) -> list[FestiveDays]:
    """All stretches between two days, those of every year included."""
    yearly = [
        FestiveDays(one.name, _day_of(year, one.from_), _day_of(year + (one.from_ > one.to), one.to))
        for one in calendar.annual
        for year in range(max(first.year - 1, date.min.year), min(last.year, date.max.year - 1) + 1)
    ]
    return sorted(
        (one for one in (*calendar.days, *yearly) if one.end >= first and one.start <= last), key=lambda one: one.start
    )


def _day_of(year: int, month_day: str) -> date:
    """A day of a year; 29 February is the last of February."""
    month, day = map(int, month_day.split("-"))
    return date(year, month, min(day, monthrange(year, month)[1]))


def _totals(groups: Sequence[Row]) -> Row:
    return {name: sum(row[name] for row in groups) for name in ("customers", "spend", "purchases", "days", "unknown")}


def _totals_of(engine: Engine, output: Output, version: int) -> Row | None:
    """Of a publication before, if its files are still there."""
    try:
        return _totals(statistics.by_labels(engine.tables.read(output.segments, version), []))
    except Exception:  # noqa: BLE001 - whatever removed it: `segmentation maintain`, as a rule
        return None


def _labels(groups: Sequence[Row], name: str, segmentation: Segmentation) -> list[Row]:
    """Per label of a dimension ``label``, ``customers``, ``spend``, ``purchases`` and ``days``."""
    labels = [label for dimension, label in segmentation.labels if dimension == name]
    labels += sorted({row[name] for row in groups} - {*labels})
    return [{"label": str(label), **_totals([row for row in groups if row[name] == label])} for label in labels]


def _crossed(groups: Sequence[Row], one: str, other: str) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for row in groups:
        pair = row[one], row[other]
        counts[pair] = counts.get(pair, 0) + row["customers"]
    return counts


def _thresholds(segmentation: Segmentation) -> dict[str, list[Decimal]]:
    """What the rules compare with a number from above or below, whoever wrote them."""
    found: dict[str, set[Decimal]] = {name: set() for name in statistics.EDGES}
    for rule in (rule for one in segmentation.segmenters for rule in one.rules()):
        for compared in comparisons(rule.condition, {}):
            if compared.metric in found and compared.limit is not None and compared.operator != "==":
                found[compared.metric].add(compared.limit)
    return {name: sorted(limits) for name, limits in found.items()}


def _moves(engine: Engine, output: Output, customers: DataFrame, said: Row) -> list[Row]:
    if not engine.files.exists(join(output.changes, DELTA_LOG)):
        return []
    changes = published_rows(engine, output.changes, said)
    return statistics.moves(changes.where(F.col("run_id") == said["run_id"]), customers)


def _runs(engine: Engine, output: Output, run_id: str) -> list[Row]:
    """The one that published, and the last ones."""
    if not engine.files.exists(join(output.runs, DELTA_LOG)):
        return []
    every = rows_of(engine, output.runs)
    last = every.orderBy(F.col("started_at").desc()).limit(RUNS).collect()
    older = [] if run_id in {row["run_id"] for row in last} else every.where(F.col("run_id") == run_id).collect()
    return [row.asDict() for row in (*older, *reversed(last))]


def _examples(engine: Engine, output: Output, run_id: str) -> dict[str, list[Row]]:
    if not engine.files.exists(join(output.rejected, DELTA_LOG)):
        return {}
    rejected = rows_of(engine, output.rejected).where(F.col("run_id") == run_id)
    reasons = [row["reason"] for row in rejected.select(F.explode(REASONS).alias("reason")).distinct().collect()]
    return {
        reason: [row.asDict() for row in rejected.where(F.array_contains(REASONS, reason)).limit(EXAMPLES).collect()]
        for reason in sorted(reasons)
    }


def _rules(segmentation: Segmentation) -> dict[str, list[tuple[str, str]]]:
    known = words(segmentation.config)
    built = [one.build() for one in segmentation.segmenters]
    return {
        dimension.name: [
            *((str(rule.label), in_words(rule.condition, known)) for rule in dimension.rules),
            (dimension.fallback, ""),
        ]
        for dimension in built
    }
