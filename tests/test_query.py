"""`segmentation query`: SQL on the published tables, which it cannot change."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segmentation.cli import main

from .conftest import HEADER, Job

ROWS = "C1,P1,2024-01-05,100.10,Womens\nC1,P2,2024-01-06,0.20,Kids\n'\x1b[1m,P3,2024-01-06,7,Mens\nC3,P4,x,1,Mens\n"
BY_SPENDING = "SELECT customer_id, lifetime_spend FROM customer_segments ORDER BY customer_id DESC"
Ask = Callable[..., str]


@pytest.fixture
def ask(run_job: Job, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Ask:
    """What a query prints, on tables of either engine."""
    (tmp_path / "in.csv").write_text(HEADER + ROWS)
    run_job(tmp_path / "in.csv")

    def of(sql: str, *options: str, code: int = 0) -> str:
        capfdbinary.readouterr()
        assert main(["query", sql, "--output-dir", str(tmp_path / "out"), *options]) == code
        printed = capfdbinary.readouterr()
        return (printed.out if code == 0 else printed.err).decode()

    return of


def test_each_format(ask: Ask, tmp_path: Path) -> None:
    assert ask(BY_SPENDING) == (
        "customer_id  lifetime_spend\n"
        "C1                   100.30\n"
        "'\N{REPLACEMENT CHARACTER}[1m                  7.00\n"
        "(2 rows)\n"
    )
    rows = list(csv.reader(io.StringIO(ask(BY_SPENDING, "--format", "csv"))))
    assert rows == [["customer_id", "lifetime_spend"], ["C1", "100.30"], ["'\x1b[1m", "7.00"]]
    assert json.loads(ask(BY_SPENDING, "--format", "json")) == [
        {"customer_id": "C1", "lifetime_spend": "100.30"},
        {"customer_id": "'\x1b[1m", "lifetime_spend": "7.00"},
    ]
    assert ask(BY_SPENDING, "--format", "parquet", "--to", str(tmp_path / "x y.parquet")) == ""
    found = pq.read_table(tmp_path / "x y.parquet")
    assert found["lifetime_spend"].to_pylist() == [Decimal("100.30"), Decimal("7.00")]
    assert pa.types.is_decimal(found.schema.field("lifetime_spend").type)


def test_nested_values_and_nothing(ask: Ask) -> None:
    reasons = "SELECT reasons, raw_record FROM rejected_purchases"
    assert ask(reasons, "--format", "csv") == 'reasons,raw_record\n"[""invalid_purchase_date""]",\n'
    counts = json.loads(ask("SELECT rejected_by_reason AS n FROM runs", "--format", "json"))
    assert counts == [{"n": {"invalid_purchase_date": 1}}]
    nobody = "SELECT customer_id FROM customer_segments WHERE false"
    assert ask(nobody) == "customer_id\n(0 rows)\n"
    assert ask(nobody, "--format", "json") == "[]\n"


def test_a_terminal_is_not_flooded(ask: Ask) -> None:
    said = ask("SELECT * FROM generate_series(1, 2500)").splitlines()
    assert (len(said), said[-1]) == (1002, "(2,500 rows, the first 1,000 shown; --format csv gives all)")


@pytest.mark.slow
@pytest.mark.embedded_only(reason="the tables are the same")
def test_a_result_that_is_cut_short_is_no_success(ask: Ask, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "segmentation.cli", "query", BY_SPENDING, "--format", "csv"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*command, "--output-dir", tmp_path / "out"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert b"a disk is full" in done.stderr


REFUSED = {
    "COPY (SELECT 1) TO '{out}/x.csv'": "only reads",
    "-- SELECT\nDELETE FROM runs": "only reads",
    "INSERT INTO runs SELECT * FROM runs": "only reads",
    "CREATE EXTERNAL TABLE z STORED AS CSV LOCATION '/etc/passwd'": "only reads",
    "/* /* */ SELECT */ COPY (SELECT 1) TO '{out}/x.csv'": "only reads",
    "/* SELECT */ SELECT 1": "only reads",
    "DESCRIBE ANALYZE INSERT INTO runs SELECT * FROM runs": "query: ",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{out}/x.csv'": "only reads",
    "WITH x AS (SELECT 1) INSERT INTO runs SELECT * FROM runs": "query: ",
    "SELECT 1; DROP TABLE runs": "query: ",
    "SELECT nope FROM runs": "No field named nope",
    "SELECT 1 FROM nowhere": "The tables here: customer_segments, segment_changes, rejected_purchases, runs.",
    "SELECT customer_id::int FROM customer_segments": "query: ",
    "": "only reads",
}


@pytest.mark.embedded_only(reason="no engine writes here")
def test_what_is_refused_changes_nothing(ask: Ask, tmp_path: Path) -> None:
    def state() -> dict[str, str]:
        files = (path for path in (tmp_path / "out").rglob("*") if path.is_file())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = state()
    for sql, words in REFUSED.items():
        said = ask(sql.format(out=tmp_path / "out"), code=2)
        assert said.startswith("error: query: "), sql
        assert words in said, sql
    assert state() == before
    assert "--to" in ask("SELECT 1", "--format", "parquet", code=2)
    assert "is there already" in ask("SELECT 1", "--to", str(tmp_path / "in.csv"), code=2)
    assert "cannot be written" in ask("SELECT 1", "--to", str(tmp_path / "no/x.csv"), code=2)
    assert ask(" (SELECT 1) -- all", "--format", "csv").endswith("\n1\n")
    (tmp_path / ".kept").write_text("mine")
    assert "Divide by zero" in ask("SELECT 1/(total_purchases - total_purchases) FROM customer_segments", code=2)
    division = "SELECT 1/(total_purchases - total_purchases) FROM customer_segments"
    assert "query: " in ask(division, "--format", "csv", "--to", str(tmp_path / "kept"), code=2)
    assert (tmp_path / ".kept").read_text() == "mine"
    assert not (tmp_path / "kept").exists()


@pytest.mark.embedded_only(reason="the tables are the same")
def test_columns_of_one_name_and_values_that_json_lacks(ask: Ask) -> None:
    joined = "SELECT c.customer_id, r.customer_id, c.category FROM customer_segments c CROSS JOIN rejected_purchases r"
    rows = list(csv.reader(io.StringIO(ask(joined + " ORDER BY 1", "--format", "csv"))))
    assert [len(row) for row in rows] == [3, 3, 3]
    assert rows[2] == ["C1", "C3", "Family"]
    assert "two columns are called customer_id" in ask(joined, "--format", "json", code=2)
    odd = "SELECT sha256('x') AS a, 'NaN'::DOUBLE AS b, max(updated_at) - min(updated_at) AS c FROM customer_segments"
    found = json.loads(ask(odd, "--format", "json"), parse_constant=lambda _: pytest.fail("no JSON"))
    assert (len(found[0]["a"]), found[0]["b"], found[0]["c"]) == (64, "nan", "0:00:00")
