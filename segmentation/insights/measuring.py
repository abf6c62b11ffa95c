"""One customer's metrics on days to come, from the purchases that are known."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date
from typing import Any

from segmentation.core.evaluation import Row, Typed, typed
from segmentation.core.evaluation.aggregates import ROWS
from segmentation.core.festive import resolve
from segmentation.core.terms import Name, Term
from segmentation.insights.ruled import AS_OF, IS_FESTIVE, PURCHASE_KINDS, Ruled
from segmentation.insights.solving import kinds_of
from segmentation.schemas import PURCHASE_DATE


def measured(ruled: Ruled, purchases: Sequence[Row], days: Sequence[date]) -> Iterator[dict[str, Any]]:
    """The metrics of each day, with the purchases up to it, by the metrics' own definitions.

    Args:
        ruled: what purchases are measured by.
        purchases: one customer's, at least one.
        days: one after the other.

    Yields:
        Per day with a purchase up to it: ``as_of``, and all metrics.

    Raises:
        Unknown: only an engine can say.
    """
    bought, ways = _with_festive(ruled, purchases), _Ways(ruled)
    recent = _since(bought, ruled, days[0]) if days else []
    counted, standing = 0, {}
    for day in days:
        count = bisect_right(bought, day, key=_day)
        # Most change with a purchase only.
        if count != counted:
            counted, standing = count, ways.with_purchases(bought[:count])
        if standing and standing["total_purchases"]:
            yield {AS_OF: day, **ways.on_day(day, standing, bought, recent)}


class _Ways:
    """How sums and metrics are computed: those that change from day to day, and those that do not."""

    def __init__(self, ruled: Ruled) -> None:
        moving = {name for name, term in ruled.sums.items() if _looks_at(term, {AS_OF})}
        daily = {name for name, term in ruled.metrics.items() if _looks_at(term, {AS_OF, *moving})}
        metric_kinds = {**kinds_of(ruled.schema), AS_OF: "date"}
        self._names = [*ruled.metrics]
        self._windows = _ways(ruled.sums, moving & ruled.windows.keys(), PURCHASE_KINDS)
        self._moving = _ways(ruled.sums, moving - ruled.windows.keys(), PURCHASE_KINDS)
        self._standing = _ways(ruled.sums, ruled.sums.keys() - moving, PURCHASE_KINDS)
        self._daily = _ways(ruled.metrics, daily, metric_kinds)
        self._others = _ways(ruled.metrics, ruled.metrics.keys() - daily, metric_kinds)

    def with_purchases(self, purchases: Sequence[Row]) -> dict[str, Any]:
        sums = _all(self._standing, {ROWS: purchases})
        return {**sums, **_all(self._others, sums)}

    def on_day(self, day: date, standing: Row, bought: Sequence[Row], recent: Sequence[Row]) -> dict[str, Any]:
        in_windows = _all(self._windows, {ROWS: _seen_from(day, recent)})
        others = _all(self._moving, {ROWS: _seen_from(day, bought)}) if self._moving else {}
        row = {**standing, **in_windows, **others, AS_OF: day}
        found = {**row, **_all(self._daily, row)}
        return {name: found[name] for name in self._names}


def _with_festive(ruled: Ruled, purchases: Sequence[Row]) -> list[Row]:
    """In the order of their days."""
    days = [one[PURCHASE_DATE] for one in purchases]
    calendar = resolve(ruled.config.festive_periods, min(days), max(days))
    return [{**one, IS_FESTIVE: calendar.has(_day(one))} for one in sorted(purchases, key=_day)]


def _day(purchase: Row) -> date:
    day: date = purchase[PURCHASE_DATE]
    return day


def _seen_from(day: date, purchases: Sequence[Row]) -> list[Row]:
    return [{**one, AS_OF: day} for one in purchases if one[PURCHASE_DATE] <= day]


def _since(purchases: Sequence[Row], ruled: Ruled, day: date) -> list[Row]:
    """Those that a window can still hold: windows only move forward."""
    windows = _ways(ruled.windows, ruled.windows.keys(), {AS_OF: "date"})
    first = min(one.of({AS_OF: day}) for one in windows.values())
    return [one for one in purchases if one[PURCHASE_DATE] >= first]


def _looks_at(term: Term, names: Set[str]) -> bool:
    return (isinstance(term, Name) and term.name.lower() in names) or any(_looks_at(part, names) for part in term.parts)


def _ways(terms: Mapping[str, Term], names: Set[str], kinds: Mapping[str, str]) -> Mapping[str, Typed]:
    return {name: typed(terms[name], kinds) for name in names}


def _all(ways: Mapping[str, Typed], row: Row) -> dict[str, Any]:
    return {name: one.of(row) for name, one in ways.items()}
