"""One customer's metrics on days to come, from the purchases that are known."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import date
from typing import Any

from segmentation.core.evaluation import Row, Typed, Unknown, over_each, typed
from segmentation.core.evaluation.aggregates import ROWS
from segmentation.core.festive import resolve
from segmentation.core.own.measures import AS_OF, IS_FESTIVE
from segmentation.core.terms import Over, Term, names_in
from segmentation.insights.ruled import Ruled
from segmentation.insights.solving import kinds_of
from segmentation.schemas import CUSTOMER_ID, PURCHASE_DATE

# What is the same for all purchases of a customer, and each may be told.
ENDS = frozenset({"first_purchase", "last_purchase"})


def measured(ruled: Ruled, purchases: Sequence[Row], customer: Row, days: Sequence[date]) -> Iterator[dict[str, Any]]:
    """The metrics of each day, with the purchases up to it, by the metrics' own definitions.

    Args:
        ruled: what purchases are measured by.
        purchases: one customer's, at least one.
        customer: whose they are, as published.
        days: one after the other.

    Yields:
        Per day with a purchase up to it: ``as_of``, and all metrics that rules hang on.

    Raises:
        Unknown: only an engine can say.
    """
    theirs = _beside({CUSTOMER_ID: customer[CUSTOMER_ID]}, purchases)
    bought, ways = _with_festive(ruled, theirs), _Ways(ruled, customer)
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

    def __init__(self, ruled: Ruled, customer: Row) -> None:
        moving = {name for name, term in ruled.sums.items() if _moves(term)}
        daily = _daily(ruled.metrics, moving)
        metric_kinds = {**kinds_of(ruled.schema), AS_OF: "date"}
        self._names = [*ruled.metrics]
        self._counted = {key: _over(term, ruled) for key, term in ruled.counted.items()}
        self._counted_always = {key: self._counted[key] for key, one in ruled.counted.items() if not _moves(one)}
        kinds = {**ruled.purchases, **dict.fromkeys(ruled.counted, "bigint")}
        self._given = {name: customer.get(name) for name in (CUSTOMER_ID, *ruled.said)}
        self._windows = _ways(ruled.sums, moving & ruled.windows.keys(), kinds)
        self._moving = _ways(ruled.sums, moving - ruled.windows.keys(), kinds)
        self._ends = _ways(ruled.sums, ENDS, kinds)
        self._standing = _ways(ruled.sums, ruled.sums.keys() - moving - ENDS, kinds)
        self._daily = _ways(ruled.metrics, daily, metric_kinds)
        self._others = _ways(ruled.metrics, ruled.metrics.keys() - daily, metric_kinds)

    def with_purchases(self, purchases: Sequence[Row]) -> dict[str, Any]:
        ends = _all(self._ends, {ROWS: purchases})
        told = _with_counts(self._counted_always, _beside(ends, purchases))
        sums = {**ends, **_all(self._standing, {ROWS: told})}
        return _in_turn(self._others, {**self._given, **sums})

    def on_day(self, day: date, standing: Row, bought: Sequence[Row], recent: Sequence[Row]) -> dict[str, Any]:
        in_windows = _all(self._windows, {ROWS: _beside({AS_OF: day}, _up_to(day, recent))})
        others = {}
        if self._moving:
            told = {AS_OF: day, **{name: standing[name] for name in ENDS}}
            rows = _with_counts(self._counted, _beside(told, _up_to(day, bought)))
            others = _all(self._moving, {ROWS: rows})
        found = _in_turn(self._daily, {**standing, **in_windows, **others, AS_OF: day})
        return {name: found[name] for name in self._names}


def _moves(term: Term) -> bool:
    return AS_OF in names_in(term)


def _over(term: Term, ruled: Ruled) -> Callable[[Sequence[Row]], list[Any]]:
    if not isinstance(term, Over):
        raise Unknown("what purchases have together")
    return over_each(term, ruled.purchases)


def _with_counts(ways: Mapping[str, Callable[[Sequence[Row]], list[Any]]], rows: list[Row]) -> list[Row]:
    """With what each has together with others."""
    if not ways:
        return rows
    columns = {key: way(rows) for key, way in ways.items()}
    return [{**row, **{key: column[at] for key, column in columns.items()}} for at, row in enumerate(rows)]


def _daily(metrics: Mapping[str, Term], moving: Set[str]) -> set[str]:
    """The metrics that look at the day, at sums that do, or at other ones of these."""
    names, found = {AS_OF, *moving}, set[str]()
    for name, term in metrics.items():
        if names_in(term) & {one.lower() for one in names}:
            names.add(name)
            found.add(name)
    return found


def _with_festive(ruled: Ruled, purchases: Sequence[Row]) -> list[Row]:
    """In the order of their days."""
    days = [one[PURCHASE_DATE] for one in purchases]
    calendar = resolve(ruled.config.festive_periods, min(days), max(days))
    return [{**one, IS_FESTIVE: calendar.has(_day(one), one)} for one in sorted(purchases, key=_day)]


def _day(purchase: Row) -> date:
    day: date = purchase[PURCHASE_DATE]
    return day


def _up_to(day: date, purchases: Sequence[Row]) -> list[Row]:
    return [one for one in purchases if one[PURCHASE_DATE] <= day]


def _beside(what: Row, purchases: Sequence[Row]) -> list[Row]:
    return [{**one, **what} for one in purchases]


def _since(purchases: Sequence[Row], ruled: Ruled, day: date) -> list[Row]:
    """Those that a window can still hold: windows only move forward."""
    windows = _ways(ruled.windows, ruled.windows.keys(), {AS_OF: "date"})
    first = min(one.of({AS_OF: day}) for one in windows.values())
    return [one for one in purchases if one[PURCHASE_DATE] >= first]


def _ways(terms: Mapping[str, Term], names: Set[str], kinds: Mapping[str, str]) -> Mapping[str, Typed]:
    return {name: typed(term, kinds) for name, term in terms.items() if name in names}


def _all(ways: Mapping[str, Typed], row: Row) -> dict[str, Any]:
    return {name: one.of(row) for name, one in ways.items()}


def _in_turn(ways: Mapping[str, Typed], row: Row) -> dict[str, Any]:
    """The row, and what is computed of it and of those before."""
    found = dict(row)
    for name, one in ways.items():
        found[name] = one.of(found)
    return found
