"""`segmentation check-input`: what it says holds for a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from segmentation import run_segmentation
from segmentation.cli import main
from segmentation.commands.check_input import fragment_of
from segmentation.config import load_config
from segmentation.core.date_shapes import Proposal, Shape, proposed
from segmentation.encodings import decoder_of
from segmentation.errors import SourceError
from segmentation.run.inspection import Inspection, inspect
from segmentation.sources.guessing import guessed_encoding, guessed_layout
from segmentation.sources.layout import Form

from .conftest import HEADER

Check = Callable[..., Inspection]
SHOP = (
    "Verkaufsbericht 2024\nFiliale;Nord\n\nKunden-Nr;Order number;Order date;Total price;Department;Stadt\n"
    "K1;B1;13.01.2024;1.234,50;Women's shoes;München\nK1;B1;13.01.2024;34,50;Men;Köln\nK2;B2;14.01.2024;-12,00;Men;x\n"
    "undefined;B3;14.01.2024;12,00;Men;x\nguest;B4;14.01.2024;12,00;Hats;x\nGößler;B5;14.01.2024 10:30;1,50;Kids;y\n"
)


@pytest.fixture
def check(request: pytest.FixtureRequest, engine_name: str) -> Check:
    """Look at files with an engine."""

    def look(*paths: Path, **config: Any) -> Inspection:
        if engine_name == "spark":
            request.getfixturevalue("spark")
        return inspect([str(path) for path in paths], load_config({"engine": engine_name, **config}))

    return look


def test_a_fragment_reads_an_export_of_another_form(
    check: Check, tmp_path: Path, spark_or_none: SparkSession | None, engine_name: str
) -> None:
    path = tmp_path / "shop.csv"
    path.write_bytes(SHOP.encode("windows-1252"))
    seen = check(path)
    assert seen.now.exit_code == 3
    assert "Verkaufsbericht" in str(seen.now.error)
    config = yaml.safe_load(fragment_of(seen))
    assert config == {
        "encoding": "windows-1252",
        "delimiter": ";",
        "skip_lines": 3,
        "columns": {
            "customer_id": "Kunden-Nr",
            "purchase_id": "Order number",
            "purchase_date": "Order date",
            "amount": "Total price",
            "category": "Department",
        },
        "date_formats": ["d.M.yyyy", "d.M.yyyy H:mm"],
        "decimal_separator": ",",
        "thousands_separator": ".",
        "null_values": [*load_config().null_values, "undefined"],
        "returns": "net",
        "grain": "line",
        "category_aliases": {**load_config().category_aliases, "womens shoes": "Womens"},
    }
    assert seen.then.found is not None
    assert (seen.then.found.rows_read, seen.then.found.rows_rejected) == (6, 1)
    assert seen.then.examples["missing_customer_id"][0]["customer_id"] == "undefined"
    assert any("guest" in note for note in seen.then.notes)
    assert any("'Hats' 1" in note for note in seen.then.notes)
    settings = {**config, "output_dir": str(tmp_path / "out"), "max_rejected_ratio": 1, "engine": engine_name}
    result = run_segmentation(csv_path=path, config=settings, spark=spark_or_none)
    assert result["metadata"]["purchases"] == seen.then.found.purchases == 3
    assert result["metadata"]["rows_rejected"] == 1
    assert json.loads((tmp_path / "out/customer_segmentation.json").read_text())[0]["customer_id"] == "Gößler"


def test_nothing_to_say(check: Check, write_csv, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    seen = check(write_csv("C1,P1,2024-01-05,5.00,Kids\n"))
    assert (seen.settings, seen.now.error, seen.now.exit_code, seen.now.notes) == ({}, None, 0, [])
    assert [file.columns["amount"] for file in seen.now.files] == ["Total_Amount_LKR"]
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "purchases.csv"])


def test_at_most_three_examples_of_each_reason(check: Check, write_csv) -> None:
    rows = "".join(f",P{number},2024-01-05,5,Kids\n" for number in range(9)) + "C,P,2024-01-05,x,Kids\nbroken\n"
    seen = check(write_csv(rows), max_rejected_ratio=1)
    assert {reason: len(rows) for reason, rows in seen.now.examples.items()} == {
        "malformed_row": 1,
        "missing_customer_id": 3,
        "invalid_amount": 1,
    }
    assert seen.now.examples["malformed_row"][0]["raw_record"] == "broken"
    assert seen.now.examples["invalid_amount"][0]["amount"] == "x"


def test_bytes_far_behind_the_header(check: Check, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    good = "".join(f"C{number},P{number},2024-01-05,5.00,Kids\n" for number in range(60_000))
    path.write_bytes((HEADER + good).encode() + b"M\xfcller,P,2024-01-05,5.00,Kids\n")
    assert path.stat().st_size > 1 << 20
    seen = check(path)
    assert seen.settings["encoding"].value == "windows-1252"
    assert seen.then.found is not None
    assert seen.then.found.rows_rejected == 0


def test_a_few_corrections_are_no_line_items(check: Check, write_csv) -> None:
    rows = "".join(f"C{number},P{number},2024-01-05,5.00,Kids\n" for number in range(100))
    assert check(write_csv(rows + "C1,P1,2024-01-05,6.00,Kids\n")).settings == {}


@pytest.mark.parametrize("name", ["nowhere.csv", "empty.csv"])
def test_no_file(check: Check, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(SourceError, match="No data found"):
        check(tmp_path / name)


def test_files_of_several_forms(check: Check, write_csv) -> None:
    one = write_csv("C1,P1,2024-01-05,5.00,Kids\n", "a.csv")
    other = write_csv("C1;P2;2024-01-05;5.00;Kids\n", "b.csv", HEADER.replace(",", ";"))
    seen = check(one, other)
    assert seen.now.exit_code == 3
    assert "look at each alone" in seen.then.notes[0]


def test_a_price_of_a_piece_is_said_to_be_one(check: Check, tmp_path: Path) -> None:
    path = tmp_path / "pieces.csv"
    path.write_text("Customer,Order,Date,Price,Qty,Category\nC1,P1,2024-01-05,5.00,2,Kids\n")
    seen = check(path)
    assert seen.settings["columns"].value["amount"] == "Price"
    assert "nothing is multiplied" in seen.then.notes[0]


def test_nothing_like_a_header(check: Check, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b,c\n1,2,3\n")
    seen = check(path)
    assert (seen.now.exit_code, seen.settings) == (3, {})
    assert "lacks Customer_ID" in str(seen.now.error)


@pytest.mark.parametrize(
    ("form", "first", "second", "example", "patterns"),
    [
        ("9/9/Y", 31, 12, "31/12/2024", ["d/M/yyyy"]),
        ("9/9/Y", 12, 31, "12/31/2024", ["M/d/yyyy"]),
        ("9/9/Y", 31, 31, "31/12/2024", ["d/M/yyyy", "M/d/yyyy"]),
        ("9.9.9 9:9", 31, 12, "31.12.24 10:30", ["d.M.yy H:mm"]),
        ("9/9/Y 9:9:9 a", 12, 31, "12/31/2024 1:30:05 PM", ["M/d/yyyy h:mm:ss a"]),
        ("Y/9/9", 2024, 12, "2024/12/31", ["yyyy/M/d"]),
        ("9-a-Y", 31, 2024, "31-Dec-2024", ["d-MMM-yyyy"]),
        ("9 a Y", 31, 2024, "31 December 2024", ["d MMMM yyyy"]),
        ("a 9, Y", 31, 2024, "Dec 31, 2024", ["MMM d, yyyy"]),
        ("YY", 20241231, 0, "20241231", ["yyyyMMdd"]),
        ("YY", 31122024, 0, "31122024", ["ddMMyyyy"]),
    ],
)
def test_dates_by_their_shape(form: str, first: int, second: int, example: str, patterns: list[str]) -> None:
    found = proposed(Shape(form, 1, example, first, second))
    assert found is not None
    assert list(found.patterns) == patterns
    # What is proposed can be configured.
    assert load_config({"date_formats": patterns}).date_formats == found.patterns


def test_days_that_cannot_be_told_from_months() -> None:
    found = proposed(Shape("9/9/Y", 1, "01/02/2024", 12, 12))
    assert found == Proposal(("d/M/yyyy",), "no day above 12 tells, so it may be M/d/yyyy")
    assert proposed(Shape("9/9/Y", 1, "99/99/2024", 99, 99)) is None
    assert proposed(Shape("a", 1, "x", 0, 0)) is None


@pytest.mark.parametrize(
    ("data", "told", "encoding"),
    [
        ("é".encode(), "utf-8", None),
        ("ée".encode("cp1252"), "utf-8", "windows-1252"),
        ("é".encode(), "ascii", "utf-8"),
        ("Customer".encode("utf-16-le"), "utf-8", "utf-16-le"),
        ("Customer".encode("utf-16-be"), "utf-8", "utf-16-be"),
        ("Customer".encode("utf-16"), "utf-8", None),
        # The file goes on.
        ("é".encode()[:1], "utf-8", None),
    ],
)
def test_encodings(data: bytes, told: str, encoding: str | None) -> None:
    found = guessed_encoding(data, told)
    assert (found and found.value) == encoding
    if encoding:
        assert decoder_of(encoding).decode(data)


def test_names_of_columns() -> None:
    shop = "Name,Email,Paid at,Total,Lineitem category"
    assert {one.name: one.value for one in guessed_layout(shop, Form())} == {
        "columns": {
            "customer_id": "Email",
            "purchase_id": "Name",
            "purchase_date": "Paid at",
            "amount": "Total",
            "category": "Lineitem category",
        }
    }
    twice = "Customer_ID\tOrder_ID\tDate\tTotal_Amount_LKR\tProduct_Category\tDate"
    assert {one.name: one.value for one in guessed_layout(twice, Form())} == {
        "delimiter": "\t",
        "columns": {"purchase_date": 3},
    }
    mapped = Form(columns={"customer_id": "Name"})
    columns = {one.name: one.value for one in guessed_layout(shop, mapped)}["columns"]
    assert columns["customer_id"] == "Name"
    assert "purchase_id" not in columns


def test_on_the_terminal_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shop [red].csv"
    path.write_text(HEADER + "C1,P1,5/1/2024,5.00,Kids\nC2,P2,25/1/2024,5.00,Kids\n")
    assert main(["check-input", str(path), "--engine", "embedded"]) == 4
    shown = capsys.readouterr().out
    assert "shop [red].csv" in shown
    assert "# 2 dates like '25/1/2024'\ndate_formats:\n- d/M/yyyy\n" in shown
    assert main(["check-input", str(path), "--engine", "embedded", "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    assert told["config"] == {"date_formats": ["d/M/yyyy"]}
    assert told["now"]["found"]["rejected_by_reason"] == {"invalid_purchase_date": 2}
    assert told["then"]["found"]["purchases_used"] == 2
    config = tmp_path / "shop.yaml"
    config.write_text(json.dumps(told["config"]))
    assert main(["check-input", str(path), "--engine", "embedded", "--config", str(config)]) == 0
    assert "reads these files as well as any" in capsys.readouterr().out
    assert main(["check-input", str(tmp_path / "nowhere")]) == 3
