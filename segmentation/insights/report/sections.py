"""What the customers of a publication are like."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from segmentation.core.sales import Row
from segmentation.insights.report import charts
from segmentation.insights.report.facts import Facts
from segmentation.insights.report.parts import (
    NOTHING,
    Section,
    Table,
    change,
    count,
    each,
    ratio,
    rupees,
    share,
)
from segmentation.insights.statistics import EDGES, SPEND

NOT_THERE, GONE = "(not there)", "(gone)"
WORDS: Mapping[str, str] = {
    "purchase_frequency": "How often they buy",
    "spending": "What they spend",
    "category": "For whom they buy",
    "days_since_last_purchase": "Days since the last purchase",
    "total_purchases": "Purchases",
    SPEND: "Lifetime spend, rupees",
}


def named(name: str) -> str:
    """A dimension or metric for people."""
    return WORDS.get(name, name.replace("_", " ").capitalize())


def headline(facts: Facts) -> Section:
    """The numbers that everybody asks for first."""
    now, before = facts.totals, facts.before
    told = [
        ("Customers", "customers", count),
        ("Lifetime spend, rupees", "spend", rupees),
        ("Purchases", "purchases", count),
    ]
    rows = [
        [
            title,
            form(now[name]),
            form(before[name]) if before else NOTHING,
            change(now[name], before[name]) if before else NOTHING,
        ]
        for title, name, form in told
    ]
    average = each(now["spend"], now["purchases"])
    was = each(before["spend"], before["purchases"]) if before else Decimal(0)
    rows.append(["Average order, rupees", rupees(average), rupees(was) if was else NOTHING, change(average, was)])
    words = [] if before else ["The publication before is not there any more, or there was none."]
    if not facts.is_as_published:
        words.append(
            "The runs have another configuration than this report (--config) and may read purchases otherwise."
        )
    return Section(
        "headline", "In short", words, [Table("Now and before", ["", "now", "publication before", "change"], rows)]
    )


def labels(facts: Facts) -> Section:
    """Per dimension, its labels."""
    header = ["label", "customers", "share", "spend", "share of spend", "average order", "purchases each", "days since"]
    return Section("labels", "Segments", (), [_of_labels(facts, name, header) for name in facts.dimensions])


def _of_labels(facts: Facts, name: str, header: Sequence[str]) -> Table:
    total, told = facts.totals, facts.dimensions[name]
    rows = [
        [
            row["label"],
            count(row["customers"]),
            share(row["customers"], total["customers"]),
            rupees(row["spend"]),
            share(row["spend"], total["spend"]),
            rupees(each(row["spend"], row["purchases"])),
            f"{each(row['purchases'], row['customers']):.1f}",
            f"{each(row['days'], row['customers']):.0f}",
        ]
        for row in told
    ]
    parts = [[ratio(row[what], total[what]) for row in told] for what in ("customers", "spend")]
    return Table(named(name), header, rows, charts.shares([row["label"] for row in told], *parts))


def crossed(facts: Facts) -> Section:
    """Customers by the labels of two dimensions."""
    tables = []
    for (one, other), counts in facts.crossed.items():
        rows = [row["label"] for row in facts.dimensions[one]]
        columns = [row["label"] for row in facts.dimensions[other]]
        most = max(counts.values(), default=0)
        tables.append(
            Table(
                f"{named(one)}, and {named(other).lower()}",
                ["customers", *columns],
                [[row, *(count(counts.get((row, column), 0)) for column in columns)] for row in rows],
                heat=[[ratio(counts.get((row, column), 0), most) for column in columns] for row in rows],
            )
        )
    return Section("crossed", "Segments, crossed", ("The stronger the colour, the more customers.",), tables)


def moves(facts: Facts) -> Section:
    """Who got another label in the last run."""
    if not facts.moves:
        return Section("moves", "Who moved", ("In the last run no customer got another label.",))
    header = ["from", "to", "because", "customers", "their spend, rupees"]
    tables = []
    for name, labels in facts.dimensions.items():
        moved = [row for row in facts.moves if row["dimension"] == name]
        if moved:
            tables += [_matrix(named(name), labels, moved), Table(f"{named(name)}: flows", header, _flows(moved))]
    words = ("With the last run. In a row those who had the label before, in the columns what they have now.",)
    return Section("moves", "Who moved", words, tables)


def _flows(moved: Sequence[Row]) -> list[list[str]]:
    """The largest first; what those spent who are gone is not published any more."""
    return [
        [
            row["from_label"] or NOT_THERE,
            row["to_label"] or GONE,
            row["cause"].replace("_", " "),
            count(row["customers"]),
            rupees(row["spend"]) if row["to_label"] else NOTHING,
        ]
        for row in moved
    ]


def _matrix(caption: str, labels: Sequence[Row], moved: Sequence[Row]) -> Table:
    """From label to label; who stayed has the label now and did not come to it."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in moved:
        counts[row["from_label"] or NOT_THERE, row["to_label"] or GONE] += row["customers"]
    most = max(counts.values())
    names = [row["label"] for row in labels]
    names += sorted({label for pair in counts for label in pair} - {*names, NOT_THERE, GONE})
    columns, rows = [*names, GONE], [*names, NOT_THERE]
    stayed = {row["label"]: row["customers"] - sum(counts[one, row["label"]] for one in rows) for row in labels}
    return Table(
        caption,
        ["from / to", *columns],
        [[one, *(count(stayed.get(one, 0) if one == to else counts[one, to]) for to in columns)] for one in rows],
        heat=[[0.0 if one == to else ratio(counts[one, to], most) for to in columns] for one in rows],
    )


def distributions(facts: Facts) -> Section:
    """How metrics are spread, and where the rules cut."""
    tables = []
    for name, edges in EDGES.items():
        names = [_bucket(edges, at) for at in range(len(edges))]
        counts = facts.buckets[name] or [0] * len(edges)
        limits = [_place(edges, limit) for limit in facts.thresholds[name] if limit <= edges[-1]]
        rows = [
            [one, count(number), share(number, facts.totals["customers"])]
            for one, number in zip(names, counts, strict=True)
        ]
        caption = named(name)
        if facts.thresholds[name]:
            caption += f" (the lines: {', '.join(f'{limit:,}' for limit in facts.thresholds[name])})"
        tables.append(
            Table(caption, [named(name), "customers", "share"], rows, charts.bars(names, counts, "customers", limits))
        )
    return Section("distributions", "How customers differ", ("Dashed lines are the thresholds of the rules.",), tables)


def _bucket(edges: Sequence[int], at: int) -> str:
    if at + 1 == len(edges):
        return f"{edges[at]:,}+"
    last = edges[at + 1] - 1
    return f"{edges[at]:,}" if last == edges[at] else f"{edges[at]:,}–{last:,}"


def _place(edges: Sequence[int], limit: Decimal) -> float:
    """Where a value lies, counted in bars of which each is a bucket, from half a bar before the first."""
    at = bisect_right(edges, limit) - 1
    if at + 1 >= len(edges):
        return at - 0.5
    return at - 0.5 + ratio(limit - edges[at], edges[at + 1] - edges[at])


def concentration(facts: Facts) -> Section:
    """How much of the spend is that of few."""
    rows = [
        [f"{row['share']:.0%}", share(row["spend"], facts.totals["spend"]), rupees(row["least"])] for row in facts.top
    ]
    header = ["of the customers, who spend most", "share of spend", "each at least, rupees"]
    names, values = [row[0] for row in rows], [ratio(row["spend"], facts.totals["spend"]) for row in facts.top]
    chart = charts.bars(names, values, "share of spend") if rows else None
    return Section(
        "concentration",
        "How much hangs on few",
        (),
        [Table("Share of spend of the top customers", header, rows, chart)],
    )
