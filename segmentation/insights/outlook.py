"""What becomes of a customer's labels if nothing more is bought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise, takewhile
from typing import Any, NamedTuple

from segmentation.core.evaluation import Unknown
from segmentation.core.metrics import LOYAL_WINDOW, SHOWN_DAYS, SHOWN_MONTHS
from segmentation.insights.measuring import measured
from segmentation.insights.reasons import first_open
from segmentation.insights.ruled import AS_OF, Ruled
from segmentation.insights.solving import Ask, Row, solved
from segmentation.schemas import CUSTOMER_ID, PURCHASE_DATE

# More days than any month has.
MONTH = 31
WINDOWS = (LOYAL_WINDOW, "purchases_last_6_months", "purchases_last_90_days")


class Outlook(NamedTuple):
    """What comes next.

    Attributes:
        changes: by day, ``day``, ``dimension``, ``from_label``, ``to_label``; None where a label is not known.
        stands_until: per window the last day on which it holds as many purchases as now.
    """

    changes: list[dict[str, Any]] | None
    stands_until: Mapping[str, date]


def outlook(ruled: Ruled, purchases: Sequence[Row], row: Row, silence: int = 0, ask: Ask | None = None) -> Outlook:
    """The days on which labels change, were the job run on each of them with the purchases that are known now.

    Every day is measured and labelled by the metrics and rules of every run.

    Args:
        ruled: the rules.
        purchases: one customer's, ``purchase_date``, ``amount``, ``category``.
        row: the customer on the as-of day, with the labels and metrics.
        silence: the most days since the last purchase that a rule asks for.
        ask: who is asked for what only an engine can say; None for nobody.
    """
    if not purchases:
        return Outlook([], {})
    days = _days(ruled, row[AS_OF], max(one[PURCHASE_DATE] for one in purchases), silence)
    metrics = _metrics(ruled, purchases, days, ask)
    if metrics is None:
        return Outlook(None, {})
    # A rule may look at the id.
    found = [{**one, CUSTOMER_ID: row[CUSTOMER_ID]} for one in metrics]
    rows = [row, *({**one, **labels} for one, labels in zip(found, _labels(ruled, found, ask), strict=True))]
    windows = [name for name in _windows(ruled) if row.get(name)]
    return Outlook(_changes(ruled, rows), {name: _stands_until(rows, name) for name in windows})


def _days(ruled: Ruled, as_of: date, last: date, silence: int) -> list[date]:
    """Each day until nothing that is known can change any more."""
    longest = max(silence, SHOWN_DAYS, MONTH * max(SHOWN_MONTHS, ruled.config.loyal_window_months))
    latest = max(as_of, last)
    end = latest + min(timedelta(days=longest + 1), date.max - latest)
    return [as_of + timedelta(days=number) for number in range(1, (end - as_of).days + 1)]


def _metrics(ruled: Ruled, purchases: Sequence[Row], days: Sequence[date], ask: Ask | None) -> Sequence[Row] | None:
    """Of each day; None where they are not known."""
    try:
        return list(measured(ruled, purchases, days))
    except Unknown:
        return ask.metrics(purchases, days) if ask else None


def _windows(ruled: Ruled) -> list[str]:
    """Where the one for Loyal is the same as another one, it is shown once."""
    is_another = ruled.config.loyal_window_months != SHOWN_MONTHS
    return [name for name in WINDOWS if is_another or name != LOYAL_WINDOW]


def _labels(ruled: Ruled, rows: Sequence[Row], ask: Ask | None) -> list[dict[str, str | None]]:
    terms = {f"{one.name} {label}": condition for one in ruled.dimensions for label, condition in one.rules}
    return [_of_one(ruled, values) for values in solved(terms, rows, ruled.schema, ask)]


def _of_one(ruled: Ruled, values: Row) -> dict[str, str | None]:
    """The label per dimension, None where it is not known."""
    labels: dict[str, str | None] = {}
    for one in ruled.dimensions:
        names = [label for label, _ in one.rules]
        holds = [values[f"{one.name} {label}"] for label in names]
        first = first_open(holds)
        known = None if first is None or isinstance(holds[first], Unknown) else names[first]
        labels[one.name] = one.fallback if first is None else known
    return labels


def _changes(ruled: Ruled, rows: Sequence[Row]) -> list[dict[str, Any]] | None:
    names = [one.name for one in ruled.dimensions]
    if any(row[name] is None for row in rows for name in names):
        return None
    return [
        {"day": after[AS_OF].isoformat(), "dimension": name, "from_label": before[name], "to_label": after[name]}
        for before, after in pairwise(rows)
        for name in names
        if before[name] != after[name]
    ]


def _stands_until(rows: Sequence[Row], name: str) -> date:
    standing = takewhile(lambda one: one[name] == rows[0][name], rows)
    last: date = max(one[AS_OF] for one in standing)
    return last
