"""One customer's metrics on days to come, from the purchases that are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from segmentation.core.evaluation import Row, Typed, typed
from segmentation.core.evaluation.aggregates import ROWS
from segmentation.core.festive import resolve
from segmentation.core.terms import Name, Term
from segmentation.insights.ruled import AS_OF, IS_FESTIVE, METRIC_KINDS, PURCHASE_KINDS, Ruled
from segmentation.schemas import PURCHASE_DATE

Ways = Mapping[str, Typed]


def measured(ruled: Ruled, purchases: Sequence[Row], days: Sequence[date]) -> Iterator[dict[str, object]]:
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
    bought = _with_festive(ruled, purchases)
    moving = {name: term for name, term in ruled.sums.items() if _looks_at(term, AS_OF)}
    standing = {name: term for name, term in ruled.sums.items() if name not in moving}
    of_day, of_purchases = _ways(moving, PURCHASE_KINDS), _ways(standing, PURCHASE_KINDS)
    metrics = _ways(ruled.metrics, {**METRIC_KINDS, AS_OF: "date"})
    recent = _since(bought, ruled, days[0]) if days else []
    counted, sums = -1, {}
    for day in days:
        until = [one for one in bought if one[PURCHASE_DATE] <= day]
        # They change only with a purchase.
        if len(until) != counted:
            counted, sums = len(until), _all(of_purchases, {ROWS: until})
        seen = [{**one, AS_OF: day} for one in recent if one[PURCHASE_DATE] <= day]
        if sums["total_purchases"]:
            row = {**sums, **_all(of_day, {ROWS: seen}), AS_OF: day}
            yield {AS_OF: day, **_all(metrics, row)}


def _with_festive(ruled: Ruled, purchases: Sequence[Row]) -> list[Row]:
    days = [one[PURCHASE_DATE] for one in purchases]
    calendar = resolve(ruled.config.festive_periods, min(days), max(days))
    return [{**one, IS_FESTIVE: calendar.has(one[PURCHASE_DATE])} for one in purchases]


def _since(purchases: Sequence[Row], ruled: Ruled, day: date) -> list[Row]:
    """Those that a window can still hold: windows only move forward."""
    first = min(one.of({AS_OF: day}) for one in _ways(ruled.windows, {AS_OF: "date"}).values())
    return [one for one in purchases if one[PURCHASE_DATE] >= first]


def _looks_at(term: Term, name: str) -> bool:
    return term == Name(name) or any(_looks_at(part, name) for part in term.parts)


def _ways(terms: Mapping[str, Term], kinds: Mapping[str, str]) -> Ways:
    return {name: typed(term, kinds) for name, term in terms.items()}


def _all(ways: Ways, row: Row) -> dict[str, object]:
    return {name: one.of(row) for name, one in ways.items()}
