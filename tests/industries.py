"""The dimensions of conf/industries by plain Python: what the tests and the demonstration compare the job with."""

from __future__ import annotations

import csv
import subprocess
import sys
from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil
from pathlib import Path

from .processes import ROOT

Rows = list[dict[str, str]]
Labels = dict[str, str]
GENERATOR = ROOT / "jobs" / "generate_industry.py"


def generate(industry: str, folder: Path, rows: int = 600, *options: str) -> None:
    """Let the generator write the files of an industry into a folder."""
    command = [sys.executable, str(GENERATOR), "--industry", industry, "--rows", str(rows), "--output", str(folder)]
    subprocess.run([*command, *options], check=True, capture_output=True)


def read(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def by(key: str, rows: Iterable[dict[str, str]]) -> dict[str, Rows]:
    """The rows of each customer; those of nobody are left out."""
    found: dict[str, Rows] = defaultdict(list)
    for row in rows:
        if row[key]:
            found[row[key]].append(row)
    return found


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def most_frequent(values: Iterable[str]) -> str | None:
    counts = Counter(value for value in values if value)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else None


def fashion(folder: Path) -> dict[str, Labels]:
    return {customer: _fashion(rows) for customer, rows in by("Customer_ID", read(folder / "purchases.csv")).items()}


def _fashion(rows: Rows) -> Labels:
    ages = [(date.fromisoformat(row["Date"]) - there).days for row in rows if (there := day(row["Launched"]))]
    names = Counter(row["Collection"].split()[0] for row in rows)
    early, late = (share(sum(map(test, ages)), len(ages)) for test in (lambda age: age <= 45, lambda age: age > 180))
    if early is None or late is None:
        trend = "Unknown"
    elif early >= 0.4:
        trend = "Trendsetter"
    elif late >= 0.6:
        trend = "Bargain Hunter"
    else:
        season = next((name for name in ("Summer", "Winter") if names[name] >= 0.8 * len(rows)), None)
        trend = season if season and len(rows) >= 3 else "All Year"
    sizes = [row["Size"] for row in rows]
    preferred = {"XS": "Small", "S": "Small", "M": "Medium", "L": "Large", "XL": "Large"}[most_frequent(sizes) or ""]
    return {"season_trend": trend, "size_preference": "Several" if len(set(sizes)) >= 3 else preferred}


def ecommerce(folder: Path) -> dict[str, Labels]:
    purchases, events = by("Customer_ID", read(folder / "purchases.csv")), by("Visitor", read(folder / "events.csv"))
    as_of = last_day(purchases)
    return {customer: _ecommerce(rows, events.get(customer, []), as_of) for customer, rows in purchases.items()}


def last_day(purchases: dict[str, Rows]) -> date:
    return max(date.fromisoformat(row["Date"]) for rows in purchases.values() for row in rows)


def _ecommerce(rows: Rows, events: Rows, as_of: date) -> Labels:
    channels = Counter(row["Channel"].lower() for row in rows if row["Channel"] != "?")
    usual = most_frequent(row["Channel"].lower() for row in rows) or ""
    known = {"app": "App", "web": "Web", "marketplace": "Marketplace", "store": "Store"}
    is_one = max(channels.values(), default=0) >= 0.6 * len(rows)
    seen = [row for row in events if (when := day(row["Day"])) and when <= as_of]
    sessions = {
        kind: {row["Session"] for row in seen if kind in (row["Event"], "any")} for kind in ("any", "basket", "order")
    }
    recent = any((as_of - date.fromisoformat(row["Day"])).days <= 90 for row in seen)
    left = len(sessions["basket"] - sessions["order"])
    if not sessions["any"]:
        behaviour = "Never Seen"
    elif len(sessions["basket"]) >= 3 and left >= 0.6 * len(sessions["basket"]):
        behaviour = "Basket Abandoner"
    elif recent:
        behaviour = "Looking" if since_last(rows, as_of) > 90 else "Active"
    else:
        behaviour = "Quiet"
    return {"channel_preference": known.get(usual, "Other") if is_one else "Several", "digital_behaviour": behaviour}


def since_last(rows: Rows, as_of: date) -> int:
    return min((as_of - date.fromisoformat(row["Date"])).days for row in rows)


def b2b(folder: Path) -> dict[str, Labels]:
    purchases, accounts = (
        by("Customer_ID", read(folder / "purchases.csv")),
        by("Account", read(folder / "accounts.csv")),
    )
    as_of = last_day(purchases)
    # Of several rows of one account, the one with the smallest values counts, a value before none.
    chosen = {customer: min(rows, key=_account_order) for customer, rows in accounts.items()}
    spend = {customer: sum(Decimal(row["Total_Amount_LKR"]) for row in rows) for customer, rows in purchases.items()}
    trade = {customer: chosen.get(customer, {}).get("Industry", "") for customer in purchases}
    return {
        customer: _b2b(rows, chosen.get(customer), _tier(customer, spend, trade), as_of)
        for customer, rows in purchases.items()
    }


def _account_order(row: dict[str, str]) -> tuple[bool, int, str, bool, str]:
    size, until = number(row["Employees"]), day(row["Contract_Until"])
    return size is None, size or 0, row["Industry"], until is None, str(until)


def number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _tier(customer: str, spend: dict[str, Decimal], trade: dict[str, str]) -> str:
    """Of a trade, whoever has spent more than four fifths of it have; then, more than one half."""
    row = sorted(spend[one] for one in spend if trade[one] == trade[customer])
    for label, part in (("A", Fraction(4, 5)), ("B", Fraction(1, 2))):
        if spend[customer] > row[ceil(len(row) * part) - 1]:
            return label
    return "C"


def _b2b(rows: Rows, account: dict[str, str] | None, tier: str, as_of: date) -> Labels:
    size = number(account["Employees"]) if account else None
    until = day(account["Contract_Until"]) if account else None
    label = "Unknown" if size is None else "Enterprise" if size >= 1000 else "Mid-Market" if size >= 100 else "Small"
    recent = any(date.fromisoformat(row["Date"]) >= half_a_year_before(as_of) for row in rows)
    if account is None or (size is None and not account["Industry"]):
        what = "No Account"
    elif tier in "AB" and until and (until - as_of).days <= 60:
        what = "Renew"
    elif tier == "A":
        what = "Key Account" if recent else "Win Back"
    else:
        what = "Grow" if label in ("Enterprise", "Mid-Market") else "Keep"
    return {"company_size": label, "account": what}


def half_a_year_before(as_of: date) -> date:
    month, year = (as_of.month - 6, as_of.year) if as_of.month > 6 else (as_of.month + 6, as_of.year - 1)
    return date(year, month, min(as_of.day, monthrange(year, month)[1]))


def subscription(folder: Path) -> dict[str, Labels]:
    purchases = by("Customer_ID", read(folder / "purchases.csv"))
    contracts = by("Subscriber", read(folder / "subscriptions.csv"))
    as_of = last_day(purchases)
    return {customer: _subscription(rows, contracts.get(customer), as_of) for customer, rows in purchases.items()}


def _subscription(rows: Rows, contracts: Rows | None, as_of: date) -> Labels:
    days = sorted(date.fromisoformat(row["Date"]) for row in rows)
    gap = Fraction((days[-1] - days[0]).days, len(days) - 1) if len(days) > 1 else 0
    silence = (as_of - days[-1]).days / gap if gap else None
    if silence is None:
        churn = "Too Early"
    else:
        marks = ((3, "Lost"), (2, "High"), (Fraction(12, 10), "Raised"))
        churn = next((label for mark, label in marks if silence >= mark), "Low")
    contract = contracts[0] if contracts else None
    renews = day(contract["Renews_On"]) if contract else None
    left = (renews - as_of).days if renews else None
    renewal = "Unknown" if left is None else "Overdue" if left < 0 else "Due" if left <= 30 else "Later"
    used, seats = (number(contract[name]) if contract else None for name in ("Seats_Used", "Seats"))
    part = Fraction(used, seats) if used is not None and seats else None
    if churn in ("Lost", "High"):
        upgrade = "At Risk"
    elif part is not None and seats and part >= Fraction(9, 10) and seats > 1:
        upgrade = "More Seats"
    elif contract and part is not None and contract["Plan"] != "Pro" and len(days) >= 6 and part >= Fraction(1, 2):
        upgrade = "Higher Plan"
    else:
        upgrade = "None Now"
    return {"churn": churn, "renewal": renewal, "upgrade": upgrade}


ORACLES: dict[str, Callable[[Path], dict[str, Labels]]] = {
    "fashion": fashion,
    "ecommerce": ecommerce,
    "b2b": b2b,
    "subscription": subscription,
}
