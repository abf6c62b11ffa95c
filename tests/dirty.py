"""Purchases as people have them, good and bad, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

FIRST = date(2022, 1, 1)
CATEGORIES = ("Womens", "Mens", "Kids", "women's", " KIDS ", "Gents", "Toys", "", "NULL", "Kids\u200b")
STRANGE_IDS = (
    '"Silva, A"',
    '"two\nlines"',
    " C7 ",
    "\u00a0C8\u2003",
    "日本",
    "C\\4",
    "Ł'3",
    '"say ""hi"""',
    "",
    "NULL",
    "\u200bC9\ufeff",
    "8.7E+12",
)
STRANGE_DAYS = (
    "2024",
    "2023-02-29",
    "",
    "3000-01-01",
    "2024-06-30T23:59:59",
    "2024-06-29T18:30:00Z",
    "x",
    "1969-12-31",
    "2024-06-29 18:30 UTC",
)
STRANGE_AMOUNTS = (
    "",
    "-1",
    "1e5",
    " 7 ",
    "9999999999999999.99",
    "12,000",
    ".5",
    "14999.995",
    "-0.004",
    "NaN",
    "1,50,000.00",
)
BROKEN = (
    "C1,,2024-01-01,5,Kids",
    "C1,P1,2024-01-01",
    "too,many,fields,in,this,one,here",
    '"never closed,P2,2024-01-01,5,Kids',
    '"x"y,P,2024-01-01,5,Kids',
)


def records(rows: int, seed: int) -> Iterator[str]:
    """Lines without a header: nine in ten are good; some ids come again, some lines are no records."""
    chance = random.Random(seed)
    for number in range(rows):
        dice = chance.random()
        if dice < 0.002:
            yield chance.choice(BROKEN)
            continue
        customer = f"C{chance.randrange(rows // 12 + 1)}" if dice < 0.97 else chance.choice(STRANGE_IDS)
        order = f"P{seed}-{number if chance.random() < 0.97 else chance.randrange(number + 1)}"
        day = str(FIRST + timedelta(days=chance.randrange(1000)))
        day = day if chance.random() < 0.97 else chance.choice(STRANGE_DAYS)
        amount = f"{chance.randrange(30_000)}.{chance.randrange(100):02}"
        amount = amount if chance.random() < 0.97 else f'"{chance.choice(STRANGE_AMOUNTS)}"'
        line = f"{customer},{order},{day},{amount},{chance.choice(CATEGORIES)}"
        yield line
        if dice < 0.01:
            yield line
