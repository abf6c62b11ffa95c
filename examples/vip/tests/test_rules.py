"""Both sides of each boundary."""

from __future__ import annotations

import pytest
from retail_vip.rules import Rhythm, Vip

from segmentation import Segmenter
from segmentation.testing import labels_of

RECENT = {"days_since_last_purchase": 0, "purchases_in_loyal_window": 5, "festive_purchases": 0}
CASES = {
    "ten purchases": (Vip(), {**RECENT, "total_purchases": 10}, "VIP"),
    "nine purchases": (Vip(), {**RECENT, "total_purchases": 9}, "Loyal"),
    "a week": (Rhythm(), {"average_days_between_purchases": 7.0}, "Weekly"),
    "more than a week": (Rhythm(), {"average_days_between_purchases": 7.01}, "Monthly"),
    "more than a month": (Rhythm(), {"average_days_between_purchases": 31.01}, "Rare"),
    "one purchase": (Rhythm(), {"average_days_between_purchases": None}, "Rare"),
}


@pytest.mark.parametrize("case", CASES)
def test_label(case: str) -> None:
    rules: Segmenter
    rules, metrics, label = CASES[case]
    assert labels_of(rules, metrics) == [label]
