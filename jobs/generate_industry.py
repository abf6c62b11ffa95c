"""Make believable input for one of the industries under conf/industries: purchases, and what is joined with them.

    python jobs/generate_industry.py --industry ecommerce --rows 5000 --output data/industries/ecommerce

The same seed gives the same files. A few rows in a thousand are wrong, as they are in life.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random

PURCHASES = "Customer_ID,Order_ID,Date,Total_Amount_LKR,Product_Category"
CATEGORIES = ("Womens", "Mens", "Kids")
SIZES = ("XS", "S", "M", "L", "XL")
# The month and day on which a collection comes to the shops, and its name.
COLLECTIONS = (((2, 15), "Summer"), ((8, 15), "Winter"))
CHANNELS = ("App", "Web", "Marketplace", "Store")
TRADES = ("Hotels", "Retail", "Logistics", "Health", "Construction")
PLANS = {"Basic": 1_500, "Plus": 3_500, "Pro": 9_000}
ORDERS_A_CUSTOMER = 8
# Of the rows: without a customer, and with a last value that is none.
WRONG = 0.002
YEARS = 2
Row = list[object]


@dataclass
class Table:
    """A CSV file in the making."""

    header: str
    rows: list[Row] = field(default_factory=list)


@dataclass
class Maker:
    """What all industries are made with.

    Attributes:
        dice: chance.
        rows: about how many purchases.
        until: the last day.
    """

    dice: Random
    rows: int
    until: date

    def customers(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Ids, each with a number of orders: a few buy much, many little. They make `rows` in all."""
        left, number = self.rows, 0
        while left > 0:
            number += 1
            orders = min(left, max(1, int(self.dice.expovariate(1 / ORDERS_A_CUSTOMER)) + 1))
            left -= orders
            yield f"{prefix}{number:05d}", orders

    def day(self, before: int = 0) -> date:
        """A day of the last years, at least so many days ago."""
        return self.until - timedelta(days=before + self.dice.randrange(YEARS * 365 - before))

    def days(self, count: int) -> list[date]:
        """Days of purchases, of which half of the customers have had the last one long ago."""
        silent = self.dice.choice((0, 0, 60, 150, 300))
        return sorted(self.day(silent) for _ in range(count))

    def amount(self, usual: float) -> str:
        """An amount around a usual one."""
        return f"{max(50.0, self.dice.lognormvariate(0, 0.5) * usual):.2f}"


def fashion(maker: Maker) -> dict[str, Table]:
    """Purchases with the size, the collection and the day on which it came to the shops."""
    dice, table = maker.dice, Table(f"{PURCHASES},Size,Collection,Launched")
    for customer, orders in maker.customers("F"):
        size, steady = dice.randrange(len(SIZES)), dice.random() < 0.7
        taste, purse = dice.choice(("early", "late", "any")), dice.uniform(2_000, 16_000)
        for day in maker.days(orders):
            launched, name = _collection(dice, day, taste)
            at = size if steady else dice.randrange(len(SIZES))
            row = [customer, "", day, maker.amount(purse), dice.choice(CATEGORIES), SIZES[at], name, launched]
            table.rows.append(row)
    return {"purchases": table}


def _collection(dice: Random, day: date, taste: str) -> tuple[date, str]:
    """A collection that is in the shops on a day: the newest for who buys early, the one before for bargain hunters."""
    every = sorted(
        (date(year, *begins), f"{name} {year}")
        for year in range(day.year - 1, day.year + 1)
        for begins, name in COLLECTIONS
    )
    there = [one for one in every if one[0] <= day]
    place = {"early": -1, "late": -2}.get(taste, dice.choice((-1, -1, -2)))
    return there[place]


def ecommerce(maker: Maker) -> dict[str, Table]:
    """Purchases with their channel, and the events of visits: view, basket, order."""
    dice = maker.dice
    table, events = Table(f"{PURCHASES},Channel"), Table("Visitor,Session,Event,Day")
    for customer, orders in maker.customers("E"):
        favourite, loyalty = dice.choice(CHANNELS), dice.uniform(0.4, 1)
        idle, purse = dice.choice((0, 1, 2, 8)), dice.uniform(1_500, 9_000)
        for day in maker.days(orders):
            channel = favourite if dice.random() < loyalty else dice.choice(CHANNELS)
            table.rows.append([customer, "", day, maker.amount(purse), dice.choice(CATEGORIES), channel])
            if channel in ("App", "Web"):
                _visit(dice, events, customer, day, "order")
        for _ in range(dice.randrange(idle + 1) * 2):
            _visit(dice, events, customer, maker.day(), dice.choice(("view", "basket", "basket")))
    for number in range(maker.rows // 50):
        _visit(dice, events, f"GUEST{number:04d}", maker.day(), "view")
    return {"purchases": table, "events": events}


def _visit(dice: Random, events: Table, visitor: str, day: date, until: str) -> None:
    """The events of one visit, up to the last kind."""
    session = f"S{len(events.rows):06d}{dice.randrange(100):02d}"
    steps = ("view", "basket", "order")
    for step in steps[: steps.index(until) + 1]:
        events.rows.append([visitor, session, step, day])


def b2b(maker: Maker) -> dict[str, Table]:
    """Orders of companies, and their accounts."""
    dice = maker.dice
    table, accounts = Table(PURCHASES), Table("Account,Company,Employees,Industry,Contract_Until")
    for number, (customer, orders) in enumerate(maker.customers("B")):
        size = int(dice.lognormvariate(4.3, 1.6)) + 1
        for day in maker.days(orders):
            table.rows.append([customer, "", day, maker.amount(8_000 + 25 * size**0.8), dice.choice(CATEGORIES)])
        until = maker.until + timedelta(days=dice.randrange(-60, 500))
        if number % 25:
            accounts.rows.append([customer, f"Company {number}", size, dice.choice(TRADES), until])
    accounts.rows += [["B99999", "Never bought", 12, "Hotels", maker.until], [*accounts.rows[0]]]
    accounts.rows.append([accounts.rows[1][0], "Typed in again", "about 40", "Retail", ""])
    return {"purchases": table, "accounts": accounts}


def subscription(maker: Maker) -> dict[str, Table]:
    """Payments in the rhythm of each subscriber, and the subscriptions."""
    dice = maker.dice
    table = Table(PURCHASES)
    subscriptions = Table("Subscriber,Plan,Seats,Seats_Used,Renews_On")
    for customer, payments in maker.customers("S"):
        plan, seats, every = dice.choice(list(PLANS)), dice.choice((1, 3, 5, 10, 25)), dice.choice((30, 30, 90))
        missed = dice.choice((0, 0, 0, 1, 3))
        last = maker.until - timedelta(days=dice.randrange(every) + missed * every)
        for back in range(min(payments, YEARS * 365 // every)):
            day = last - timedelta(days=back * every + dice.randrange(-2, 3) * (back > 0))
            table.rows.append([customer, "", day, f"{PLANS[plan] * seats}.00", "Other"])
        renews = last + timedelta(days=every if dice.random() < 0.5 else 365)
        used = min(seats, max(0, round(seats * dice.betavariate(4, 1.5))))
        subscriptions.rows.append([customer, plan, seats, used, renews])
    return {"purchases": table, "subscriptions": subscriptions}


INDUSTRIES: dict[str, Callable[[Maker], dict[str, Table]]] = {
    "fashion": fashion,
    "ecommerce": ecommerce,
    "b2b": b2b,
    "subscription": subscription,
}


def generated(industry: str, rows: int, seed: int, until: date) -> dict[str, Table]:
    """The files of an industry, by name."""
    dice = Random(f"{seed} {industry}")  # noqa: S311 - no secret hangs on it
    tables = INDUSTRIES[industry](Maker(dice, rows, until))
    for name, table in tables.items():
        if name == "purchases":
            table.rows.sort(key=lambda row: (str(row[2]), str(row[0])))
            for number, row in enumerate(table.rows):
                row[1] = f"O{number:06d}"
        for row in table.rows:
            if dice.random() < WRONG:
                row[0] = ""
            if dice.random() < WRONG:
                row[-1] = "?"
    return tables


def main(arguments: list[str] | None = None) -> int:
    """Parse, generate, write."""
    parser = argparse.ArgumentParser(description="Make believable input for an industry as CSV.")
    parser.add_argument("--industry", choices=tuple(INDUSTRIES), required=True)
    parser.add_argument("--rows", type=int, default=5_000, help="about how many purchases (default: 5000)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--until", type=date.fromisoformat, default=date(2025, 12, 31), help="last possible day")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the files")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    for name, table in generated(options.industry, options.rows, options.seed, options.until).items():
        path = options.output / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(table.header.split(","))
            writer.writerows(table.rows)
        print(f"{len(table.rows)} rows in {path}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
