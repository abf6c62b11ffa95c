"""What becomes of a customer's labels if nothing more is bought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise, takewhile
from typing import Any, NamedTuple

from segmentation.core.evaluation import Unknown
from segmentation.core.metrics import LOYAL_WINDOW, SHOWN_DAYS, SHOWN_MONTHS
from segmentation.core.own.measures import AS_OF
from segmentation.insights.measuring import measured
from segmentation.insights.reasons import first_open
from segmentation.insights.ruled import Ruled, RuledDimension
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
        unknown: what is not known, None where all is.
    """

    changes: list[dict[str, Any]] | None
    stands_until: Mapping[str, date]
    unknown: str | None = None


def outlook(ruled: Ruled, purchases: Sequence[Row], row: Row, silence: int = 0, ask: Ask | None = None) -> Outlook:
    """The days on which labels change, were the job run on each of them with the purchases that are known now.

    Every day is measured and labelled by the metrics and rules of every run. What second inputs said stands, and scores
    cut where they did: what becomes of all others is not known.

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
    try:
        metrics = _metrics(ruled, purchases, row, days, ask)
    except Unknown as error:
        return Outlook(None, {}, str(error))
    # A rule may look at the id.
    found = [{**one, CUSTOMER_ID: row[CUSTOMER_ID]} for one in metrics]
    until = {name: _stands_until([row, *found], name) for name in _windows(ruled) if row.get(name)}
    try:
        return Outlook(_changes(ruled, [row, *_labelled(ruled, found, ask)]), until)
    except Unknown as error:
        return Outlook(None, until, str(error))


def _days(ruled: Ruled, as_of: date, last: date, silence: int) -> list[date]:
    """Each day until nothing that is known can change any more."""
    longest = max(silence, ruled.silence, SHOWN_DAYS, MONTH * max(SHOWN_MONTHS, ruled.config.loyal_window_months))
    latest = max(as_of, last)
    end = latest + min(timedelta(days=longest + 1), date.max - latest)
    return [as_of + timedelta(days=number) for number in range(1, (end - as_of).days + 1)]


def _metrics(ruled: Ruled, purchases: Sequence[Row], row: Row, days: Sequence[date], ask: Ask | None) -> Sequence[Row]:
    """Of each day."""
    try:
        return list(measured(ruled, purchases, row, days))
    except Unknown:
        if ask is None:
            raise
        return ask.metrics(purchases, row, days)


def _windows(ruled: Ruled) -> list[str]:
    """Where the one for Loyal is the same as another one, it is shown once."""
    is_another = ruled.config.loyal_window_months != SHOWN_MONTHS
    return [name for name in WINDOWS if is_another or name != LOYAL_WINDOW]


def _labelled(ruled: Ruled, rows: Sequence[Row], ask: Ask | None) -> Sequence[Row]:
    """With the labels; rules may look at those of earlier dimensions."""
    for dimension in ruled.dimensions:
        found = solved(dict(dimension.rules), rows, ruled.schema, ask)
        rows = [{**row, dimension.name: _label(dimension, holds)} for row, holds in zip(rows, found, strict=True)]
    return rows


def _label(dimension: RuledDimension, holds: Row) -> str:
    values = [holds[label] for label, _ in dimension.rules]
    first = first_open(values)
    if first is None:
        return dimension.fallback
    if isinstance(values[first], Unknown):
        raise values[first]
    return dimension.rules[first][0]


def _changes(ruled: Ruled, rows: Sequence[Row]) -> list[dict[str, Any]]:
    names = [one.name for one in ruled.dimensions]
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
