"""`segmentation explain`: why a customer has its labels, and what comes next."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from segmentation.commands.outputs import add_place, configured, show

HELP = "say why a customer has its labels, and what comes next"
# As many purchases and rejected rows as a terminal shows without scrolling.
LISTED = 10
NOT_KEPT = "not known: runs keep purchases only with mode: incremental"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("customer", metavar="CUSTOMER", help="the id of a customer")
    parser.add_argument("--json", action="store_true", help="for programs, and in full")
    add_place(parser, config="what the runs are configured with")


def execute(options: argparse.Namespace) -> int:
    """Explain, and print."""
    from segmentation.insights.explain import explain
    from segmentation.plug_ins import segmentation_of
    from segmentation.state.output import Output

    config = configured(options)
    # Not by the pipeline, which brings all along that runs need.
    show(explain(segmentation_of(config), Output.of(config), options.customer), options.json, lines)
    return 0


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """What `insights.explain` told, for people."""
    yield f"Customer {_safe(told['customer_id'])}, as of {told['as_of']}; the row is as run {told['run_id']} wrote it"
    if not told["rules_as_published"]:
        yield "Note: the labels were published with other rules than this configuration's (see --config)."
    for one in told["dimensions"]:
        yield ""
        yield from _decided(one)
    yield from ("", "Metrics")
    yield from _indented([(name.replace("_", " "), _safe(value)) for name, value in told["metrics"].items()])
    yield from _listed("Purchases", told["purchases"], _purchase, NOT_KEPT)
    yield from _listed("Rejected rows", told["rejected"], _rejected)
    yield from _listed("Labels so far", told["changes"], _changed)
    yield from _listed(
        "What comes next if nothing is bought", told["next"], _comes, f"not known: {told['next_unknown']}"
    )


def _decided(one: Mapping[str, Any]) -> Iterator[str]:
    """The rules in their order, up to the one that decides."""
    yield f"{one['dimension']}: {_safe(one['label'])}"
    if one["published"] not in (one["label"], None):
        yield f"  published as {_safe(one['published'])}"
    looked_at = True
    for rule in one["rules"]:
        yield from _rule(rule) if looked_at else [f"   -  {_safe(rule['label'])}"]
        looked_at = looked_at and not rule["decides"]
    if looked_at:
        yield f"  no rule holds, so {_safe(one['label'])}"


def _rule(rule: Mapping[str, Any]) -> Iterator[str]:
    """Does it hold, and how far is it from that?"""
    head = f"  {'yes' if rule['holds'] else 'no '} {_safe(rule['label'])}: "
    if not rule["comparisons"]:
        yield head + rule["condition"]
    for number, compared in enumerate(rule["comparisons"]):
        # Further lines stand below the words of the first.
        before = f"{rule['joined_by'] or '':>{len(head) - 1}} " if number else head
        yield before + f"{compared['words']} ({_measured(compared)})"


def _measured(compared: Mapping[str, Any]) -> str:
    found = _number(compared["value"])
    if compared["value"] == compared["threshold"] or compared["threshold"] is None:
        return found
    until = f" by {compared['until']}" if compared["until"] else ""
    limit = _number(compared["threshold"])
    is_fixed = limit in compared["words"].split()
    how = "from it" if compared["operator"] != ">=" else "more" if is_fixed else "short"
    missing = f", {_number(compared['missing'])} {how}{until}" if compared["missing"] else ""
    return found + ("" if is_fixed else f" of {limit}") + missing


def _number(text: str | None) -> str:
    if text is None:
        return "nothing"
    whole, point, cents = text.partition(".")
    return f"{int(whole):,}{point}{cents}" if whole.lstrip("-").isdigit() else _safe(text)


def _listed(title: str, rows: Sequence[Mapping[str, Any]] | None, shown: Any, unknown: str = "") -> Iterator[str]:
    """A heading, the first rows, and how many more there are."""
    yield ""
    if not rows:
        yield f"{title}: {unknown if rows is None else 'none'}"
        return
    yield f"{title} ({len(rows):,})"
    yield from _indented([shown(row) for row in rows[:LISTED]])
    if len(rows) > LISTED:
        yield f"  and {len(rows) - LISTED:,} more (--json has them)"


def _purchase(row: Mapping[str, Any]) -> list[str]:
    note = "" if row["counted"] else "after the as-of day"
    return [row["purchase_date"], _safe(row["purchase_id"]), row["amount"], row["category"], note]


def _rejected(row: Mapping[str, Any]) -> list[str]:
    given = [_safe(row[name]) for name in ("purchase_date", "purchase_id", "amount", "category")]
    return [*given, ", ".join(row["reasons"]), _safe(row["source"])]


def _changed(row: Mapping[str, Any]) -> list[str]:
    moved = f"{_safe(row['from_label'])} -> {_safe(row['to_label'])}"
    return [row["changed_at"][:16].replace("T", " "), row["dimension"], moved, row["cause"]]


def _comes(row: Mapping[str, Any]) -> list[str]:
    return [row["day"], row["dimension"], f"{_safe(row['from_label'])} -> {_safe(row['to_label'])}"]


def _indented(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    from segmentation.console import columns

    yield from (f"  {line}" for line in columns(rows))


def _safe(value: Any) -> str:
    from segmentation.console import printable

    return "-" if value is None else printable(str(value))
