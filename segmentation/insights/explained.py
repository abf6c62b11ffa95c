"""All there is to say of one customer, from what is known of it; nothing is read here, and no engine needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from segmentation.core.metrics import LOYAL_WINDOW
from segmentation.insights.facts import SHOWN, Facts
from segmentation.insights.outlook import Outlook, outlook
from segmentation.insights.plain import plain
from segmentation.insights.reasons import longest_silence, reasons
from segmentation.insights.ruled import Ruled
from segmentation.insights.solving import Ask
from segmentation.schemas import CUSTOMER_ID, PURCHASE_DATE, PURCHASE_ID

FACTS = ("as_of", "run_id", "updated_at")
NOTHING_KEPT = Outlook(None, {}, "runs keep purchases only with mode: incremental")


def explained(ruled: Ruled, facts: Facts, ask: Ask | None = None) -> dict[str, Any]:
    """Explain one customer.

    Args:
        ruled: the rules; they need to be those of the publication that the facts are of.
        facts: what is known of the customer.
        ask: who is asked for what only an engine can say; None for nobody.

    Returns:
        JSON-serialisable: ``customer_id``, ``as_of``, ``run_id``, ``updated_at``; ``rules_as_published`` (false: the
        rules given are not those that the labels come from); ``dimensions``, see `reasons.reasons`, each with what was
        ``published``, and per comparison ``until``; ``metrics``; ``purchases``, the newest first, and ``counted``
        (false: after the as-of day), null where runs keep none; ``rejected`` rows; ``changes`` of labels; ``next``, see
        `outlook.outlook`, null where that is not known; ``next_unknown``, why, else null.
    """
    row = facts.row
    why = reasons(ruled, row, ask)
    for one in why:
        one["published"] = row.get(one["dimension"])
    labels = {one["dimension"]: one["label"] for one in why}
    ahead = NOTHING_KEPT
    if facts.purchases is not None:
        ahead = outlook(ruled, facts.purchases, {**row, **labels}, longest_silence(why), ask)
    _say_until_when(why, ahead.stands_until)
    told = {
        CUSTOMER_ID: row[CUSTOMER_ID],
        **{name: row[name] for name in FACTS},
        "rules_as_published": facts.said.get("rules") == ruled.fingerprint,
        "dimensions": why,
        "metrics": {name: value for name, value in row.items() if name not in (CUSTOMER_ID, *FACTS, *labels)},
        "purchases": None if facts.purchases is None else _newest_first(facts.purchases, row["as_of"]),
        "rejected": facts.rejected,
        "changes": facts.changes,
        "next": ahead.changes,
        "next_unknown": ahead.unknown,
    }
    return {name: plain(value) for name, value in told.items()}


def _say_until_when(why: Sequence[Mapping[str, Any]], known: Mapping[str, date]) -> None:
    """Add to each comparison of a window that lacks something ``until``: the last day on which it lacks no more."""
    # Where it is the same as another window, it is shown once.
    until = {LOYAL_WINDOW: known.get("purchases_last_6_months"), **known}
    for rule in (rule for one in why for rule in one["rules"]):
        for compared in rule["comparisons"]:
            compared["until"] = until.get(compared["metric"]) if compared["missing"] else None


def _newest_first(purchases: Sequence[Mapping[str, Any]], as_of: date) -> list[dict[str, Any]]:
    by_id = sorted(purchases, key=lambda one: str(one[PURCHASE_ID]))
    shown = sorted(by_id, key=lambda one: one[PURCHASE_DATE], reverse=True)[:SHOWN]
    return [{**one, "counted": one[PURCHASE_DATE] <= as_of} for one in shown]
