"""Typed tables as source: the same purchases give the same bytes as from CSV, on either engine."""

from __future__ import annotations

import csv
import io
import json
import shutil
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pyspark
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession

from segmentation import run_segmentation
from segmentation.cli import main
from segmentation.config import load_config
from segmentation.config.table import Table, TableConfig, table_of
from segmentation.core.typed import double_text, number_text
from segmentation.core.types import struct
from segmentation.engines import choose as choose_module
from segmentation.engines.base import Engine
from segmentation.engines.choose import Task, choose
from segmentation.errors import ConfigError, MissingColumnsError, NoDataError, SegmentationError, SourceError
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.sources.tables import read_table

from .conftest import EXPORT, GOOD, HEADER, Job, rows_of, table
from .dirty import records

NAMES = HEADER.strip().split(",")
CATEGORY_FOLDERS = ds.partitioning(pa.schema([("Product_Category", pa.string())]), flavor="hive")
INSTANT = datetime(2024, 1, 5, 20, 0, tzinfo=UTC)
ReadBack = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def run_table(engine_name: str, spark_or_none: SparkSession | None, tmp_path: Path) -> Job:
    """Run the whole job on a table, into `tmp_path/out`."""

    def run(place: Path | str, **config: Any) -> dict[str, Any]:
        settings = {"output_dir": str(tmp_path / "out"), "max_rejected_ratio": 1, "engine": engine_name, **config}
        return CustomerSegmentationPipeline(settings).run("table", table=place, spark=spark_or_none)

    return run


@pytest.fixture
def read_back(engine: Engine, tmp_path: Path) -> ReadBack:
    """The five texts of every row of a table."""

    def read(place: Path | str, **columns: str) -> list[tuple[Any, ...]]:
        raw = read_table(engine, Table(str(place), is_name=False), columns, {"amount": "."}, str(tmp_path / "table"))
        return sorted((row[2:] for row in rows_of(raw.frame)), key=repr)

    return read


both_engines = pytest.mark.skipif(
    pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4"
)


def purchases(**changes: Any) -> pa.Table:
    """One purchase, some of its columns another array."""
    plain = dict(zip(NAMES, (["C1"], ["P1"], [date(2024, 1, 5)], [5.0], ["Kids"]), strict=True))
    return pa.table({**plain, **changes})


def stored(found: pa.Table, path: Path, how: str) -> Path:
    if how == "delta":
        write_deltalake(path, found)
    else:
        path.mkdir()
        pq.write_table(found, path / "part-0.parquet")
    return path


# --- types ------------------------------------------------------------------------------------------------------------

TYPES: dict[str, tuple[str, pa.Array, str | None]] = {
    "whole double": ("Total_Amount_LKR", pa.array([1e7]), "10000000.00"),
    "double": ("Total_Amount_LKR", pa.array([1234.565]), "1234.565"),
    "negative zero": ("Total_Amount_LKR", pa.array([-0.0]), "0.00"),
    "double of half a cent": ("Total_Amount_LKR", pa.array([1.005]), "1.005"),
    "double next to a cent": ("Total_Amount_LKR", pa.array([0.30000000000000004]), "0.30000000000000004"),
    "largest double of cents": ("Total_Amount_LKR", pa.array([-9999999999999.99]), "-9999999999999.99"),
    "small double": ("Total_Amount_LKR", pa.array([1.5e-7]), "0.00000015"),
    "double too large": ("Total_Amount_LKR", pa.array([-1.25e20]), "-125000000000000000000"),
    "largest amount": ("Total_Amount_LKR", pa.array([9999999999999998.0]), "9999999999999998"),
    "not a number": ("Total_Amount_LKR", pa.array([float("nan")]), "NaN"),
    "infinite": ("Total_Amount_LKR", pa.array([float("-inf")]), "-Infinity"),
    "float": ("Total_Amount_LKR", pa.array([0.1], pa.float32()), "0.1"),
    "decimal": ("Total_Amount_LKR", pa.array([Decimal("5.00")]), "5.00"),
    "zero of a large scale": ("Total_Amount_LKR", pa.array([Decimal(0)], pa.decimal128(38, 20)), "0." + "0" * 20),
    "integer": ("Total_Amount_LKR", pa.array([7], pa.int32()), "7"),
    "text with an exponent": ("Total_Amount_LKR", pa.array(["1e5"]), "1e5"),
    "no amount": ("Total_Amount_LKR", pa.array([None], pa.float64()), None),
    "integer id": ("Customer_ID", pa.array([2**40]), "1099511627776"),
    "double id": ("Customer_ID", pa.array([7.0]), "7"),
    "decimal id": ("Order_ID", pa.array([Decimal("7.00")]), "7"),
    "id with zeros": ("Order_ID", pa.array(["007"]), "007"),
    "instant": ("Date", pa.array([INSTANT]), "2024-01-05T20:00:00Z"),
    "local time": ("Date", pa.array([datetime(2024, 1, 5, 20, 0, 0, 500_000)]), "2024-01-05 20:00:00.5"),
    "local midnight": ("Date", pa.array([datetime(2024, 1, 5)]), "2024-01-05"),
    "day": ("Date", pa.array([date(2024, 1, 5)]), "2024-01-05"),
    "text of a day": ("Date", pa.array([" 05/01/2024"]), " 05/01/2024"),
    "dictionary": ("Product_Category", pa.array(["Men's"]).dictionary_encode(), "Men's"),
    "large string": ("Product_Category", pa.array(["Mens"], pa.large_string()), "Mens"),
}
ONLY_PARQUET: dict[str, tuple[str, pa.Array, str | None]] = {
    "unsigned": ("Order_ID", pa.array([2**63], pa.uint64()), "9223372036854775808"),
    "nanoseconds": ("Date", pa.array([1704484800_123456789], pa.timestamp("ns")), "2024-01-05 20:00:00.123456"),
    "instant in nanoseconds": ("Date", pa.array([1704484800_000000001], pa.timestamp("ns", "Asia/Colombo")), None),
    "milliseconds": ("Date", pa.array([1704484800_000], pa.timestamp("ms", "UTC")), "2024-01-05T20:00:00Z"),
}
ONLY_PARQUET["instant in nanoseconds"] = (*ONLY_PARQUET["instant in nanoseconds"][:2], "2024-01-05T20:00:00Z")


@pytest.mark.parametrize("how", ["delta", "parquet"])
def test_a_value_stands_for_its_text(how: str, read_back: ReadBack, tmp_path: Path) -> None:
    cases = TYPES if how == "delta" else {**TYPES, **ONLY_PARQUET}
    found = {}
    for number, (name, (column, values, _)) in enumerate(cases.items()):
        (row,) = read_back(stored(purchases(**{column: values}), tmp_path / f"{how}{number}", how))
        found[name] = row[NAMES.index(column)]
    assert found == {name: text for name, (_, _, text) in cases.items()}


NUMBERS = {
    "1.0E7": "10000000",
    "1e7": "10000000",
    "1.0E-3": "0.001",
    "1.2345E2": "123.45",
    "-1.5e-3": "-0.0015",
    "1E+2": "100",
    "0E+3": "0000",
    "5.0": "5",
    "5.10": "5.10",
    "NaN": "NaN",
    "1.0E900": "1.0E900",
}


def test_numbers_are_written_out(engine: Engine) -> None:
    from pyspark.sql import functions as F

    rows = engine.rows([{"text": text} for text in NUMBERS], struct(text="string"))
    assert dict(rows_of(rows.select("text", number_text(F.col("text"))))) == NUMBERS


@pytest.mark.parametrize("value", [1.7976931348623157e308, 5e-324, 0.1, 123456789.125, -1e16, 3.0])
def test_a_double_keeps_its_value(value: float, engine: Engine) -> None:
    from pyspark.sql import functions as F

    rows = engine.rows([{"value": value}], struct(value="double"))
    ((text,),) = rows_of(rows.select(double_text(F.col("value"))))
    assert float(text) == value
    assert "e" not in text.lower()


# --- the same purchases, the same bytes -------------------------------------------------------------------------------


def dirty_rows(count: int) -> list[dict[str, Any]]:
    """Rows that typed columns can hold: amounts that are numbers, days that are days, and texts as they come."""
    text = HEADER + "\n".join(line for line in records(count, 7) if '"' not in line)
    rows = [row for row in csv.DictReader(io.StringIO(text)) if None not in row and None not in row.values()]
    return [typed for number, row in enumerate(rows) if (typed := _typed(row, number))]


def _typed(row: dict[str, str], number: int) -> dict[str, Any]:
    return {
        "Customer_ID": row["Customer_ID"] or None,
        "Order_ID": row["Order_ID"] or None,
        "Date": None if number % 97 == 0 else date(2020 + number % 7, 1 + number % 12, 1 + number % 28),
        "Total_Amount_LKR": None if number % 89 == 0 else Decimal(number * 7919 % 4_000_000 - 50_000) / 100,
        "Product_Category": row["Product_Category"] or None,
    }


def as_csv(rows: list[dict[str, Any]], path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, NAMES)
        writer.writeheader()
        writer.writerows({name: "" if value is None else value for name, value in row.items()} for row in rows)
    return path


def counts(result: dict[str, Any]) -> dict[str, Any]:
    names = ("as_of", "rows_read", "purchases_used", "rows_rejected", "purchases_after_as_of", "rejected_by_reason")
    return {name: result["metadata"][name] for name in (*names, "warnings_by_reason", "total_customers")}


def measured(folder: Path) -> list[dict[str, Any]]:
    """The customers with their metrics, which show days that labels do not."""
    rows = [vars(row) for row in table(folder, "customer_segments")]
    changing = ("run_id", "updated_at")
    plain = [{name: value for name, value in row.items() if name not in changing} for row in rows]
    return sorted(plain, key=lambda row: row["customer_id"])


def as_doubles(rows: pa.Table) -> pa.Table:
    column = rows.column_names.index("Total_Amount_LKR")
    return rows.set_column(column, "Total_Amount_LKR", rows["Total_Amount_LKR"].cast(pa.float64()))


def as_instants(rows: pa.Table) -> pa.Table:
    """Half past eight in the evening in Greenwich on the day before is two in the morning in Colombo."""
    before = [day and datetime(day.year, day.month, day.day, tzinfo=UTC) for day in rows["Date"].to_pylist()]
    shifted = [at and datetime.fromtimestamp(at.timestamp() - 3.5 * 3600, UTC) for at in before]
    return rows.set_column(2, "Date", pa.array(shifted, pa.timestamp("us", "UTC")))


def partitioned_delta(rows: pa.Table, path: Path) -> None:
    """Overwritten once, in two commits, so that files of older versions lie about."""
    write_deltalake(path, rows.slice(0, 50), partition_by=["Product_Category"])
    write_deltalake(path, rows.slice(0, 900), mode="overwrite")
    write_deltalake(path, rows.slice(900), mode="append")


def partitioned_parquet(rows: pa.Table, path: Path) -> None:
    ds.write_dataset(rows, path, format="parquet", partitioning=CATEGORY_FOLDERS)
    (path / "_SUCCESS").touch()


STORED: dict[str, Callable[[pa.Table, Path], None]] = {
    "delta": lambda rows, path: write_deltalake(path, rows),
    "delta of doubles and instants": lambda rows, path: write_deltalake(path, as_instants(as_doubles(rows))),
    "delta with partitions": partitioned_delta,
    "parquet with partitions": partitioned_parquet,
    "one parquet file": lambda rows, path: pq.write_table(rows, path),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", STORED)
def test_the_same_purchases_give_the_same_bytes_as_from_csv(
    case: str, run_job: Job, run_table: Job, tmp_path: Path
) -> None:
    rows = dirty_rows(2_000)
    from_csv = run_job(as_csv(rows, tmp_path / "in.csv"), as_of="2024-06-30")
    expected, customers = (tmp_path / EXPORT).read_bytes(), measured(tmp_path)
    kinds = [pa.string(), pa.string(), pa.date32(), pa.decimal128(12, 2), pa.string()]
    STORED[case](pa.Table.from_pylist(rows, pa.schema(zip(NAMES, kinds, strict=True))), tmp_path / "table")
    shutil.rmtree(tmp_path / "out")
    result = run_table(tmp_path / "table", as_of="2024-06-30")
    assert (tmp_path / EXPORT).read_bytes() == expected
    assert measured(tmp_path) == customers
    assert counts(result) == counts(from_csv)
    assert result["metadata"]["rows_rejected"] > 50
    assert result["metadata"]["total_customers"] > 50
    assert {row.source for row in table(tmp_path, "rejected_purchases")} == {str(tmp_path / "table")}
    (run,) = table(tmp_path, "runs")
    assert run.source_paths == [str(tmp_path / "table")]


def test_each_file_is_read_by_its_own_columns(read_back: ReadBack, tmp_path: Path) -> None:
    """Order, case, and types differ from file to file; other columns, of whatever type, are no matter."""
    folder = stored(purchases(), tmp_path / "in", "parquet")
    other = purchases(Total_Amount_LKR=pa.array([6]), noon=pa.array([None], pa.time64("ns")), x=pa.array([[1]]))
    renamed = other.rename_columns([name.upper() for name in other.column_names])
    pq.write_table(renamed.select(renamed.column_names[::-1]), folder / "part-1.parquet")
    assert [row[3] for row in read_back(folder)] == ["5.00", "6"]
    assert [row[3] for row in read_back(f"{folder}/part-*.parquet")] == ["5.00", "6"]


def test_folders_of_any_name(read_back: ReadBack, tmp_path: Path) -> None:
    categories = ["Kids", "a/b", "c d", "100%", "1+1", "süd", "x=y", None]
    for number, category in enumerate(categories):
        rows = purchases(Order_ID=[number], Product_Category=pa.array([category], pa.string()))
        ds.write_dataset(rows, tmp_path / f"in/{number}", format="parquet", partitioning=CATEGORY_FOLDERS)
    assert [row[4] for row in read_back(tmp_path / "in")] == categories


def test_instants_that_spark_writes_by_default(read_back: ReadBack, tmp_path: Path) -> None:
    """96 bits, which say nothing of a zone, and are instants."""
    (tmp_path / "in").mkdir()
    rows = purchases(Date=pa.array([datetime(2024, 1, 5, 20, 0)]))
    pq.write_table(rows, tmp_path / "in/x.parquet", use_deprecated_int96_timestamps=True, store_schema=False)
    assert read_back(tmp_path / "in")[0][2] == "2024-01-05T20:00:00Z"


# --- what does not fit ------------------------------------------------------------------------------------------------

WRONG_TYPES: dict[str, tuple[str, pa.Array, str]] = {
    "array": ("Customer_ID", pa.array([["C1"]]), "array"),
    "struct": ("Customer_ID", pa.array([{"id": "C1"}]), "struct"),
    "boolean": ("Total_Amount_LKR", pa.array([True]), "boolean"),
    "binary": ("Order_ID", pa.array([b"P1"]), "binary"),
    "day as amount": ("Total_Amount_LKR", pa.array([date(2024, 1, 5)]), "date"),
    "double as day": ("Date", pa.array([5.5]), "double"),
    "day as id": ("Customer_ID", pa.array([date(2024, 1, 5)]), "date"),
}


@pytest.mark.parametrize("how", ["delta", "parquet"])
def test_types_that_stand_for_nothing_are_refused(how: str, read_back: ReadBack, tmp_path: Path) -> None:
    for number, (column, values, kind) in enumerate(WRONG_TYPES.values()):
        place = stored(purchases(**{column: values}), tmp_path / f"{how}{number}", how)
        with pytest.raises(
            SourceError, match=f"'{column}' of .* is of the type {kind}.*It has 'Customer_ID'"
        ) as caught:
            read_back(place)
        assert caught.value.exit_code == 3


def test_columns_that_are_missing_named_twice_or_mapped(read_back: ReadBack, tmp_path: Path) -> None:
    renamed = purchases().rename_columns([" customer_id ", "Invoice.No", "DATE", "amount", "Dept"])
    place = stored(renamed, tmp_path / "in", "parquet")
    with pytest.raises(MissingColumnsError, match="lacks Order_ID, Product_Category; it has ' customer_id ' string"):
        read_back(place)
    mapping = {"purchase_id": "invoice.no", "category": "Dept"}
    assert read_back(place, **mapping) == [("C1", "P1", "2024-01-05", "5.00", "Kids")]
    twice = stored(purchases(amount=[6]), tmp_path / "twice", "delta")
    with pytest.raises(SourceError, match=r"'Total_Amount_LKR' .*and 'amount' .*could each be amount.*columns:"):
        read_back(twice)
    assert read_back(twice, amount="amount")[0][3] == "6"


def test_the_columns_of_the_table_go_before_the_columns_of_all(run_table: Job, tmp_path: Path) -> None:
    place = stored(purchases(other=["C2"], third=["C3"]), tmp_path / "in", "delta")
    settings = {"columns": {"customer_id": "other"}, "table": {"columns": {"customer_id": "third"}}}
    run_table(place, **settings)
    assert [element["customer_id"] for element in json.loads((tmp_path / EXPORT).read_text())] == ["C3"]


def nothing(folder: Path) -> None:
    """There is not even the folder."""


def other_files(folder: Path) -> None:
    folder.mkdir()
    (folder / "in.csv").write_text(HEADER + GOOD)


def mixed_files(folder: Path) -> None:
    stored(purchases(), folder, "parquet")
    (folder / "readme.md").write_text("# Purchases")


def broken_file(folder: Path) -> None:
    folder.mkdir()
    (folder / "x.parquet").write_bytes(b"PAR1" + b"\0" * 100)


NO_TABLES: dict[str, tuple[Callable[[Path], Any], dict[str, Any], type[SegmentationError], str]] = {
    "nothing": (nothing, {}, NoDataError, "No data found: at '.*/in' there is nothing"),
    "an empty folder": (Path.mkdir, {}, NoDataError, "there is a folder without files"),
    "CSV": (
        other_files,
        {},
        NoDataError,
        "is no table: it has no _delta_log and no Parquet file; there is .*/in/in.csv",
    ),
    "no Delta": (other_files, {"format": "delta"}, NoDataError, "is no Delta table.*there is .*/in/in.csv"),
    "Parquet and others": (mixed_files, {}, SourceError, "readme.md among the Parquet files"),
    "a broken file": (broken_file, {}, SourceError, "x.parquet could not be read"),
    "Delta as Parquet": (
        lambda folder: stored(purchases(), folder, "delta"),
        {"format": "parquet"},
        SourceError,
        "is a Delta table: its files also hold rows that were removed",
    ),
    "a log without a version": (
        lambda folder: (folder / "_delta_log").mkdir(parents=True),
        {},
        SourceError,
        "could not",
    ),
    "no rows": (
        lambda folder: stored(purchases().slice(0, 0), folder, "delta"),
        {},
        NoDataError,
        "No data found: there are no rows in .*/in",
    ),
}


@pytest.mark.parametrize("case", NO_TABLES)
def test_what_is_no_table(case: str, run_table: Job, tmp_path: Path) -> None:
    make, config, error, message = NO_TABLES[case]
    make(tmp_path / "in")
    with pytest.raises(error, match=message) as caught:
        run_table(tmp_path / "in", table=config)
    assert caught.value.exit_code == 3
    assert not (tmp_path / EXPORT).exists()


# --- Delta's features -------------------------------------------------------------------------------------------------


@both_engines
def test_deleted_rows_and_renamed_columns_of_delta(spark: SparkSession, tmp_path: Path) -> None:
    """Deletion vectors and column mapping, written by Spark and read by both."""
    place = str(tmp_path / "in")
    spark.sql(
        f"CREATE TABLE delta.`{place}` (Customer_ID string, Order_ID string, old string, Date date, Total_Amount_LKR "
        "double) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = true, 'delta.columnMapping.mode' = 'name')"
    )
    spark.sql(
        f"INSERT INTO delta.`{place}` SELECT /*+ coalesce(1) */ concat('C', id), id, 'Kids', date'2024-01-05', 5 "
        "FROM range(10)"
    )
    spark.sql(f"DELETE FROM delta.`{place}` WHERE Customer_ID = 'C3'")
    spark.sql(f"ALTER TABLE delta.`{place}` RENAME COLUMN old TO Product_Category")
    for engine in ("spark", "embedded"):
        settings = {"engine": engine, "output_dir": str(tmp_path / engine)}
        pipeline = CustomerSegmentationPipeline(settings)
        result = pipeline.run("table", table=place, spark=spark if engine == "spark" else None)
        assert result["metadata"]["rows_read"] == 9, engine
        assert result["segments"]["category"]["Kids"] == 9, engine


def test_a_table_of_the_catalog(spark: SparkSession, run_job: Job, write_csv, tmp_path: Path) -> None:
    run_job(write_csv(GOOD))
    expected = (tmp_path / EXPORT).read_bytes()
    spark.sql("CREATE DATABASE IF NOT EXISTS shop")
    frame = spark.createDataFrame(
        [("C1", 1, date(2024, 1, 5), 100.0, "Womens"), ("C2", 2, date(2024, 1, 6), 200.5, "Kids")],
        struct(
            Customer_ID="string", Order_ID="long", Date="date", Total_Amount_LKR="double", Product_Category="string"
        ),
    )
    frame.createOrReplaceTempView("purchases_to_keep")
    spark.sql("DROP TABLE IF EXISTS shop.purchases")
    spark.sql("CREATE TABLE shop.purchases USING delta AS SELECT * FROM purchases_to_keep")
    settings = {"output_dir": str(tmp_path / "other")}
    result = CustomerSegmentationPipeline(settings).run("table", table="shop.purchases", spark=spark)
    assert (tmp_path / "other/customer_segmentation.json").read_bytes() == expected
    assert result["metadata"]["engine"] == "spark"
    assert result["metadata"]["source_paths"] == ["shop.purchases"]
    with pytest.raises(NoDataError, match=r"no table shop\.orders, and there is no such path; shop holds purchases\."):
        CustomerSegmentationPipeline(settings).run("table", table="shop.orders", spark=spark)
    with pytest.raises(NoDataError, match="there is no database bazaar"):
        CustomerSegmentationPipeline(settings).run("table", table="bazaar.orders", spark=spark)


# --- which table, which engine ----------------------------------------------------------------------------------------


def test_a_path_or_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "is.there").mkdir()
    given = {
        "is.there": False,
        "shop.purchases": True,
        "lake.shop.`my orders`": True,
        "purchases": False,
        "purchases.parquet": False,
        "lake/shop.purchases": False,
        "s3a://lake/shop.purchases": False,
    }
    assert {place: table_of(None, place).is_name for place in given} == given
    assert table_of(TableConfig(name="purchases"), None) == Table("purchases", is_name=True)
    assert table_of(TableConfig(path="a", format="delta"), "b") == Table("b", is_name=False, format="delta")
    for config, place in ((None, None), (None, " "), (TableConfig(format="delta"), "a.b"), (TableConfig(), None)):
        with pytest.raises(ConfigError):
            table_of(config, place)
    for wrong in ({"path": "a", "name": "b"}, {"name": "b", "format": "delta"}, {"format": "orc"}, {"file": "x"}):
        with pytest.raises(ConfigError, match="table"):
            load_config({"table": wrong})


def test_a_table_of_the_catalog_needs_spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose_module, "_spark_is_chosen", lambda _: None)
    task = Task("table", ["a.b"], str(tmp_path), Table("a.b", is_name=True))
    found = choose(load_config(), task, None)
    assert (found.name, found.why[:36]) == ("spark", "a.b is a table of the catalog, which")
    with pytest.raises(ConfigError, match=r"asked for, but a\.b is a table of the catalog"):
        choose(load_config({"engine": "embedded"}), task, None)


@both_engines
def test_a_delta_table_at_an_odd_path_needs_spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """delta-rs takes %20 for a blank; a folder of Parquet is no matter."""
    monkeypatch.setattr(choose_module, "_spark_is_chosen", lambda _: None)
    place = str(stored(purchases(), tmp_path / "in", "delta").rename(tmp_path / "a%20b"))
    with pytest.raises(ConfigError, match="cannot read a Delta table at a path with"):
        choose(load_config({"engine": "embedded"}), Task("table", [place], "/o", Table(place, is_name=False)), None)
    shutil.rmtree(f"{place}/_delta_log")
    task = Task("table", [place], "/o", Table(place, is_name=False))
    assert choose(load_config({"engine": "embedded"}), task, None).name == "embedded"


def test_a_table_that_is_named_for_another_source_is_refused(tmp_path: Path, capsys) -> None:
    assert main(["run", "--table", "x", "--output-dir", str(tmp_path)]) == 2
    assert "add --source table" in capsys.readouterr().err
    assert main(["run", "--source", "table", "--output-dir", str(tmp_path)]) == 2
    assert "name it with --table" in capsys.readouterr().err


@pytest.mark.parametrize("source", ["csv", "table"])
def test_the_output_may_not_lie_inside_the_input(source: str, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "more"
    folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "in")
    for place, output in (("in", "in"), ("in", "in/more/out"), ("link", "in/out"), ("in", "link/out"), ("i*", "in/o")):
        given: dict[str, Any] = {"csv_path" if source == "csv" else "table": str(tmp_path / place)}
        with pytest.raises(ConfigError, match="lies inside the input"):
            run_segmentation(source, output_dir=tmp_path / output, **given)
    assert [file.name for file in (tmp_path / "in").iterdir()] == ["more"]


# --- freshness --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.embedded_only(reason="answered without an engine")
def test_freshness(tmp_path: Path, capsys, engine_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {how: stored(purchases(), tmp_path / how, how) for how in ("delta", "parquet")}
    for how, place in places.items():
        options = ["run", "--source", "table", "--table", str(place), "--output-dir", str(tmp_path / f"out {how}")]

        def unchanged(options: list[str] = options) -> bool:
            started = time.monotonic()
            assert main([*options, "--check-freshness"]) == 0
            said = "Nothing to do" in capsys.readouterr().out
            assert not said or time.monotonic() - started < 1
            return said

        assert [unchanged(), unchanged()] == [False, True]
        if how == "delta":
            write_deltalake(place, purchases(Order_ID=["P2"]), mode="append")
        else:
            pq.write_table(purchases(Order_ID=["P2"]), place / "part-1.parquet")
        assert [unchanged(), unchanged()] == [False, True]
    DeltaTable(places["delta"]).create_checkpoint()
    assert main([*options[:3], "--table", str(places["delta"]), "--output-dir", options[-1], "--check-freshness"]) == 0


@pytest.mark.parametrize("kind", [pa.decimal128(12, 3), pa.float64(), pa.string()])
def test_a_separator_is_about_text(kind: pa.DataType, run_table: Job, tmp_path: Path) -> None:
    """Numbers have a point of their own; texts are read as the configuration says."""
    amount = pa.array(["1,250" if kind == pa.string() else Decimal("1.250")]).cast(kind)
    rows = {"customer_id": ["C1"], "purchase_id": ["P1"], "purchase_date": [date(2024, 1, 5)], "category": ["Kids"]}
    pq.write_table(pa.table({**rows, "amount": amount}), tmp_path / "in.parquet")
    run_table(tmp_path / "in.parquet", decimal_separator=",", thousands_separator=".")
    assert [row.lifetime_spend for row in table(tmp_path, "customer_segments")] == [Decimal("1.25")]
