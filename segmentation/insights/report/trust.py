"""How good the data is, and by which rules customers were labelled."""

from __future__ import annotations

from collections.abc import Mapping

from segmentation.insights.report.facts import Facts
from segmentation.insights.report.parts import Section, Table, count, share
from segmentation.insights.report.sections import named

# What to do with customers of a label; `report_actions` of the configuration goes before.
ACTIONS: Mapping[str, str] = {
    "New": "Welcome them; a second purchase decides.",
    "Loyal": "Thank them, ask them to recommend.",
    "Lapsed": "Win them back, or ask why they left.",
    "Seasonal": "Write before the season begins.",
    "Regular": "Give a reason for one more purchase.",
    "High Value": "Serve them personally.",
    "Medium Value": "Offer what goes with their purchases.",
    "Low Value": "Keep the cost of contact low.",
    "Womens": "Show the women's range first.",
    "Mens": "Show the men's range first.",
    "Kids": "Show the children's range first.",
    "Family": "Offer bundles for the family.",
    "Mixed": "Show a bit of everything.",
}


def quality(facts: Facts) -> Section:
    """Rows that were rejected and why, warnings, and the trend over runs."""
    run = facts.run
    rejected = run.get("rejected_by_reason") or {}
    tables = []
    if rejected:
        rows = [
            [reason.replace("_", " "), count(number), share(number, run["rows_read"]), _example(facts, reason)]
            for reason, number in sorted(rejected.items(), key=lambda one: -one[1])
        ]
        tables.append(Table("Rejected rows of the last run", ["reason", "rows", "share", "examples"], rows))
    warnings = run.get("warnings_by_reason") or {}
    if warnings:
        rows = [[reason.replace("_", " "), count(number)] for reason, number in sorted(warnings.items())]
        tables.append(Table("Purchases used with a warning", ["warning", "purchases"], rows))
    tables.append(
        Table("Runs", ["started", "outcome", "mode", "rows read", "rejected", "share", "customers"], _runs(facts))
    )
    unknown = share(facts.totals["unknown"], facts.totals["purchases"])
    words = [f"{unknown} of all purchases are of no known category."]
    if not rejected:
        words.append("The last run rejected no row.")
    return Section("quality", "Can the data be trusted?", words, tables)


def _example(facts: Facts, reason: str) -> str:
    """The raw values of rejected rows."""
    names = ("customer_id", "purchase_id", "purchase_date", "amount", "category")
    shown = [
        row["raw_record"] or ", ".join(str(row[name]) if row[name] is not None else "(none)" for name in names)
        for row in facts.examples.get(reason, ())
    ]
    return " · ".join(f"{text[:80]}…" if len(text) > len(text[:80]) else text for text in shown)


def _runs(facts: Facts) -> list[list[str]]:
    return [
        [
            f"{run['started_at']:%Y-%m-%d %H:%M}",
            run["outcome"],
            run["mode"] or "",
            count(run["rows_read"] or 0),
            count(run["rows_rejected"] or 0),
            share(run["rows_rejected"] or 0, run["rows_read"] or 0),
            count(run["total_customers"] or 0),
        ]
        for run in reversed(facts.runs)
    ]


def rules(facts: Facts, actions: Mapping[str, str]) -> Section:
    """The rules in words, and what to do."""
    known = {**ACTIONS, **actions}
    tables = [
        Table(
            named(name),
            ["label", "who", "suggestion"],
            [[label, condition or "everybody else", known.get(label, "")] for label, condition in told],
        )
        for name, told in facts.rules.items()
    ]
    return Section("rules", "The rules", ("In their order: the first that holds gives the label.",), tables)
