"""`segmentation preview`: who would get another label under other settings, compared with a real run."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyspark
import pytest

from segmentation.cli import main
from segmentation.core.segmenters import DEFAULT_SEGMENTERS
from segmentation.pipeline import CustomerSegmentationPipeline

from .conftest import table
from .test_explain import EMBEDDED, Publish, Visits, publish, rows_of_worked

__all__ = ["publish"]
pytestmark = pytest.mark.skipif(pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4")
DIMENSIONS = ("purchase_frequency", "spending", "category")


def some_rows() -> str:
    chance, rows = random.Random(5), ""
    for number in range(400):
        day = date(2023, 6, 1) + timedelta(days=chance.randrange(390))
        kind = chance.choice(["Womens", "Mens", "Kids"])
        rows += f"C{chance.randrange(60)},P{number},{day},{chance.randrange(100, 3_000_000) / 100},{kind}\n"
    return rows + "late,L1,2024-06-29,5,Kids\n"


def labels(tmp_path: Path) -> dict[str, Any]:
    return {row.customer_id: row for row in table(tmp_path, "customer_segments")}


SETTINGS: dict[str, dict[str, Any]] = {
    "amounts": {"high_aov_threshold": 16000, "low_lifetime_threshold": "90000.01", "high_lifetime_threshold": 120000},
    "frequency": {"loyal_min_purchases": 3, "lapsed_after_days": 20, "seasonal_threshold": 0.3},
    "order": {"frequency_order": ["Lapsed", "Loyal", "New", "Seasonal"], "frequency_fallback": "Usual"},
    "category": {"dominant_threshold": 0.4, "family_threshold": 0.2, "category_fallback": "Rest"},
    "window": {"loyal_window_months": 12},
    "festive": {"festive_periods": [{"name": "x", "from": "06-01", "to": "12-31"}], "seasonal_threshold": 0.5},
    "day": {"as_of": "2024-06-01"},
    "later day": {"as_of": "2024-12-24", "high_aov_threshold": 9000},
}


# What reads is the same; of what either engine wrote, two kinds of answers are enough.
BOTH = ("amounts", "window")


@pytest.mark.parametrize("case", [pytest.param(one, marks=[] if one in BOTH else EMBEDDED) for one in SETTINGS])
def test_it_is_what_a_run_would_do(publish: Publish, tmp_path: Path, case: str) -> None:
    rows, changed = some_rows(), SETTINGS[case]
    first = publish(rows, as_of="2024-06-30")
    before, config = labels(tmp_path), first.config.model_dump(by_alias=True, exclude_unset=True)
    told = CustomerSegmentationPipeline({**config, **changed}).preview()
    assert labels(tmp_path) == before
    publish(rows, **{"as_of": "2024-06-30", **changed})
    after = labels(tmp_path)
    everybody = {*before, *after}
    moved = [one for one in everybody if _three(before.get(one)) != _three(after.get(one))]
    assert (told["customers"], told["moved"]) == (len(everybody), len(moved))
    assert moved
    assert set(told["settings"]) == set(changed)
    for one in told["dimensions"]:
        _assert_flows(one, before, after)


def _three(row: Any) -> Any:
    return row and tuple(getattr(row, name) for name in DIMENSIONS)


def _assert_flows(one: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> None:
    name = one["dimension"]
    flows: Counter[Any] = Counter()
    spend: Counter[Any] = Counter()
    for customer in {*before, *after}:
        pair = tuple(getattr(rows.get(customer), name, None) for rows in (before, after))
        flows[pair] += pair[0] != pair[1]
        spend[pair] += (after.get(customer) or before[customer]).lifetime_spend
    found = {
        (flow["from_label"], flow["to_label"]): (flow["customers"], Decimal(flow["spend"])) for flow in one["flows"]
    }
    assert found == {pair: (count, spend[pair]) for pair, count in flows.items() if count}
    for row in one["labels"]:
        for when, rows in (("before", before), ("after", after)):
            theirs = [each for each in rows.values() if getattr(each, name) == row["label"]]
            assert row["customers"][when] == len(theirs)
            assert Decimal(row["spend"][when]) == sum(each.lifetime_spend for each in theirs)


@EMBEDDED
@pytest.mark.slow
@pytest.mark.parametrize("grain", ["order", "line"])
@pytest.mark.parametrize("returns", ["reject", "net"])
def test_it_is_what_a_run_would_do_of_lines_and_returns(
    publish: Publish, tmp_path: Path, grain: str, returns: str
) -> None:
    form: dict[str, Any] = {"grain": grain, "returns": returns, "as_of": "2024-06-30"}
    extra = "C1,P1,2024-06-01,-50,Kids\nC2,back,2024-05-01,-20,Mens\nonly,back2,2024-05-02,-20,Mens\n"
    first, before = publish(some_rows() + extra, **form), labels(tmp_path)
    config = first.config.model_dump(by_alias=True, exclude_unset=True)
    for changed in ({"high_aov_threshold": 14000}, {"loyal_window_months": 9}):
        told = CustomerSegmentationPipeline({**config, **changed}).preview()
        publish(some_rows() + extra, **{**form, **changed})
        for one in told["dimensions"]:
            _assert_flows(one, before, labels(tmp_path))
        publish(some_rows() + extra, **form)


@EMBEDDED
def test_what_only_a_run_shows_is_refused(publish: Publish, tmp_path: Path, capsys) -> None:
    publish(rows_of_worked(), mode="full", as_of="2024-06-30")
    place = ["--output-dir", str(tmp_path / "out")]

    def refused(*given: str) -> str:
        assert main(["preview", *given, *place]) == 2
        return str(capsys.readouterr().err)

    assert "in how purchases are read" in refused("--set", "timezone=UTC")
    assert "which runs keep with --mode incremental" in refused("--set", "loyal_window_months=12")
    assert "expected KEY=VALUE" in refused("--set", "loyal_window_months")
    assert "unknown key" in refused("--set", "nope=1")
    with pytest.raises(Exception, match="rules in code"):
        segmenters = [*(kind() for kind in DEFAULT_SEGMENTERS), Visits()]
        CustomerSegmentationPipeline({"output_dir": str(tmp_path / "out")}, segmenters).preview()
    assert main(["preview", "--set", "low_lifetime_threshold=9000", *place]) == 0
    said = capsys.readouterr().out
    assert "As of 2024-06-30, 0 of 7 customers" not in said
    assert "low_lifetime_threshold: 9000 instead of 10000" in said


@EMBEDDED
def test_the_command(publish: Publish, tmp_path: Path, capsys) -> None:
    publish(rows_of_worked(), as_of="2024-06-30")
    place = ["--output-dir", str(tmp_path / "out")]
    assert main(["preview", *place]) == 0
    assert capsys.readouterr().out == "These are the settings that were published: nothing would change.\n"
    assert main(["preview", "--set", "loyal_min_purchases=4", *place]) == 0
    assert "    Regular -> Loyal  " in capsys.readouterr().out
    (tmp_path / "other.yaml").write_text("loyal_min_purchases: 4\n")
    publish(rows_of_worked() + "A,later,2024-07-31,1,Kids\n", as_of="2024-06-30")
    assert main(["preview", "--set", "as_of=latest", *place]) == 0
    assert "as_of: 2024-07-31 instead of 2024-06-30" in capsys.readouterr().out
    assert main(["preview", "--config", str(tmp_path / "other.yaml"), "--json", *place]) == 0
    assert json.loads(capsys.readouterr().out)["settings"] == {"loyal_min_purchases": {"from": 5, "to": 4}}
