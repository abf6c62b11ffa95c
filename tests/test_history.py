"""Commands on what was published: history, as-of, maintain, erase."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
import yaml
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from segmentation.cli import main
from segmentation.config import load_config
from segmentation.core.known import kept_columns
from segmentation.core.segmentation import Segmentation
from segmentation.errors import NoDataError
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.run import held, housekeeping
from segmentation.state import tables

from .conftest import EXPORT, HEADER, table

ROOT = Path(__file__).parents[1]
ROWS = "C1,P1,2024-01-05,100,Womens\nC'2 [\\x],P2,2024-06-06,20000,Kids\n"
Said = Callable[..., str]


@pytest.fixture
def published(engine_name: str, spark_or_none: SparkSession | None, tmp_path: Path) -> Path:
    """Three runs: two customers; a purchase, a rejected row and a new customer; another day."""
    config = {"output_dir": str(tmp_path / "out"), "engine": engine_name, "max_rejected_ratio": 1}
    source = tmp_path / "in"
    source.mkdir()

    def run(rows: str, **more: Any) -> None:
        if rows:
            (source / f"{len(list(source.iterdir()))}.csv").write_text(HEADER + rows)
        job = CustomerSegmentationPipeline({**config, **more})
        job.run("csv", [source], mode="incremental", spark=spark_or_none)

    run(ROWS)
    run("C1,P3,2024-06-20,100,Womens\n\u00a0C1 ,,2024-06-20,1,Kids\nC1,P9,x\nC4,P5,2024-06-20,20000,Kids\n")
    run("", as_of="2024-12-01")
    return tmp_path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """What a command prints."""

    def of(folder: Path, *arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main([*arguments, "--output-dir", str(folder / "out")]) == code
        printed = capsys.readouterr()
        return printed.out if code == 0 else printed.err

    return of


def test_the_history_of_a_customer(published: Path, said: Said) -> None:
    rows = json.loads(said(published, "history", "C1", "--json"))
    assert [(row["dimension"], row["from_label"], row["to_label"], row["cause"]) for row in rows] == [
        ("category", None, "Womens", "first_seen"),
        ("purchase_frequency", None, "New", "first_seen"),
        ("spending", None, "Low Value", "first_seen"),
        ("purchase_frequency", "New", "Regular", "new_purchase"),
        ("purchase_frequency", "Regular", "Lapsed", "time"),
    ]
    frequency = [
        row for row in json.loads(said(published, "history", "C1", "--json", "--intervals")) if "Low" not in row
    ]
    frequency = [row for row in frequency if row["dimension"] == "purchase_frequency"]
    assert [row["label"] for row in frequency] == ["New", "Regular", "Lapsed"]
    assert [row["valid_to"] for row in frequency] == [frequency[1]["valid_from"], frequency[2]["valid_from"], None]
    shown = said(published, "history", "C1")
    assert "the day moved" in shown
    assert "C'2 [\\x]" in said(published, "history", "C'2 [\\x]")


@pytest.mark.embedded_only(reason="no engine reads here")
def test_flows_since_a_day(published: Path, said: Said) -> None:
    flows = json.loads(said(published, "history", "--since", "2024-01-01", "--json"))
    seen = {(row["dimension"], row["from_label"], row["to_label"]): row["customers"] for row in flows}
    assert seen["purchase_frequency", None, "New"] == 3
    assert seen["purchase_frequency", "New", "Regular"] == 1
    assert json.loads(said(published, "history", "--since", "2999-01-01", "--json")) == []
    assert "no label changed" in said(published, "history", "--since", "2999-01-01")


@pytest.mark.embedded_only(reason="no engine reads here")
def test_who_is_not_there_and_what_is_no_day(published: Path, said: Said, tmp_path: Path) -> None:
    assert "no change of a customer 'C7' is recorded" in said(published, "history", "C7", code=3)
    assert "--since: expected a day like 2024-06-30, found 'June'" in said(
        published, "history", "--since", "June", code=2
    )
    assert "as-of: expected a day" in said(published, "as-of", "June", code=2)
    assert "no publication of 2020-01-01 or before is kept" in said(published, "as-of", "2020-01-01", code=2)
    assert "holds no table segment_changes" in said(tmp_path / "nowhere", "history", "C1", code=2)


@pytest.mark.embedded_only(reason="no engine reads here")
def test_the_customers_of_a_day(published: Path, said: Said) -> None:
    target = published / "then.csv"
    day = datetime.now(ZoneInfo("Asia/Colombo")).date().isoformat()
    assert "as of 2024-12-01." in said(published, "as-of", "2999-01-01", "--to", str(target))
    assert len(target.read_text().splitlines()) == 4
    assert "is there already" in said(published, "as-of", day, "--to", str(target), code=2)
    assert "VERSION AS OF" in said(published, "as-of", "2999-01-01")


def test_maintenance_keeps_what_is_published(published: Path, engine_name: str, spark_or_none, monkeypatch) -> None:
    before = {name: sorted(map(str, table(published, name))) for name in ("customer_segments", "purchases")}
    removed = housekeep(published, engine_name, spark_or_none, monkeypatch, "maintain", keep_history=0)
    # The last change of each stays.
    assert removed["segment_changes"] == 2
    assert {name: sorted(map(str, table(published, name))) for name in before} == before
    assert len(list((published / "out/delta/purchases").glob("*.parquet"))) == 1
    config = {"output_dir": str(published / "out"), "engine": engine_name, "max_rejected_ratio": 1}
    job = CustomerSegmentationPipeline({**config, "as_of": "2024-12-02"})
    assert job.run("csv", [published / "in"], mode="incremental", spark=spark_or_none)["metadata"]["rows_read"] == 0


def test_who_is_erased_is_nowhere(published: Path, engine_name: str, spark_or_none, monkeypatch) -> None:
    removed = housekeep(published, engine_name, spark_or_none, monkeypatch, "erase", customers=["C1", "C'2 [\\x]"])
    assert removed["customer_segments"] == 2
    assert removed["purchases"] == 3
    assert removed["rejected_purchases"] == 2
    # Checksums are any bytes, two letters of an id among them at times.
    files = [file for file in (published / "out").rglob("*") if file.is_file() and file.suffix != ".crc"]
    assert [file for file in files if b"C1" in (data := said_in(file)) or b"C'2" in data] == []
    assert [one["customer_id"] for one in json.loads((published / EXPORT).read_text())] == ["C4"]
    for record in table(published, "erasures"):
        assert (record.customers, record.rows_by_table["purchases"]) == (2, 3)
    assert sorted(record.is_done for record in table(published, "erasures")) == [False, True]
    # Nobody comes back with the next run, and a version from before cannot be read.
    config = {"output_dir": str(published / "out"), "engine": engine_name, "max_rejected_ratio": 1}
    job = CustomerSegmentationPipeline({**config, "as_of": "2024-12-02"})
    job.run("csv", [published / "in"], mode="incremental", spark=spark_or_none)
    assert {row.customer_id for row in table(published, "customer_segments")} == {"C4"}
    with pytest.raises(Exception, match=r"."):
        DeltaTable(published / "out/delta/customer_segments", version=3).to_pyarrow_table()


def test_erasing_that_is_killed_is_repeated(published: Path, engine_name: str, spark_or_none, monkeypatch) -> None:
    """Between two tables; the next run does not go on from what is half done."""
    with monkeypatch.context() as patch:
        patch.setattr(housekeeping, "_bounds", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            housekeep(published, engine_name, spark_or_none, monkeypatch, "erase", customers=["C4"])
    (published / "in/1.csv").write_text(HEADER + "C1,P3,2024-06-20,100,Womens\n")
    config = {"output_dir": str(published / "out"), "engine": engine_name, "max_rejected_ratio": 1}
    job = CustomerSegmentationPipeline(config)
    result = job.run("csv", [published / "in"], mode="incremental", spark=spark_or_none)
    assert (result["metadata"]["rows_read"], result["metadata"]["total_customers"]) == (3, 2)
    housekeep(published, engine_name, spark_or_none, monkeypatch, "erase", customers=["C4"])
    assert not [file for file in (published / "out").rglob("*") if file.is_file() and b"C4" in said_in(file)]


def said_in(file: Path) -> bytes:
    """All bytes, but for the schema that Arrow adds, in letters that may come out as any id."""
    data = file.read_bytes()
    known = pq.read_metadata(file).metadata or {} if data.startswith(b"PAR1") else {}
    return data.replace(known.get(b"ARROW:schema", b"\0"), b"")


@pytest.mark.embedded_only(reason="what the last run said is read by no engine")
def test_erasing_writes_what_the_last_run_wrote(published: Path, engine_name: str, spark_or_none, monkeypatch) -> None:
    """Whatever it was called; and the latest day is that of those who are left."""
    config = {"output_dir": str(published / "out"), "engine": engine_name, "max_rejected_ratio": 1}
    named = {**config, "output_filename": "x.json"}
    CustomerSegmentationPipeline(named).run("csv", [published / "in"], mode="incremental", spark=spark_or_none)
    (published / EXPORT).unlink()
    housekeep(published, engine_name, spark_or_none, monkeypatch, "erase", customers=["C1", "C4"])
    assert "C4" not in (published / "out/x.json").read_text()
    assert not (published / EXPORT).exists()
    result = CustomerSegmentationPipeline(named).run("csv", [published / "in"], mode="incremental", spark=spark_or_none)
    assert result["metadata"]["as_of"] == "2024-06-06"
    with pytest.raises(NoDataError, match="holds one of these customers"):
        housekeep(published, engine_name, spark_or_none, monkeypatch, "erase", customers=["C1"])


def housekeep(folder: Path, engine: str, spark: SparkSession | None, monkeypatch, what: str, **options: Any) -> Any:
    """Call it with the session of the tests."""
    if spark is not None:
        real = held.open_engine
        monkeypatch.setattr(held, "open_engine", lambda *given, **more: real(*given[:3], spark, **more))
    config = load_config({"output_dir": str(folder / "out"), "engine": engine})
    if what == "erase":
        return housekeeping.erase(config, options["customers"])
    return housekeeping.maintain(config, keep_versions=0, keep_rejected=None, **options)


def test_dbt_knows_columns_that_are_there() -> None:
    sources = yaml.safe_load((ROOT / "conf/dbt/models/sources.yml").read_text())["sources"][0]["tables"]
    of_customers = {"customer_id", *Segmentation(load_config(None)).dimensions, "total_purchases"}
    known = {
        "runs": set(tables.RUN_SCHEMA.names),
        "customer_segments": of_customers,
        "segment_changes": set(tables.CHANGES_SCHEMA.names),
        "purchases": {*kept_columns(load_config(None)), "run_id"},
        "rejected_purchases": set(tables.REJECTED_SCHEMA.names),
    }
    for source in sources:
        assert {column["name"] for column in source["columns"]} <= known[source["name"]]
    assert sources[0]["loaded_at_field"] in known["runs"]
