"""What became of sales and customers from month to month."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from segmentation.core.sales import PERIOD, Row
from segmentation.insights.report import charts
from segmentation.insights.report.facts import Facts
from segmentation.insights.report.parts import NOTHING, Section, Table, change, count, each, ratio, rupees

NOT_KEPT = "Months are counted by runs with report: true, or mode: incremental; the last one had neither."
# As many cohorts and months as fit on a page.
COHORTS = 13
MONTHS_SHOWN = 36


def sales(facts: Facts) -> Section:
    """Sales by month, and festive days behind them."""
    months = by_month(facts.months)
    shown = [one for one in sorted(months) if _months_between(one, facts.as_of) < MONTHS_SHOWN]
    if not shown:
        return Section("sales", "Sales over time", ("In the last years nothing was sold." if months else NOT_KEPT,))
    rows = [
        [
            f"{one:%Y-%m}",
            rupees(months[one]["sales"]),
            count(months[one]["purchases"]),
            count(months[one]["customers"]),
            count(months[one]["new"]),
        ]
        for one in shown
    ]
    after = timedelta(days=1)
    shaded = [
        (f"{max(one.start, shown[0])}", f"{min(one.end, facts.as_of) + after}")
        for one in facts.festive
        if one.end >= shown[0]
    ]
    chart = charts.over_time(
        [f"{one}" for one in shown], [float(months[one]["sales"]) for one in shown], "rupees", shaded
    )
    header = ["month", "sales, rupees", "purchases", "customers", "of them new"]
    words = ("Festive days are shaded.", f"The last month ends on {facts.as_of}.")
    return Section("sales", "Sales over time", words, [Table("Sales by month", header, rows, chart)])


def by_month(cohorts: Sequence[Row]) -> Mapping[date, Row]:
    """All cohorts together, and how many customers bought for the first time."""
    months: dict[date, Counter[str]] = {}
    for row in cohorts:
        sums = months.setdefault(row["month"], Counter())
        for name in ("customers", "purchases", "sales"):
            sums[name] += row[name]
        sums["new"] += row["customers"] if row["cohort"] == row["month"] else 0
    return months


def cohorts(facts: Facts) -> Section:
    """Who came in a month, and who of them came back in the months after."""
    if not facts.months:
        return Section("cohorts", "Cohorts", (NOT_KEPT,))
    first = {row["cohort"]: row for row in facts.months if row["cohort"] == row["month"]}
    shown = [one for one in sorted(first) if _months_between(one, facts.as_of) < COHORTS]
    tables = []
    for what, caption in (
        ("customers", "Customers who buy again"),
        ("sales", "Sales, as a share of those of the first month"),
    ):
        found = {(row["cohort"], _months_between(row["cohort"], row["month"])): row[what] for row in facts.months}
        heat = [
            [
                ratio(found.get((one, after), 0), first[one][what])
                for after in range(1, min(COHORTS - 1, _months_between(one, facts.as_of)) + 1)
            ]
            for one in shown
        ]
        widest = max(map(len, heat), default=0)
        rows = [
            [
                f"{one:%Y-%m}",
                count(first[one][what]),
                *(f"{value:.0%}" for value in values),
                *[""] * (widest - len(values)),
            ]
            for one, values in zip(shown, heat, strict=True)
        ]
        header = ["first month", "then", *map(str, range(1, widest + 1))]
        shading = [[0.0, *(min(value, 1.0) for value in values), *[0.0] * (widest - len(values))] for values in heat]
        tables.append(Table(caption, header, rows, heat=shading))
    return Section("cohorts", "Cohorts", ("By month of the first purchase, and months since.",), tables)


def _months_between(start: date, end: date) -> int:
    return (end.year - start.year) * 12 + end.month - start.month


def made_of(facts: Facts) -> Section:
    """What the change of sales is made of: customers x purchases of each x average order value."""
    title = "What the change of sales is made of"
    if not facts.periods:
        return Section("change", title, (NOT_KEPT if not facts.months else "Less than a year of purchases is known.",))
    before, now = facts.periods
    names = ("customers", "purchases of each", "average order")
    was, is_ = _factors(before), _factors(now)
    effects = effects_of(was, is_)
    told = [rupees(one) for one in effects] or [NOTHING] * len(names)
    shown = [[form(value) for form, value in zip(FORMS, of, strict=True)] for of in (was, is_)]
    rows = [[name, shown[0][at], shown[1][at], change(is_[at], was[at]), told[at]] for at, name in enumerate(names)]
    total = now["sales"] - before["sales"]
    rows.append(
        [
            "sales, rupees",
            rupees(before["sales"]),
            rupees(now["sales"]),
            change(now["sales"], before["sales"]),
            rupees(total),
        ]
    )
    header = ["", "half-year before", "last half-year", "change", "rupees of the change"]
    periods = f"The {PERIOD.days} days to {facts.as_of}, and the {PERIOD.days} before."
    source = "The parts add up to the change (logarithmic mean Divisia decomposition: Ang, Energy Policy 32, 2004)."
    words = (periods, source)
    return Section("change", title, words, [Table(title, header, rows)])


def _with_cents(value: float | Decimal) -> str:
    return f"{value:.2f}"


FORMS: Sequence[Callable[[float | Decimal], str]] = (count, _with_cents, rupees)


def _factors(period: Row) -> tuple[Decimal, Decimal, Decimal]:
    customers, purchases, sold = (Decimal(period[name]) for name in ("customers", "purchases", "sales"))
    return customers, each(purchases, customers), each(sold, purchases)


def effects_of(before: Sequence[Decimal], now: Sequence[Decimal]) -> list[Decimal]:
    """What each factor adds to the change of their product; nothing where a factor is zero.

    With the logarithmic mean L of both products, a factor that grows from a to b adds L x ln(b/a).
    """
    was, is_ = (Decimal(math.prod(of)) for of in (before, now))
    if not was or not is_:
        return []
    growth = (is_ / was).ln()
    mean = (is_ - was) / growth if growth else was
    return [mean * (after / first).ln() for first, after in zip(before, now, strict=True)]
