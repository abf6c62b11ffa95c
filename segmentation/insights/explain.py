"""All there is to say of one customer: labels and why, metrics, purchases, history, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import functions as F

from segmentation.core.metrics import LOYAL_WINDOW
from segmentation.core.segmentation import Segmentation
from segmentation.insights.outlook import Outlook, outlook
from segmentation.insights.person import SHOWN, Person, person_of
from segmentation.insights.plain import plain
from segmentation.insights.published import as_published
from segmentation.insights.reader import reader
from segmentation.insights.reasons import longest_silence, reasons
from segmentation.schemas import AMOUNT, CATEGORY, CUSTOMER_ID, PURCHASE_DATE, PURCHASE_ID
from segmentation.state.output import Output

FACTS = ("as_of", "run_id", "updated_at")


def explain(segmentation: Segmentation, output: Output, customer: str) -> dict[str, Any]:
    """Explain one customer of an output.

    Args:
        segmentation: the dimensions; the settings are those that were published.
        output: where they were published.
        customer: the id.

    Returns:
        JSON-serialisable: ``customer_id``, ``as_of``, ``run_id``, ``updated_at``; ``rules_as_published`` (false: the
        rules given are not those that the labels come from); ``dimensions``, see `reasons.reasons`, each with what was
        ``published``, and per comparison ``until``; ``metrics``; ``purchases``, the newest first, and ``counted``
        (false: after the as-of day), null where runs keep none; ``rejected`` rows; ``changes`` of labels; ``next``, see
        `outlook.outlook`, null where runs keep no purchases.

    Raises:
        NoDataError: nothing of this customer is published.
        ConfigError: nothing is published, or not on this machine.
    """
    with reader(segmentation.config, output) as (engine, folder):
        person = person_of(engine, segmentation.config, output, customer, folder)
        segmentation = as_published(segmentation, person.said)
        why = reasons(engine, segmentation, person.row)
        for one in why:
            one["published"] = person.row.get(one["dimension"])
        labels = {one["dimension"]: one["label"] for one in why}
        now = {**person.row, **labels}
        days = longest_silence(why)
        cuts = person.said.get("cuts") or {}
        bought = person.purchases
        ahead = None if bought is None else outlook(segmentation, bought, person.as_of, now, days, cuts)
        _say_until_when(why, ahead)
        told = {
            CUSTOMER_ID: customer,
            **{name: person.row[name] for name in FACTS},
            "rules_as_published": person.said.get("rules") == segmentation.fingerprint,
            "dimensions": why,
            "metrics": {
                name: value for name, value in person.row.items() if name not in (CUSTOMER_ID, *FACTS, *labels)
            },
            "purchases": _purchases(person),
            "rejected": person.rejected,
            "changes": person.changes,
            "next": None if ahead is None else ahead.changes,
        }
    return {name: plain(value) for name, value in told.items()}


def _say_until_when(why: Sequence[Mapping[str, Any]], ahead: Outlook | None) -> None:
    """Add to each comparison of a window that lacks something ``until``: the last day on which it lacks no more."""
    known: Mapping[str, date] = ahead.stands_until if ahead else {}
    # Where it is the same as another window, it is shown once.
    until = {LOYAL_WINDOW: known.get("purchases_last_6_months"), **known}
    for rule in (rule for one in why for rule in one["rules"]):
        for compared in rule["comparisons"]:
            compared["until"] = until.get(compared["metric"]) if compared["missing"] else None


def _purchases(person: Person) -> list[dict[str, Any]] | None:
    if person.purchases is None:
        return None
    shown = person.purchases.select(PURCHASE_ID, PURCHASE_DATE, AMOUNT, CATEGORY).orderBy(
        F.col(PURCHASE_DATE).desc(), PURCHASE_ID
    )
    rows = [row.asDict() for row in shown.limit(SHOWN).collect()]
    return [{**row, "counted": row[PURCHASE_DATE] <= person.as_of} for row in rows]
