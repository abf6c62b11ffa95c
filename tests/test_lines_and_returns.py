"""One row a line of an order, and returns: against the oracle, and by tables of cases."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.config import load_config
from segmentation.errors import ConfigError, MissingColumnsError, NoDataError, QualityGateError, SegmentationError
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.run.segments import WithoutPurchases

from . import oracle
from .conftest import Job, table
from .test_pipeline import COUNTS, FESTIVE, as_csv, compare, str_day, today

LINES = "Line,Customer_ID,Order_ID,Date,Total_Amount_LKR,Product_Category\n"
NUMBERED = {"grain": "line", "columns": {"line_id": "Line"}}
# Few values each, so that they meet: ids, days on both sides of an as-of day, amounts that add up to nothing.
customers = st.sampled_from(["C1", "C1", "C2", "c2", " C1 ", ""])
orders = st.integers(0, 7).map(lambda n: f"P{n}" if n else " ")
days = st.sampled_from(["2024-03-31", "2024-03-31", "2024-03-31", "2024-04-01", "2023-12-05", "2024", "3000-01-01"])
amounts = st.one_of(
    st.sampled_from(["5", "5", "-5", "10", "-10"]),
    st.sampled_from(["0", "-0.004", "-0.01", "15000", "-15000", "", "x"]),
    st.sampled_from(["9999999999999999.99", "-9999999999999999.99", "1000000", "-1000000.01", "999999.99"]),
    st.decimals(-2_000, 20_000, places=2).map(str),
)
categories = st.sampled_from(["Womens", "Mens", "Kids", "kids", "Toys", ""])
numbers = st.sampled_from(["1", "2", "3", " 1", "", " "])
records = st.tuples(numbers, customers, orders, days, amounts, categories)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    rows=st.lists(records, min_size=10, max_size=60),
    as_of=st.sampled_from(["latest", "2024-03-31"]),
    grain=st.sampled_from([{"grain": "order"}, {"grain": "line"}, NUMBERED, NUMBERED]),
    returns=st.sampled_from(["net", "net", "reject"]),
)
def test_any_lines_and_returns_like_the_oracle(
    engine_name, spark_or_none, tmp_path_factory, rows, as_of, grain, returns
) -> None:
    tmp_path = tmp_path_factory.mktemp("property")
    source = tmp_path / "lines.csv"
    lines = [",".join(map(as_csv, row)) for row in rows] + ["1,C1", "1,C9,P99,2023-05-05,5,Kids"]
    source.write_text(LINES + "\n".join(lines) + "\n")
    config: dict[str, Any] = {
        "festive_periods": FESTIVE, "as_of": as_of, "max_rejected_ratio": 1, "returns": returns, **grain
    }  # fmt: skip
    raw = oracle.read_csv([source], config.get("columns"))
    expected = oracle.evaluate(raw, today=today(), config={**config, "as_of": str_day(as_of)})
    where = {"output_dir": str(tmp_path / "out"), "engine": engine_name}
    result = CustomerSegmentationPipeline({**config, **where}).run("csv", source, spark=spark_or_none)
    compare(tmp_path, result, expected)


def customers_of(tmp_path: Path) -> dict[str, tuple[Any, ...]]:
    return {
        row.customer_id: (row.total_purchases, row.lifetime_spend, row.returns, row.returned_amount)
        for row in table(tmp_path, "customer_segments")
    }


# --- lines ------------------------------------------------------------------------------------------------------------


def test_the_lines_of_an_order_are_one_purchase(run_job: Job, write_csv, tmp_path: Path) -> None:
    source = write_csv(
        "C1,P1,2024-01-06,100,Kids\nC1,P1,2024-01-05,60,Mens\nC1,P1,2024-01-05,60,Mens\nC1,P2,2024-02-01,5,Toys\n"
    )
    metadata = run_job(source, grain="line")["metadata"]
    assert [metadata[name] for name in (*COUNTS, "purchases")] == [4, 4, 0, 0, 2]
    assert metadata["warnings_by_reason"] == {"unknown_category": 1}
    (row,) = table(tmp_path, "customer_segments")
    assert (row.total_purchases, row.lifetime_spend, str(row.first_purchase)) == (2, Decimal("225.00"), "2024-01-05")
    assert (row.mens_purchases, row.kids_purchases, row.other_purchases) == (1, 0, 1)


@pytest.mark.parametrize(
    ("lines", "category"),
    [
        ([("5", "Kids"), ("5", "Mens")], "mens"),
        ([("5", "Toys"), ("5", "Kids")], "kids"),
        ([("5", "Mens"), ("5", "Womens")], "womens"),
        ([("3", "Kids"), ("3", "Kids"), ("5", "Womens")], "kids"),
        ([("0", "Toys")], "other"),
        ([("9", "Kids"), ("-4", "Kids"), ("6", "Mens")], "mens"),
        ([("5", "Kids"), ("-5", "Womens")], "kids"),
    ],
)
def test_the_largest_sum_names_the_category(run_job: Job, write_csv, tmp_path: Path, lines, category) -> None:
    rows = "".join(f"C1,P1,2024-01-05,{amount},{name}\n" for amount, name in lines)
    run_job(write_csv(rows), grain="line", returns="net")
    (row,) = table(tmp_path, "customer_segments")
    found = [name for name in ("womens", "mens", "kids", "other") if getattr(row, f"{name}_purchases")]
    assert found == [category]


def test_lines_with_one_number_are_settled_and_others_are_kept(run_job: Job, write_csv, tmp_path: Path) -> None:
    source = write_csv(
        "1,C1,P1,2024-01-05,10,Kids\n"
        " 1,C1,P1,2024-01-05,10,Kids\n"
        "1,C1,P1,2024-01-05,7,Kids\n"
        "2,C1,P1,2024-01-05,10,Kids\n"
        ",C1,P1,2024-01-05,10,Kids\n"
        ",C1,P1,2024-01-05,10,Kids\n"
        "1,C1,P2,2024-01-05,10,Kids\n",
        header=LINES,
    )
    metadata = run_job(source, **NUMBERED)["metadata"]
    assert metadata["rejected_by_reason"] == {"duplicate_purchase": 1, "conflicting_purchase": 1}
    assert customers_of(tmp_path) == {"C1": (2, Decimal("50.00"), 0, Decimal("0.00"))}
    rejected = {row.reasons[0]: row.line_id for row in table(tmp_path, "rejected_purchases")}
    assert rejected["conflicting_purchase"] == "1"
    assert rejected["duplicate_purchase"].strip() == "1"


def test_the_first_line_says_whose_the_purchase_is(run_job: Job, write_csv, tmp_path: Path) -> None:
    source = write_csv(
        "C1,P1,2024-01-05,100,Kids\nC2,P1,2024-01-06,1,Kids\nC2,P1,2024-01-04,1,Mens\nC3,P2,2024-01-01,9,Kids\n"
    )
    metadata = run_job(source, grain="line")["metadata"]
    assert metadata["rejected_by_reason"] == {"conflicting_purchase": 1}
    assert {name: found[:2] for name, found in customers_of(tmp_path).items()} == {
        "C2": (1, Decimal("2.00")),
        "C3": (1, Decimal("9.00")),
    }


@pytest.mark.parametrize(
    ("one", "other", "whose"),
    [
        (("Z", "2024-01-06", "1"), ("C", "2024-01-05", "9"), "Z"),
        (("Z", "2024-01-05", "9"), ("C", "2024-01-05", "1"), "Z"),
        (("Z", "2024-01-05", "9"), ("C", "2024-01-05", "9"), "C"),
        (("Z", "2024-01-05", "9"), ("c", "2024-01-05", "9"), "Z"),
    ],
)
def test_of_two_lines_the_latest_the_highest_the_smallest_customer(
    run_job: Job, write_csv, tmp_path: Path, one, other, whose
) -> None:
    run_job(write_csv("".join(f"{who},P1,{day},{amount},Kids\n" for who, day, amount in (one, other))), grain="line")
    assert list(customers_of(tmp_path)) == [whose]


def test_the_day_of_the_purchase_decides_for_all_its_lines(run_job: Job, write_csv, tmp_path: Path) -> None:
    source = write_csv(
        "C1,P1,2024-01-10,1,Kids\nC1,P1,2024-01-12,1,Kids\nC1,P2,2024-01-11,1,Kids\nC1,P2,2024-02-12,1,Kids\n"
    )
    metadata = run_job(source, grain="line", as_of="2024-01-10")["metadata"]
    assert [metadata[name] for name in (*COUNTS, "purchases")] == [4, 2, 0, 2, 1]
    assert run_job(source, grain="line")["metadata"]["as_of"] == "2024-01-11"


def test_sums_beyond_eighteen_digits(run_job: Job, write_csv, tmp_path: Path) -> None:
    large = "9999999999999999.99"
    sign = {"1": "", "2": "-"}
    rows = "".join(f"C1,P{of},2024-01-05,{sign[of]}{large},Kids\n" for of in ("1", "1", "1", "2", "2"))
    run_job(write_csv(rows), grain="line", returns="net")
    assert customers_of(tmp_path) == {"C1": (1, Decimal(large), 1, 2 * Decimal(large))}


def test_a_line_number_that_is_not_there_is_missed_and_one_without_lines_refused(run_job: Job, write_csv) -> None:
    with pytest.raises(MissingColumnsError, match=r"lacks Line; it has 'Customer_ID'"):
        run_job(write_csv("C1,P1,2024-01-05,1,Kids\n"), **NUMBERED)
    with pytest.raises(ConfigError, match="expected grain: line"):
        load_config({"columns": {"line_id": "Line"}})


# --- returns ----------------------------------------------------------------------------------------------------------


def test_a_return_lowers_the_spend_and_nothing_else(run_job: Job, write_csv, tmp_path: Path) -> None:
    source = write_csv(
        "C1,P1,2024-01-05,100,Womens\nC1,P1,2024-01-09,-30.50,Kids\nC1,P1,2024-01-08,-30.50,Kids\n"
        "C2,P2,2024-01-05,10,Kids\nC2,P3,2024-01-06,-10.01,Kids\nC3,P4,2024-03-01,-5,Kids\nC2,P5,2024-01-06,0,Kids\n"
    )
    metadata = run_job(source, returns="net")["metadata"]
    assert [metadata[name] for name in (*COUNTS, "purchases", "returns_used")] == [7, 6, 1, 0, 3, 3]
    assert (metadata["customers_without_purchases"], metadata["as_of"]) == (1, "2024-03-01")
    assert metadata["rejected_by_reason"] == {"conflicting_purchase": 1}
    assert customers_of(tmp_path) == {
        "C1": (1, Decimal("69.50"), 1, Decimal("30.50")),
        "C2": (2, Decimal("-0.01"), 1, Decimal("10.01")),
    }
    rows = {row.customer_id: row for row in table(tmp_path, "customer_segments")}
    assert str(rows["C1"].last_purchase) == "2024-01-05"
    assert (rows["C1"].womens_share, rows["C2"].average_order_value) == (1.0, Decimal("-0.01"))
    (recorded,) = table(tmp_path, "runs")
    assert (recorded.purchases, recorded.returns_used, recorded.customers_without_purchases) == (3, 3, 1)


def test_an_order_below_zero_is_a_return_one_of_zero_a_purchase(run_job: Job, write_csv, tmp_path: Path) -> None:
    rows = "C1,P1,2024-01-05,10,Kids\nC1,P1,2024-01-05,-10,Mens\nC1,P2,2024-01-05,-10,Kids\nC1,P2,2024-01-05,9,Kids\n"
    metadata = run_job(write_csv(rows), grain="line", returns="net")["metadata"]
    assert (metadata["purchases"], metadata["returns_used"]) == (1, 2)
    assert customers_of(tmp_path) == {"C1": (1, Decimal("-1.00"), 1, Decimal("1.00"))}


def test_returns_alone_are_no_data(run_job: Job, write_csv) -> None:
    with pytest.raises(NoDataError, match="2 of returns without any purchase"):
        run_job(write_csv("C1,P1,2024-01-05,-1,Kids\nC1,P2,2024-01-05,-1,Kids\n"), returns="net")


def test_a_return_that_gets_lost_stops_the_run(run_job: Job, write_csv, monkeypatch) -> None:
    source = write_csv("C1,P1,2024-01-05,1,Kids\nC2,P2,2024-01-05,-1,Kids\n")
    monkeypatch.setattr(WithoutPurchases, "among", lambda _sums: WithoutPurchases())
    with pytest.raises(SegmentationError, match="1 purchases and 0 returns, 1 and 1 were expected"):
        run_job(source, returns="net")


def test_a_table_of_before_takes_spends_below_zero(run_job: Job, write_csv, tmp_path: Path) -> None:
    run_job(write_csv("C1,P1,2024-01-05,1,Kids\n"))
    where = tmp_path / "out/delta/customer_segments"
    before = DeltaTable(where)
    before.alter.add_constraint({"spend_not_negative": "abs(lifetime_spend) = lifetime_spend"})
    before.alter.drop_constraint("has_purchases")
    run_job(write_csv("C1,P1,2024-01-05,1,Kids\nC1,P2,2024-01-05,-2,Kids\n"), returns="net")
    assert customers_of(tmp_path) == {"C1": (1, Decimal("-1.00"), 1, Decimal("2.00"))}
    configuration = DeltaTable(where).metadata().configuration
    assert "delta.constraints.spend_not_negative" not in configuration
    assert "delta.constraints.has_purchases" in configuration


# --- the gate ---------------------------------------------------------------------------------------------------------


def test_the_gate_names_the_grain_where_rows_look_like_lines(run_job: Job, write_csv) -> None:
    lines = write_csv("C1,P1,2024-01-05,1,Kids\nC1,P1,2024-01-05,2,Kids\nC1,P1,2024-01-05,3,Mens\n")
    with pytest.raises(QualityGateError, match=r"2 of the conflicting rows .* set grain: line"):
        run_job(lines, max_rejected_ratio=0.1)


def test_the_gate_does_not_name_what_is_set(run_job: Job, write_csv) -> None:
    lines = write_csv("1,C1,P1,2024-01-05,1,Kids\n1,C1,P1,2024-01-05,2,Kids\n", header=LINES)
    with pytest.raises(QualityGateError) as refused:
        run_job(lines, max_rejected_ratio=0.1, **NUMBERED)
    assert "grain" not in str(refused.value)


@pytest.mark.parametrize(
    "rows",
    [
        "C1,P1,2024-01-05,1,Kids\nC2,P1,2024-01-05,2,Kids\n",
        "C1,P1,2024-01-05,1,Kids\nC1,P1,2024-01-06,2,Kids\n",
        "C1,P1,2024-01-05,1,Kids\nC1,P1,2024-01-05,1,Kids\n",
        "C1,P1,2024-01-05,1,Kids\nC1,P1,2024-01-05,2,Kids\nC1,P2,x,1,Kids\n",
    ],
)
def test_the_gate_does_not_name_it_for_other_rows(run_job: Job, write_csv, rows) -> None:
    with pytest.raises(QualityGateError) as refused:
        run_job(write_csv(rows), max_rejected_ratio=0.1)
    assert "grain" not in str(refused.value)


# --- the document -----------------------------------------------------------------------------------------------------

EXAMPLES = {
    "shop-orders": {"nimali@example.com": (2, "24300.00", 0, "0.00"), "ruwan@example.com": (1, "2400.00", 0, "0.00")},
    "shop-items": {"nimali@example.com": (1, "12500.00", 0, "0.00"), "ruwan@example.com": (1, "0.00", 1, "2400.00")},
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_the_document(name: str, run_job: Job, write_csv, tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "docs/line-items-and-returns.md").read_text()
    files = dict(re.findall(r"cat > (\S+) <<'END'\n(.*?)END\n", text, re.DOTALL))
    run_job(write_csv(files[f"{name}.csv"], header=""), **yaml.safe_load(files[f"{name}.yaml"]))
    found = {
        customer: (total, str(spend), returns, str(returned))
        for customer, (total, spend, returns, returned) in customers_of(tmp_path).items()
    }
    assert found == EXAMPLES[name]
