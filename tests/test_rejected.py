"""Rejected rows come back: written in the form of the input, corrected, read again."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml

from segmentation.cli import main

from .conftest import EXPORT, HEADER, published

SOURCE = (
    HEADER
    + 'C1,P1,2024-01-05,5,Kids\n"a ""b"",\nc",P2,2024-02-30,5,Kids\nC3,,2024-01-05,x,Mens\nC4,P4,2024-01-05\n'
    + " C5,P5,2024-01-05,-1,\n"
)


def written(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@pytest.fixture
def rejecting(run_job, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(SOURCE)
    run_job(tmp_path / "in.csv", max_rejected_ratio=1)


def rejected(folder: Path, *options: str) -> int:
    return main(["rejected", "--output-dir", str(folder / "out"), "--to", str(folder / "corrected.csv"), *options])


def test_the_round(rejecting, run_job, tmp_path: Path, capsys) -> None:
    assert rejected(tmp_path) == 0
    assert capsys.readouterr().out.startswith("4 rejected rows of 2")
    rows = sorted(written(tmp_path / "corrected.csv"), key=lambda row: row["Customer_ID"])
    assert [row["reasons"] for row in rows] == [
        "malformed_row",
        "negative_amount",
        "missing_purchase_id,invalid_amount",
        "invalid_purchase_date",
    ]
    assert rows[0]["raw_record"] == "C4,P4,2024-01-05"
    assert (rows[1]["Customer_ID"], rows[3]["Customer_ID"]) == (" C5", 'a "b",\nc')
    assert {row["source"] for row in rows} == {str(tmp_path / "in.csv")}
    again = tmp_path / "again.csv"
    corrected = (tmp_path / "corrected.csv").read_text().replace("2024-02-30", "2024-02-29")
    again.write_text(corrected.replace("2024-01-05,-1,", "2024-01-05,1,"))
    metadata = run_job(again, max_rejected_ratio=1)["metadata"]
    assert (metadata["rows_read"], metadata["rows_rejected"]) == (4, 2)
    assert sorted(published(tmp_path)[0]) == ["C5", 'a "b",\nc']


def test_only_some_reasons_of_the_last_run(rejecting, run_job, tmp_path: Path, capsys) -> None:
    (tmp_path / "in.csv").write_text(HEADER + "C9,P9,2024-01-05,1,Kids\nC8,P8,2024-01-05,-2,Kids\nC7,,,3,Kids\n")
    run_job(tmp_path / "in.csv", max_rejected_ratio=1)
    assert rejected(tmp_path, "--reason", "negative_amount", "--reason", "malformed_row") == 0
    assert [row["Customer_ID"] for row in written(tmp_path / "corrected.csv")] == ["C8"]
    assert rejected(tmp_path, "--reason", "duplicate_purchase") == 2
    assert "is there already" in capsys.readouterr().err
    (tmp_path / "corrected.csv").unlink()
    assert rejected(tmp_path, "--reason", "duplicate_purchase") == 0
    assert "nothing is written" in capsys.readouterr().out
    assert not (tmp_path / "corrected.csv").exists()


def test_in_the_form_that_the_configuration_reads(run_job, tmp_path: Path) -> None:
    settings = {"encoding": "windows-1252", "delimiter": ";", "skip_lines": 2, "columns": {"customer_id": "Kunde"}}
    text = "\n\n" + HEADER.replace("Customer_ID", "Kunde") + "Bäcker;,P1,,5,Kids\nC1,P2,2024-01-05,5,Kids\n"
    (tmp_path / "in.csv").write_bytes(text.replace(";", "").replace(",", ";").encode("cp1252"))
    run_job(tmp_path / "in.csv", max_rejected_ratio=1, **settings)
    config = tmp_path / "config.yaml"
    config.write_text('encoding: windows-1252\ndelimiter: ";"\nskip_lines: 2\ncolumns: {customer_id: Kunde}\n')
    assert rejected(tmp_path, "--config", str(config)) == 0
    again = tmp_path / "again.csv"
    again.write_text((tmp_path / "corrected.csv").read_text().replace(";P1;;", ";P1;2024-01-05;"))
    metadata = run_job(again, **settings)["metadata"]
    assert (metadata["rows_read"], metadata["rows_rejected"]) == (1, 0)
    assert list(published(tmp_path)[0]) == ["Bäcker"]


def test_columns_that_are_numbered_or_lines(run_job, tmp_path: Path) -> None:
    """Each is where this configuration looks for it; names of notes give way."""
    columns = {"customer_id": 2, "purchase_id": 1, "category": "source", "line_id": "Line"}
    text = "Number,Who,Date,Total_Amount_LKR,source,Line\nO1,A,2024-01-05,1,Kids,1\nO2,B,2024-02-30,2,Mens,7\n"
    (tmp_path / "in.csv").write_text(text)
    run_job(tmp_path / "in.csv", max_rejected_ratio=1, grain="line", columns=columns)
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"grain": "line", "columns": columns}))
    assert rejected(tmp_path, "--config", str(config)) == 0
    (row,) = written(tmp_path / "corrected.csv")
    assert (row["Line"], row["source"], row["source 2"]) == ("7", "Mens", str(tmp_path / "in.csv"))
    again = tmp_path / "again.csv"
    again.write_text((tmp_path / "corrected.csv").read_text().replace("2024-02-30", "2024-02-29"))
    run_job(again, grain="line", columns=columns)
    assert list(published(tmp_path)[0]) == ["B"]


def test_what_is_refused(tmp_path: Path, capsys) -> None:
    assert rejected(tmp_path) == 2
    assert "holds no table rejected_purchases" in capsys.readouterr().err
    assert rejected(tmp_path, "--reason", "bad") == 2
    assert "expected one of malformed_row, " in capsys.readouterr().err
    assert not (tmp_path / EXPORT).exists()


def test_a_place_that_cannot_be_written(rejecting, tmp_path: Path, capsys) -> None:
    where = tmp_path / "in.csv/corrected.csv"
    assert main(["rejected", "--output-dir", str(tmp_path / "out"), "--to", str(where)]) == 2
    assert "cannot be written: Not a directory" in capsys.readouterr().err
