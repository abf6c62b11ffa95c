"""Several currencies through the whole job, from every source; whatever comes and goes, incremental is full."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from segmentation.cli import main
from segmentation.config import load_config
from segmentation.pipeline import CustomerSegmentationPipeline

from .conftest import EXPORT, LESS, Job, table
from .test_incremental import on_day

HEADER = "Customer_ID,Order_ID,Date,Total_Amount_LKR,Product_Category,Currency\n"
RATES = "date,currency,rate\n2024-01-05,USD,301.25\n2024-01-10,USD,302.5\n2024-01-05,INR,3.6151\n"
ROWS = """C1,P1,2024-01-05,100,Womens,LKR
C1,P2,2024-01-06,10.01,Mens,USD
C2,P3,2024-01-10,5,Kids,usd
C2,P4,2024-02-01,5,Kids,USD
C2,P5,2024-01-06,7,Kids,EUR
C2,P6,2024-01-06,7,Kids,
C3,P7,2024-01-06,1234.56,Kids,INR
C3,P7,2024-01-06,4463.06,Kids,LKR
C3,P7,2024-01-06,4463.05,Kids,LKR
"""
SPEND = {"C1": Decimal("3115.51"), "C2": Decimal("1512.50"), "C3": Decimal("4463.06")}


@pytest.fixture
def rates(tmp_path: Path) -> Path:
    path = tmp_path / "rates.csv"
    path.write_text(RATES)
    return path


def spend(folder: Path) -> dict[str, Decimal]:
    return {row.customer_id: row.lifetime_spend for row in table(folder, "customer_segments")}


def test_amounts_of_files(run_job: Job, write_csv: Callable[..., Path], rates: Path, tmp_path: Path) -> None:
    found = run_job(write_csv(ROWS, header=HEADER), max_rejected_ratio=1, currencies={"rates": str(rates)})
    assert spend(tmp_path) == SPEND
    assert found["metadata"]["rejected_by_reason"] == {
        "invalid_currency": 2,
        "missing_rate": 1,
        # 1,234.56 rupees of India are 4,463.06 of Sri Lanka: the same purchase twice.
        "duplicate_purchase": 1,
        "conflicting_purchase": 1,
    }
    rejected = {(row.purchase_id, row.amount, row.currency) for row in table(tmp_path, "rejected_purchases")}
    assert rejected == {
        ("P4", "5", "USD"),
        ("P5", "7", "EUR"),
        ("P6", "7", None),
        ("P7", "4463.05", "LKR"),
        next(one for one in rejected if one[:2] in (("P7", "1234.56"), ("P7", "4463.06"))),
    }


def test_rejected_rows_come_back_with_their_currency(
    run_job: Job, write_csv: Callable[..., Path], rates: Path, tmp_path: Path
) -> None:
    header = HEADER.replace("Currency", "Paid in")
    currencies = {"rates": str(rates), "column": "Paid in"}
    run_job(write_csv(ROWS, header=header), max_rejected_ratio=1, currencies=currencies)
    config = tmp_path / "config.yaml"
    config.write_text(f"currencies: {{rates: '{rates}', column: Paid in}}\n")
    target = tmp_path / "corrected.csv"
    options = ["--output-dir", str(tmp_path / "out"), "--config", str(config), "--to", str(target)]
    assert main(["rejected", *options, "--reason", "missing_rate"]) == 0
    with target.open(encoding="utf-8-sig", newline="") as lines:
        found = [(row["Order_ID"], row["Total_Amount_LKR"], row["Paid in"]) for row in csv.DictReader(lines)]
    assert found == [("P4", "5", "USD")]


def test_a_table_that_lacked_the_column_gets_it(
    run_job: Job, write_csv: Callable[..., Path], rates: Path, tmp_path: Path
) -> None:
    path = write_csv(ROWS, header=HEADER)
    run_job(path, max_rejected_ratio=1)
    run_job(path, max_rejected_ratio=1, currencies={"rates": str(rates)})
    found = {(row.purchase_id, row.currency) for row in table(tmp_path, "rejected_purchases")}
    assert {("P5", "EUR"), ("P7", None)} <= found


def test_amounts_of_lines_are_converted_one_by_one(
    run_job: Job, write_csv: Callable[..., Path], rates: Path, tmp_path: Path
) -> None:
    rows = "C1,P1,2024-01-05,0.01,Mens,INR\nC1,P1,2024-01-05,0.01,Mens,INR\nC1,P1,2024-01-10,1,Kids,USD\n"
    run_job(write_csv(rows, header=HEADER), grain="line", currencies={"rates": str(rates)})
    assert spend(tmp_path) == {"C1": Decimal("302.58")}


def test_returns_are_converted_by_their_own_day(
    run_job: Job, write_csv: Callable[..., Path], rates: Path, tmp_path: Path
) -> None:
    rows = "C1,P1,2024-01-05,10,Mens,USD\nC1,P1,2024-01-10,-0.0166,Mens,USD\n"
    run_job(write_csv(rows, header=HEADER), returns="net", currencies={"rates": str(rates)})
    row = table(tmp_path, "customer_segments")[0]
    assert (row.lifetime_spend, row.returned_amount, row.total_purchases) == (Decimal("3007.48"), Decimal("5.02"), 1)


@pytest.mark.parametrize("kind", ["text", "decimal"])
def test_amounts_of_tables(
    engine_name: str, spark_or_none: SparkSession | None, rates: Path, tmp_path: Path, kind: str
) -> None:
    names = HEADER.strip().replace("Currency", "Paid_In").split(",")
    records = [line.split(",") for line in ROWS.splitlines()]
    columns = {name: [record[at] for record in records] for at, name in enumerate(names)}
    amounts: Any = columns["Total_Amount_LKR"]
    if kind == "decimal":
        amounts = pa.array([Decimal(amount) for amount in amounts], pa.decimal128(18, 4))
    pq.write_table(pa.table({**columns, "Total_Amount_LKR": amounts}), tmp_path / "in.parquet")
    settings = {
        "output_dir": str(tmp_path / "out"),
        "max_rejected_ratio": 1,
        "engine": engine_name,
        "columns": {"currency": "Paid_In"},
        "currencies": {"rates": str(rates)},
    }
    CustomerSegmentationPipeline(settings).run("table", table=tmp_path / "in.parquet", spark=spark_or_none)
    assert spend(tmp_path) == SPEND


def test_what_documents_and_files_call_the_currency(rates: Path) -> None:
    currencies = {"rates": str(rates)}
    assert load_config({"currencies": currencies}).named_columns["currency"] == "currency"
    mapped = load_config({"currencies": currencies, "columns": {"currency": "payment.currency"}})
    assert mapped.named_columns["currency"] == "payment.currency"
    of_server = {"host": "h", "columns": {"currency": "payment.currency"}}
    assert load_config({"currencies": currencies, "mongodb": of_server}).mongodb.columns["currency"]


def test_an_extra_column_may_hold_the_currency_as_well(
    run_job: Job, write_csv: Callable[..., Path], rates: Path, tmp_path: Path
) -> None:
    run_job(
        write_csv(ROWS, header=HEADER),
        max_rejected_ratio=1,
        currencies={"rates": str(rates)},
        input={"extra_columns": {"paid_in": {"from": "Currency"}}},
        metrics=[{"name": "foreign_share", "sql": "avg(if(upper(paid_in) = 'LKR', 0.0, 1.0))"}],
    )
    found = {row.customer_id: float(row.foreign_share) for row in table(tmp_path, "customer_segments")}
    assert found["C1"] == 0.5
    assert found["C2"] == 1


START = date(2024, 6, 30)


def rows(dice: random.Random, count: int) -> Iterator[str]:
    for _ in range(count):
        day = START + timedelta(days=dice.choice([*range(-30, 8), -200, -92, -91, -90]))
        customer, purchase = f"C{dice.randrange(7)}", f"P{dice.randrange(40)}"
        amount = dice.choice(["100.505", "0", "33.3333", "-5.25", "250", "0.001"])
        kind = dice.choice(["Womens", "Mens", "Toys"])
        yield ",".join(
            [customer, purchase, str(day), amount, kind, dice.choice(["LKR", "LKR", "USD", "inr", "EUR", ""])]
        )


def daily_rates(dice: random.Random) -> str:
    """Some days have none; the last ones are in the future."""
    days = [START + timedelta(days=number) for number in range(-210, 6)]
    lines = [
        f"{day},{code},{worth + Decimal(dice.randrange(10**6)) / 10**6}"
        for code, worth in (("USD", 300), ("INR", 3))
        for day in days
        if dice.random() < 0.15
    ]
    return "date,currency,rate\n" + "\n".join(lines) + "\n"


def outcome(folder: Path) -> tuple[bytes, list[dict[str, Any]]]:
    customers = sorted((vars(row) for row in table(folder, "customer_segments")), key=lambda row: row["customer_id"])
    return (folder / EXPORT).read_bytes(), [
        {name: value for name, value in row.items() if name not in ("run_id", "updated_at")} for row in customers
    ]


@LESS
@pytest.mark.slow
@pytest.mark.parametrize("settings", [{}, {"returns": "net"}, {"grain": "line", "returns": "net"}], ids=str)
def test_incremental_is_full(
    settings: dict[str, Any], engine_name: str, spark_or_none: SparkSession | None, tmp_path: Path
) -> None:
    dice = random.Random(3)
    source, path = tmp_path / "in", tmp_path / "rates.csv"
    source.mkdir()
    settings = {"max_rejected_ratio": 1, "engine": engine_name, "currencies": {"rates": str(path)}, **settings}

    def job(folder: Path, mode: str, as_of: str, day: date) -> dict[str, Any]:
        config = {**settings, "output_dir": str(folder / "out"), "as_of": as_of}
        with on_day(day):
            pipeline = CustomerSegmentationPipeline(config)
            return pipeline.run("csv", [source], mode=mode, spark=spark_or_none, accept_shift=True)

    # New rows; days that come; other rates.
    days = [(START, "latest"), (START, "latest"), (START + timedelta(days=3), "today"), (START, "latest")]
    for number, (day, as_of) in enumerate(days):
        if number in (0, 3):
            path.write_text(daily_rates(dice))
        if number != 2:
            lines = rows(dice, 60 if number == 0 else 6)
            (source / f"{number}.csv").write_text(HEADER + "\n".join(lines) + "\n")
        read = job(tmp_path / "kept", "incremental", as_of, day)["metadata"]["rows_read"]
        # Lines that come may change what others mean, so then all are read.
        assert read == ([60, 66, 66, 72] if settings.get("grain") == "line" else [60, 6, 0, 72])[number]
        full = tmp_path / f"full{number}"
        job(full, "full", as_of, day)
        assert outcome(tmp_path / "kept") == outcome(full)


def test_what_is_published_is_what_python_says(
    engine_name: str, spark_or_none: SparkSession | None, tmp_path: Path
) -> None:
    dice = random.Random(5)
    worth = {f"2024-03-{day:02}": Decimal(dice.randrange(1, 10**8)) / 10**5 for day in range(1, 29)}
    path = tmp_path / "rates.csv"
    path.write_text("date,currency,rate\n" + "".join(f"{day},USD,{rate}\n" for day, rate in worth.items()))
    bought = [
        (f"C{dice.randrange(9)}", dice.choice(list(worth)), Decimal(dice.randrange(10**6)) / 10**3) for _ in range(300)
    ]
    lines = [f"{who},P{number},{day},{amount},Mens,USD\n" for number, (who, day, amount) in enumerate(bought)]
    (tmp_path / "in.csv").write_text(HEADER + "".join(lines))
    settings = {"output_dir": str(tmp_path / "out"), "engine": engine_name, "currencies": {"rates": str(path)}}
    CustomerSegmentationPipeline(settings).run("csv", tmp_path / "in.csv", spark=spark_or_none)
    expected: dict[str, Decimal] = {}
    for who, day, amount in bought:
        exact = (amount * worth[day]).quantize(Decimal("0.01"), ROUND_HALF_UP)
        expected[who] = expected.get(who, Decimal(0)) + exact
    assert spend(tmp_path) == expected
