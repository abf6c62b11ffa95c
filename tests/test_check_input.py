"""`segmentation check-input`: what it says holds for a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyspark
import pytest
import yaml
from pyspark.sql import SparkSession

from segmentation import run_segmentation
from segmentation.cli import main
from segmentation.commands.check_input import fragment_of
from segmentation.config import load_config
from segmentation.core.date_shapes import Proposal, Shape, proposed, together
from segmentation.encodings import decoder_of
from segmentation.errors import SourceError
from segmentation.run.inspection import Inspection, inspect
from segmentation.sources.guessing import guessed_encoding, guessed_layout
from segmentation.sources.layout import Form

from .conftest import HEADER, LESS

ROOT = Path(__file__).parents[1]
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


@LESS
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
    ("shape", "patterns"),
    [
        (Shape("9/9/Y", 9, "31/12/2024", one_is_day=4), ["d/M/yyyy"]),
        (Shape("9/9/Y", 9, "12/31/2024", other_is_day=4), ["M/d/yyyy"]),
        (Shape("9/9/Y", 9, "31/12/2024", 3, 3), ["d/M/yyyy", "M/d/yyyy"]),
        # A slip decides nothing.
        (Shape("9/9/Y", 99, "31/12/2024", 80, 1), ["d/M/yyyy"]),
        (Shape("9.9.9 9:9", 9, "31.12.24 10:30", one_is_day=4), ["d.M.yy H:mm"]),
        (Shape("9/9/Y 9:9:9 a", 9, "12/31/2024 1:30:05 PM", other_is_day=1), ["M/d/yyyy h:mm:ss a"]),
        (Shape("Y/9/9", 9, "2024/12/31"), ["yyyy/M/d"]),
        (Shape("Y/9/9", 9, "2024/31/12", one_is_day=2), ["yyyy/d/M"]),
        (Shape("9-a-Y", 9, "31-Dec-2024"), ["d-MMM-yyyy"]),
        (Shape("9 a Y", 9, "31 December 2024"), ["d MMMM yyyy"]),
        (Shape("a 9, Y", 9, "Dec 31, 2024"), ["MMM d, yyyy"]),
        (Shape("YY", 9, "20241231", year_first=9), ["yyyyMMdd"]),
        (Shape("YY", 9, "31122024", one_is_day=9), ["ddMMyyyy"]),
        (Shape("YY", 9, "12312024", other_is_day=9), ["MMddyyyy"]),
    ],
)
def test_dates_by_their_shape(shape: Shape, patterns: list[str]) -> None:
    found = proposed(shape)
    assert found is not None
    assert list(found.patterns) == patterns
    # What is proposed can be configured.
    assert load_config({"date_formats": patterns}).date_formats == found.patterns


@pytest.mark.parametrize(
    "shape",
    [
        Shape("a", 1, "x"),
        # The year may stand first.
        Shape("9/9/9", 9, "24/01/13", one_is_day=9, third=31),
        Shape("9-a-Y", 1, "13-abc-2024"),
        Shape("9/9/Y 9:9 a", 1, "13/01/2024 10:30 UTC", one_is_day=1),
        # Of the standard form, and no day.
        Shape("Y-9-9", 1, "2023-02-29"),
    ],
)
def test_what_cannot_be_told(shape: Shape) -> None:
    assert proposed(shape) is None


def test_days_that_cannot_be_told_from_months() -> None:
    found = proposed(Shape("9/9/Y", 1, "01/02/2024"))
    assert found == Proposal(("d/M/yyyy",), "no day above 12 tells, so it may be M/d/yyyy", "M/d/yyyy")
    told, too = together([Shape("9/9/Y", 9, "1/2/2024", 4, 0), Shape("9/9/Y 9:9", 9, "1/2/2024 10:30", 0, 0)])
    assert [one.patterns for one in (proposed(told), proposed(too)) if one and not one.doubt] == [
        ("d/M/yyyy",),
        ("d/M/yyyy H:mm",),
    ]


@pytest.mark.parametrize(
    ("rows", "config"),
    [
        # Amounts with three decimals, of which a comma would make thousands.
        ("".join(f"C,P{n},2024-01-05,{n}.500,Kids\n" for n in range(1, 40)) + 'C,P,2024-01-05,"12,50",Kids\n', {}),
        # The other order is configured: the days up to 12 are read as months then.
        ("".join(f"C,P{n},{n}/2/2024,5,Kids\n" for n in range(1, 29)), {"date_formats": ["M/d/yyyy"]}),
        # The total of the order in each line.
        ("".join(f"C,P{n // 3},2024-01-05,300,{('Kids', 'Mens', 'Womens')[n % 3]}\n" for n in range(30)), {}),
        # A pair of marks that is not among the usual ones.
        (
            'C,P1,2024-01-05,"1\'234,50",Kids\nC,P2,2024-01-05,x,Kids\n',
            {"decimal_separator": ",", "thousands_separator": "'"},
        ),
    ],
)
def test_no_setting_that_changes_what_is_read(check: Check, write_csv, rows: str, config: dict[str, Any]) -> None:
    assert check(write_csv(rows), **config).settings == {}


def test_a_damaged_row_is_no_other_encoding(check: Check, tmp_path: Path) -> None:
    path = tmp_path / "damaged.csv"
    good = "".join(f"Müller{number},P{number},2024-01-05,5.00,Kids\n" for number in range(30))
    path.write_bytes((HEADER + good).encode() + b"K\xfcnzel,P,2024-01-05,5.00,Kids\n")
    assert check(path).settings == {}


def test_one_date_that_is_none_among_many(check: Check, write_csv) -> None:
    dates = "".join(f"C,P{day},{day}/02/2024,5.00,Kids\n" for day in range(1, 29))
    seen = check(write_csv(dates + "C,P,99/99/2024,5.00,Kids\n"))
    assert seen.settings["date_formats"].value == ["d/M/yyyy"]
    assert seen.settings["date_formats"].why == "29 dates like '1/02/2024'"
    assert seen.then.found is not None
    assert seen.then.found.purchases_used == 28


def test_another_encoding_behind_other_malformed_rows(check: Check, tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    bad = "".join(f"M\xfcller{number},P{number},2024-01-05,5.00,Kids\n" for number in range(20))
    path.write_bytes((HEADER + "short\n" * 5 + bad).encode("latin-1"))
    seen = check(path)
    assert (seen.now.exit_code, seen.settings["encoding"].value) == (4, "windows-1252")


def test_more_words_than_rounds(check: Check, write_csv) -> None:
    rows = "".join(f"guest,P{number},2024-01-05,5.00,Women style {number}\n" for number in range(300))
    seen = check(write_csv(rows))
    assert seen.then.found is not None
    assert seen.then.found.warnings_by_reason == {}
    assert "guest" in seen.then.notes[0]


def test_columns_of_several_files_are_put_together(check: Check, write_csv) -> None:
    one = write_csv("C1,P1,2024-01-05,5.00,Kids\n", "a.csv", HEADER.replace("Customer_ID", "Customer no"))
    other = write_csv("C1,P2,2024-01-05,5.00,Kids\n", "b.csv", HEADER.replace("Order_ID", "Invoice no"))
    seen = check(one, other)
    assert seen.settings["columns"].value == {"customer_id": "Customer no", "purchase_id": "Invoice no"}
    assert (seen.now.exit_code, seen.then.exit_code) == (3, 0)


def test_a_place_is_that_of_one_file(check: Check, write_csv) -> None:
    one = write_csv("C1,P1,2024-01-05,5,Kids,5\n", "a.csv", HEADER.strip() + ",Total_Amount_LKR\n")
    other = write_csv("C1,P2,2024-01-05,5.00,Kids\n", "b.csv")
    seen = check(one, other)
    assert seen.settings == {}
    assert "ambiguous" in str(seen.now.error)


def test_what_a_header_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def columns(header: str) -> dict[str, Any]:
        settings = {one.name: one.value for one in guessed_layout(header, Form())}
        return dict(settings.get("columns", {}))

    monkeypatch.setenv("HIDDEN", "hunter2")
    assert columns("${HIDDEN} customer id,Invoice no,Date")["customer_id"] == 1
    assert "purchase_id" not in columns("Customer,Date,Amount,Transaction amount")
    assert "purchase_id" not in columns("Customer ID,Name,Date,Amount,Category")
    assert "customer_id" not in columns("Customer group,Invoice,Date,Discount amount")
    assert columns("x" * 200_000 + ",Invoice,Date,Amount") == {}
    told = {one.name for one in guessed_layout("sep=;\nKunde;Invoice;Date;Amount;Category\n", Form())}
    assert told == {"columns"}


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


def test_on_the_terminal_and_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], engine_name: str, check: Check
) -> None:
    del check  # for its Spark
    path = tmp_path / "shop [red].csv"
    path.write_text(HEADER + "C1,P1,5/1/2024,5.00,Kids\nC2,P2,25/1/2024,5.00,Kids\n")
    assert main(["check-input", str(path), "--engine", engine_name]) == 4
    shown = capsys.readouterr().out
    assert "shop [red].csv" in shown
    assert "# 2 dates like '25/1/2024'\ndate_formats:\n- d/M/yyyy\n" in shown
    assert main(["check-input", str(path), "--engine", engine_name, "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    assert told["config"] == {"date_formats": ["d/M/yyyy"]}
    assert told["now"]["found"]["rejected_by_reason"] == {"invalid_purchase_date": 2}
    assert told["then"]["found"]["purchases_used"] == 2
    config = tmp_path / "shop.yaml"
    config.write_text(json.dumps(told["config"]))
    assert main(["check-input", str(path), "--engine", engine_name, "--config", str(config)]) == 0
    assert "reads these files as well as any" in capsys.readouterr().out
    assert main(["check-input", str(tmp_path / "nowhere")]) == 3


def test_a_header_without_a_known_name(check: Check, tmp_path: Path) -> None:
    path = tmp_path / "de.csv"
    path.write_text(
        "Umsatzliste Filiale Süd;;;;\nJahr 2024;;;;\nWer;Beleg;Datum;Betrag;Gruppe\n"
        "1;A;2024-01-05;5;Kids\n2;B;2024-01-06;5;Kids\n"
    )
    seen = check(path)
    assert {name: one.value for name, one in seen.settings.items()} == {"delimiter": ";", "skip_lines": 2}
    assert "it has 'Wer', 'Beleg'" in str(seen.then.error)


def test_words_of_a_header() -> None:
    woo = "Order Number,Order Date,Customer Note,First Name (Billing),Email (Billing),Customer User ID,Item Total"
    columns = {one.name: one.value for one in guessed_layout(woo, Form())}["columns"]
    assert columns["customer_id"] == "Customer User ID"
    assert columns["amount"] == "Item Total"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            "C,P,2024-01-05,LKR 500,Kids\nC,Q,2024-01-05,LKR 70,Kids\n",
            "2 amounts like 'LKR 500', which no",
        ),
        ("C,P,1704412800,5,Kids\n", "1 date like '1704412800': a number of seconds or days"),
        ("C,P,2024-02-30,5,Kids\n", "1 date like '2024-02-30': there may be no such day"),
        ("C,P,2024-01-05,1.200,Kids\nC,Q,2024-01-05,3.500,Kids\n", "2 amounts have three digits behind the '.'."),
        ("C,P,2024-01-05,,Kids\n", "Where only the first line of an order shows its total"),
    ],
)
def test_what_no_setting_mends_is_said(check: Check, write_csv, rows: str, words: str) -> None:
    seen = check(write_csv("G,R,2024-01-05,5.00,Kids\n" + rows), max_rejected_ratio=1)
    assert seen.settings == {}
    assert any(words in note for note in seen.now.notes), seen.now.notes


def test_lines_with_the_total_of_their_order_are_said_to_be_so(check: Check, write_csv) -> None:
    rows = "".join(f"C,P{n // 3},2024-01-05,300,{('Kids', 'Mens', 'Womens')[n % 3]}\n" for n in range(30))
    assert "that of the whole order" in check(write_csv(rows)).now.notes[0]
    assert "that of the whole order" in check(write_csv(rows), grain="line").now.notes[0]
    own = "".join(f"C,P{n // 3},2024-01-05,{n},Kids\n" for n in range(30))
    assert check(write_csv(own), grain="line").now.notes == []


def test_thousands_that_may_be_decimals(check: Check, write_csv) -> None:
    rows = 'C,P,2024-01-05,"12,50",Kids\n' + "".join(f'C,P{n},2024-01-05,"2,20{n}",Kids\n' for n in range(9))
    settings = check(write_csv(rows)).settings
    assert settings["decimal_separator"].why.endswith("9 have three digits behind it, see that these are no thousands")


def test_patterns_that_need_spark_say_so(check: Check, write_csv) -> None:
    seen = check(write_csv("C,P,5/1/2024 3:15 PM,5,Kids\n"))
    assert "only Spark reads it" in seen.settings["date_formats"].why


@pytest.mark.skipif(pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4")
def test_nobody_reads_on(tmp_path: Path) -> None:
    path = tmp_path / "purchases.csv"
    path.write_text(HEADER + "C,P,2024-01-05,5,Kids\n")
    job = f"'{sys.executable}' -m segmentation.cli check-input --engine embedded --json '{path}'"
    command = f"{job} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


EVENTS = """
inputs:
  events: {path: events.csv, date: at, columns: {at: {from: When, type: date}, kind: {from: Kind, type: string}}}
metrics: [{name: sessions, from: events, sql: count(*)}]
"""


@pytest.mark.embedded_only(reason="inputs are read by both engines elsewhere")
@pytest.mark.parametrize(
    ("events", "code", "said"),
    {
        "all is well": (
            "Customer_ID,When,Kind\nC1,2024-01-04,a\nC1,2024-01-06,a\nC9,2024-01-03,b\nC2,2024-01-03,b\n",
            0,
            "events: rows read 4, rows used 2, rows after as of 1, rows of others 1, others 1, customers 2",
        ),
        "most cannot be used": (
            "Customer_ID,When,Kind\nC1,x,a\n,2024-01-06,a\nC2,2024-01-03,b\n",
            4,
            "inputs.events: 2 of 3 rows were rejected",
        ),
        "a column is missing": ("Customer_ID,When\nC1,2024-01-04\n", 3, "inputs.events: "),
        "no file": (None, 3, "there is nothing at 'given.csv'"),
    }.values(),
)
def test_second_inputs_are_looked_at_as_well(
    events: str | None, code: int, said: str, tmp_path: Path, engine_name: str, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.csv").write_text(HEADER + "C1,P1,2024-01-05,100,Womens\nC2,P2,2024-01-05,100,Mens\n")
    Path("own.yaml").write_text(EVENTS)
    if events:
        Path("given.csv").write_text(events)
    where = ["p.csv", "--config", "own.yaml", "--engine", engine_name, "--input", "events=given.csv"]
    assert main(["check-input", *where]) == code
    told = " ".join(capsys.readouterr().out.split())
    assert said in told
    job = [sys.executable, "-m", "segmentation.cli", "run", "--csv-path", *where, "--output-dir", "out"]
    assert (
        subprocess.run(job, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False).returncode
        == code
    )
