"""`segmentation suggest`: settings from the data, compared with a plain computation of the same."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pyspark
import pytest
import yaml

from segmentation.cli import main
from segmentation.config import load_config
from segmentation.insights.suggest import COMES_BACK_WITHIN, SILENCES

from .conftest import table
from .test_explain import EMBEDDED, Publish, publish, rows_of_worked

__all__ = ["publish"]
pytestmark = pytest.mark.skipif(pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4")
START, END = date(2022, 1, 1), date(2024, 6, 30)


def shop() -> str:
    """Two in three customers come every few weeks and then stop for good; the others buy once. July sells thrice."""
    chance, rows, number = random.Random(3), "", 0
    for customer in range(300):
        day = START + timedelta(days=chance.randrange(500))
        stops = day if customer % 3 == 0 else day + timedelta(days=chance.randrange(100, 600))
        while day <= min(stops, END):
            for _ in range(4 if day.month == 7 else 1):
                number += 1
                rows += f"C{customer},P{number},{day},{chance.randrange(1_000, 900_000) / 100},Womens\n"
            day += timedelta(days=chance.randrange(5, 110))
    return rows + f"last,L1,{END},50,Kids\n"


def plainly(rows: str) -> dict[int, tuple[int, int]]:
    """Silences that lasted so many days, and those of them that ended in time."""
    days = defaultdict(set)
    for line in rows.splitlines():
        customer, _, day, *_ = line.split(",")
        days[customer].add(date.fromisoformat(day))
    counts = dict.fromkeys(SILENCES, (0, 0))
    for theirs in days.values():
        for day, following in pairwise([*sorted(theirs), None]):
            for number in SILENCES:
                if (END - day).days < number + COMES_BACK_WITHIN:
                    continue
                lasted = ((following or END) - day).days
                reached = lasted > number
                back = reached and following is not None and lasted <= number + COMES_BACK_WITHIN
                counts[number] = (counts[number][0] + reached, counts[number][1] + back)
    return counts


def test_the_advice_is_what_the_data_says(publish: Publish, tmp_path: Path) -> None:
    rows = shop()
    told = publish(rows).suggest()
    advice = {one["setting"]: one for one in told["advice"]}
    counts = plainly(rows)
    expected = next(number for number in SILENCES if counts[number][1] / counts[number][0] < 0.25)
    assert advice["lapsed_after_days"]["value"] == expected
    assert 30 < expected < 365
    assert advice["lapsed_after_days"]["why"].startswith(
        f"of {counts[expected][0]:,} silences that lasted {expected} days"
    )
    customers = table(tmp_path, "customer_segments")
    for setting, name, share in (
        ("high_lifetime_threshold", "lifetime_spend", 0.9),
        ("high_aov_threshold", "average_order_value", 0.9),
        ("low_lifetime_threshold", "lifetime_spend", 1 / 3),
    ):
        above = sum(getattr(row, name) >= advice[setting]["value"] for row in customers) / len(customers)
        assert abs(above - (1 - share)) < 0.03, setting
    active = [row.purchases_last_6_months for row in customers if row.purchases_last_6_months]
    often = advice["loyal_min_purchases"]["value"]
    assert sum(one >= often for one in active) >= len(active) / 5 > sum(one > often for one in active)
    assert told["settings"]["festive_periods"][-1] == {"name": "July", "from": "07-01", "to": "07-31"}
    assert len(told["settings"]["festive_periods"]) == 6
    assert told["preview"]["moved"] > 0


@EMBEDDED
def test_the_fragment_is_a_configuration_that_does_what_it_says(publish: Publish, tmp_path: Path, capsys) -> None:
    rows = shop()
    pipeline = publish(rows)
    told = pipeline.suggest()
    place = ["--output-dir", str(tmp_path / "out")]
    assert main(["suggest", *place]) == 0
    fragment = capsys.readouterr().out
    (tmp_path / "own.yaml").write_text(fragment)
    assert load_config(tmp_path / "own.yaml").rules()["lapsed_after_days"] == told["settings"]["lapsed_after_days"]
    before = {row.customer_id: row for row in table(tmp_path, "customer_segments")}
    publish(rows, **yaml.safe_load(fragment))
    after = table(tmp_path, "customer_segments")
    names = ("purchase_frequency", "spending", "category")
    moved = sum(any(getattr(row, name) != getattr(before[row.customer_id], name) for name in names) for row in after)
    assert moved == told["preview"]["moved"]
    assert main(["suggest", "--json", *place]) == 0
    assert json.loads(capsys.readouterr().out)["as_of"] == "2024-06-30"


def flat() -> str:
    """A hundred and twenty customers who buy the same once, over a year."""
    days = [date(2023, 1, 1) + timedelta(days=3 * number) for number in range(120)]
    return "".join(f"C{number},P{number},{day},100,Kids\n" for number, day in enumerate(days))


@pytest.mark.slow
@EMBEDDED
def test_too_little_data_gives_no_advice(publish: Publish, tmp_path: Path, capsys) -> None:
    place = ["--output-dir", str(tmp_path / "out")]
    publish(rows_of_worked(), mode="full", as_of="2024-06-30")
    assert main(["suggest", *place]) == 2
    assert "which runs keep with --mode incremental" in capsys.readouterr().err
    publish("".join(f"C{number},P{number},2024-06-{number % 30 + 1:02},5,Kids\n" for number in range(90)))
    assert main(["suggest", *place]) == 3
    assert "100 customers (there are 90) and 183 days of purchases (there are 30)" in capsys.readouterr().err
    publish(flat())
    assert main(["suggest", *place]) == 0
    said = capsys.readouterr().out
    # Nobody ever comes back; all else is the same for everybody.
    assert "lapsed_after_days: 30\n" in said
    assert "# high_lifetime_threshold: no advice, all customers spend about the same\n" in said
    assert "# loyal_min_purchases: no advice" in said
    assert "# festive_periods: no advice" in said
