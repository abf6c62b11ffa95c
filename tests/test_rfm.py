"""RFM by configuration, against a computation of its own with pandas, on data like that of CDNOW."""

from __future__ import annotations

import math
import re
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from .conftest import HEADER, Job, table

ROOT = Path(__file__).parent.parent
START, DAYS = date(1997, 1, 1), 545
# The table by which the field names segments: recency score, then frequency score.
SEGMENTS = {
    r"[12][12]": "Hibernating",
    r"[12][34]": "At Risk",
    r"[12]5": "Cannot Lose Them",
    r"3[12]": "About To Sleep",
    r"33": "Need Attention",
    r"[34][45]": "Loyal",
    r"41": "Promising",
    r"51": "New Customer",
    r"[45][23]": "Potential Loyalist",
    r"5[45]": "Champions",
}


def like_cdnow(customers: int, seed: int) -> pd.DataFrame:
    """Customers who begin within three months, buy at a rate of their own (gamma), and stop some day (gamma)."""
    dice = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        day = int(dice.integers(0, 90))
        rate, end = dice.gamma(0.55, 1 / 75), day + dice.exponential(1 / dice.gamma(0.6, 1 / 80))
        spend = dice.gamma(6, 6)
        while day <= min(end, DAYS):
            # Some come twice a day.
            amounts = [dice.gamma(4, spend / 4) + 1 for _ in range(1 + int(dice.random() < 0.05))]
            rows += [(f"C{number:04}", START + timedelta(days=day), round(float(amount), 2)) for amount in amounts]
            day += 1 + int(min(dice.exponential(1 / max(rate, 1e-9)), 10_000))
    return pd.DataFrame(rows, columns=["customer", "day", "amount"])


def expected(purchases: pd.DataFrame) -> pd.DataFrame:
    as_of = purchases["day"].max()
    cents = purchases.assign(cents=(purchases["amount"] * 100).round().astype(int))
    by_day = cents.groupby(["customer", "day"])["cents"].sum().reset_index()
    found = {}
    for customer, theirs in by_day.groupby("customer"):
        first, last, again = theirs["day"].min(), theirs["day"].max(), theirs.sort_values("day")["cents"].iloc[1:]
        found[customer] = {
            "frequency": len(again),
            "recency": (last - first).days,
            "T": (as_of - first).days,
            "monetary_value": (int(again.sum()) / 100) / len(again) if len(again) else 0.0,
            "silence": (as_of - last).days,
        }
    customers = pd.DataFrame.from_dict(found, orient="index")
    per_customer = cents.groupby("customer")["cents"]
    customers["recency_score"] = fifths(-customers["silence"])
    customers["frequency_score"] = fifths(per_customer.count())
    customers["monetary_score"] = fifths(per_customer.sum())
    scores = customers["recency_score"].astype(str) + customers["frequency_score"].astype(str)
    customers["rfm"] = [next(name for mark, name in SEGMENTS.items() if re.fullmatch(mark, two)) for two in scores]
    return customers.drop(columns="silence")


def fifths(values: pd.Series) -> pd.Series:
    """1 for the lowest fifth: one more for each cut, the value of the customer at it, that a value lies above."""
    ordered = sorted(values)
    cuts = [ordered[math.ceil(number * len(ordered) / 5) - 1] for number in range(1, 5)]
    return values.map(lambda value: 1 + sum(value > cut for cut in cuts))


@pytest.mark.parametrize("seed", [7, 8])
def test_rfm_is_that_of_pandas(seed: int, run_job: Job, tmp_path: Path) -> None:
    purchases = like_cdnow(400, seed)
    lines = [f"{row.customer},P{at},{row.day},{row.amount:.2f},Womens" for at, row in enumerate(purchases.itertuples())]
    source = tmp_path / "cdnow.csv"
    source.write_text(HEADER + "\n".join(lines) + "\n")
    run_job(source, include=[str(ROOT / "conf/dimensions/rfm.yaml")])
    wanted = expected(purchases)
    found = {
        row.customer_id: {name: getattr(row, name) for name in wanted.columns}
        for row in table(tmp_path, "customer_segments")
    }
    assert found == wanted.to_dict(orient="index")
    # The data put it to the test: all labels, and most customers with one purchase, whose score is the lowest.
    assert set(wanted["rfm"]) >= {"Champions", "Loyal", "Hibernating", "At Risk"}
    assert (wanted["frequency_score"] == 1).mean() > 0.4
