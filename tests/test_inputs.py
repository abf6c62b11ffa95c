"""Second inputs: what is wrong with them is told, what they say of customers is what their rows say."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from segmentation.cli import main
from segmentation.config import load_config
from segmentation.core.segmentation import Segmentation
from segmentation.errors import ConfigError, QualityGateError, SourceError
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.run.freshness import look
from segmentation.run.request import Request

from .conftest import Job, table

PURCHASES = "A,1,2024-06-10,100,Mens\nA,2,2024-06-20,300,Mens\nB,3,2024-06-30,50,Kids\nC,4,2024-05-01,9,Kids\n"
EVENTS = "Customer_ID,Session,Event,Day,Seconds\n"
ACCOUNTS = "Account,Size,Trade\n"
SOME = "A,s1,view,2024-06-01,10\nA,s1,basket,2024-06-01,20\nA,s2,view,2024-01-01,5\nB,s3,view,2024-06-30,1\n"
Write = Callable[..., Path]


def events(path: Path | str = "events.csv", **more: Any) -> dict[str, Any]:
    columns = {
        "session": {"from": "Session"},
        "event": {"from": "Event"},
        "day": {"from": "Day", "type": "date"},
        "seconds": {"from": "Seconds", "type": "integer"},
    }
    return {"events": {"path": str(path), "date": "day", "columns": columns, **more}}


def accounts(path: Path | str = "accounts.csv", **more: Any) -> dict[str, Any]:
    columns = {"size": {"from": "Size", "type": "integer"}, "trade": {"from": "Trade"}}
    return {"accounts": {"path": str(path), "grain": "one", "customer_id": "Account", "columns": columns, **more}}


def over(sql: str, name: str = "m", of: str | None = "events") -> dict[str, Any]:
    return {"name": name, "sql": sql, **({"from": of} if of else {})}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a date that is no column": (
        {"inputs": events(date="when")},
        "inputs.events: date: expected one of session, event",
    ),
    "a date that is a text": (
        {"inputs": events(date="event")},
        "date: event is string, expected a column of type: date",
    ),
    "a key that is no column": ({"inputs": events(key="id")}, "inputs.events: key: expected one of"),
    "a date of one row a customer": ({"inputs": accounts(key="size")}, "key: only for grain: many"),
    "no columns": ({"inputs": {"events": {"path": "x", "columns": {}}}}, "inputs.events.columns"),
    "no path": ({"inputs": {"events": {"columns": {"a": {}}}}}, "inputs.events.path"),
    "an unknown key": ({"inputs": events(colums={})}, "inputs.events.colums: unknown key"),
    "an unknown format": ({"inputs": events(format="xlsx")}, "inputs.events.format"),
    "an input that is none": (
        {"inputs": events(), "metrics": [over("count(*)", of="event")]},
        "there is no input 'event', did you mean 'events'?",
    ),
    "no aggregate": ({"inputs": events(), "metrics": [over("seconds + 1")]}, "asks for an aggregate over its rows"),
    "a column of purchases": (
        {"inputs": events(), "metrics": [over("sum(amount)")]},
        "a row of events has no 'amount'",
    ),
    "windows without a date": (
        {"inputs": events(date=None), "metrics": [over("count_if(in_last_90_days)")]},
        "a row of events has no 'in_last_90_days'",
    ),
    "a column that is made on the way": (
        {"inputs": {"events": {"path": "x", "columns": {"whose": {}}}}},
        "inputs.events.columns.whose: 'whose' is the name of",
    ),
    "a column twice": ({"inputs": accounts(), "metrics": [over("count(*)", "size", None)]}, "'size' is the name of"),
    "a column of a metric": (
        {"inputs": {"accounts": {"path": "x", "grain": "one", "columns": {"lifetime_spend": {}}}}},
        "inputs.accounts.columns.lifetime_spend: 'lifetime_spend' is the name of",
    ),
    "the customer's own column": (
        {"inputs": {"events": {"path": "x", "columns": {"customer_id": {}}}}},
        "'customer_id' is the name of something else",
    ),
    "a column of many rows": (
        {"inputs": events(), "metrics": [over("seconds * 2", of=None)]},
        "a customer has no 'seconds'",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_before_anything_is_read(name: str) -> None:
    settings, message = WRONG[name]
    with pytest.raises(ConfigError) as caught:
        Segmentation(load_config(settings))
    assert message in str(caught.value)


MISSING: dict[str, tuple[Callable[[Path], dict[str, Any]], str]] = {
    "file": (lambda folder: events(folder / "none.csv"), "Correct inputs.events.path"),
    "column": (
        lambda folder: events(folder / "accounts.csv"),
        (
            "inputs.events: Missing required columns: {folder}/accounts.csv lacks Customer_ID, Session, Event, Day, "
            "Seconds; it has 'Account', 'Size', 'Trade'. Map other names in the configuration, for example: "
            "customer_id: <name in the file>, and columns: {{session: {{from: <name in the file>}}"
        ),
    ),
    "table": (lambda folder: accounts(folder / "accounts.csv", format="parquet"), "is no table"),
}


@pytest.mark.parametrize("what", MISSING)
def test_what_is_missing_is_refused_first(what: str, run_job: Job, write_csv: Write, tmp_path: Path) -> None:
    write_csv("A,1,x\n", "accounts.csv", ACCOUNTS)
    inputs, message = MISSING[what]
    with pytest.raises(SourceError) as caught:
        # The purchases are not there either, but nobody has looked for them yet.
        run_job(tmp_path / "none.csv", inputs=inputs(tmp_path))
    assert message.format(folder=tmp_path) in str(caught.value)
    assert caught.value.exit_code == 3


def test_rows_that_cannot_be_used_are_counted_and_told(
    run_job: Job, write_csv: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    purchases = write_csv(PURCHASES)
    seen = (
        f"{SOME},s4,view,2024-06-01,1\nA,s5,view,,1\nA,s6,view,2024-02-30,1\nA,s7\nA,s8,view,2024-07-01,1\n"
        "A,s1,view,2024-06-01,long\nZ,s9,view,2024-06-01,1\nZ,s9,view,2024-06-02,1\n"
    )
    there = "A,10,Hotels\nA,10,Hotels\nA,,Hotels\nB,x,Retail\n,1,Retail\n"
    inputs = {
        **events(write_csv(seen, "events.csv", EVENTS)),
        **accounts(write_csv(there, "accounts.csv", ACCOUNTS)),
    }
    result = run_job(purchases, inputs=inputs, metrics=[over("count(*)", "seen")])
    expected = {
        "events": {
            "rows_read": 12,
            "rows_used": 5,
            "rows_rejected": 4,
            "rows_after_as_of": 1,
            "rows_of_others": 2,
            "others": 1,
            "customers": 2,
            "invalid_values": 1,
            "malformed_row": 1,
            "missing_customer_id": 1,
            "missing_date": 1,
            "invalid_date": 1,
        },
        "accounts": {
            "rows_read": 5,
            "rows_used": 2,
            "rows_rejected": 3,
            "rows_after_as_of": 0,
            "rows_of_others": 0,
            "others": 0,
            "customers": 2,
            "invalid_values": 1,
            "missing_customer_id": 1,
            "duplicate_row": 1,
            "conflicting_row": 1,
        },
    }
    assert result["metadata"]["inputs"] == expected
    (run,) = table(tmp_path, "runs")
    assert run.inputs == expected
    rows = {row.customer_id: row for row in table(tmp_path, "customer_segments")}
    assert {who: (row.seen, row.size, row.trade) for who, row in rows.items()} == {
        "A": (4, 10, "Hotels"),
        "B": (1, None, "Retail"),
        "C": (0, None, None),
    }
    told = "\n".join(record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert "inputs.events: rejected 4 of 12 rows: malformed_row 1, missing_customer_id 1" in told
    assert "inputs.events: rows of those who have no purchase, and so are no customers: 2 of 1" in told
    assert "inputs.accounts: rows with a value not of its type, which counts as none: 1" in told


def test_rows_of_one_key_count_once(run_job: Job, write_csv: Write, tmp_path: Path) -> None:
    seen = "A,s1,view,2024-06-01,1\nA,s1,view,2024-06-01,1\nB,s1,view,2024-06-01,1\nA,,view,2024-06-01,1\n"
    inputs = events(write_csv(seen, "events.csv", EVENTS), key="session")
    found = run_job(write_csv(PURCHASES), inputs=inputs)["metadata"]["inputs"]["events"]
    assert (found["duplicate_row"], found["conflicting_row"], found["missing_key"]) == (1, 1, 1)


def test_an_input_that_is_mostly_broken_is_refused(run_job: Job, write_csv: Write, tmp_path: Path) -> None:
    inputs = events(write_csv(f"{SOME},s9,view,2024-06-01,1\n", "events.csv", EVENTS))
    with pytest.raises(QualityGateError, match=r"inputs\.events: 1 of 5 rows were rejected .*missing_customer_id 1"):
        run_job(write_csv(PURCHASES), inputs=inputs, max_rejected_ratio="0.1")
    (run,) = table(tmp_path, "runs")
    assert run.inputs["events"]["rows_rejected"] == 1
    assert not (tmp_path / "out/customer_segmentation.json").exists()


def test_metrics_over_rows_are_what_sql_says(run_job: Job, write_csv: Write, tmp_path: Path) -> None:
    metrics = [
        over("count(*)", "n"),
        over("count(distinct session)", "sessions"),
        over("sum(seconds)", "time"),
        over("avg(seconds) filter (where event = 'view')", "viewing"),
        over("mode(event)", "usual"),
        over("max_by(event, day)", "latest"),
        over("count_if(in_last_90_days)", "recent"),
        over("datediff(as_of, max(day))", "away"),
        over("coalesce(sum(seconds), 0) / count(*)", "each"),
        over("sessions * 10 + total_purchases", "both", None),
    ]
    inputs = events(write_csv(SOME, "events.csv", EVENTS))
    run_job(write_csv(PURCHASES), inputs=inputs, metrics=metrics)
    names = [one["name"] for one in metrics]
    found = {row.customer_id: [getattr(row, name) for name in names] for row in table(tmp_path, "customer_segments")}
    assert found == {
        # Of two events of the last day, the one that is last by its name.
        "A": [3, 2, 35, 7.5, "view", "view", 2, 29, 35 / 3, 22],
        "B": [1, 1, 1, 1.0, "view", "view", 1, 0, 1.0, 11],
        "C": [0, 0, None, None, None, None, 0, None, None, 1],
    }


@pytest.mark.parametrize("kind", ["delta", "parquet"])
def test_a_table_as_second_input(kind: str, run_job: Job, write_csv: Write, tmp_path: Path) -> None:
    rows = pa.table({"Account": ["A", "B"], "Size": [5, None], "Trade": ["Hotels", "Retail"]})
    place = tmp_path / "accounts"
    if kind == "delta":
        write_deltalake(place, rows)
    else:
        place.mkdir()
        pq.write_table(rows, place / "a.parquet")
    run_job(write_csv(PURCHASES), inputs=accounts(place, format=kind))
    assert [
        (row.size, row.trade) for row in sorted(table(tmp_path, "customer_segments"), key=lambda r: r.customer_id)
    ] == [
        (5, "Hotels"),
        (None, "Retail"),
        (None, None),
    ]


def test_a_changed_input_asks_for_a_run(run_job: Job, write_csv: Write, tmp_path: Path) -> None:
    purchases, seen = write_csv(PURCHASES), write_csv(SOME, "events.csv", EVENTS)
    run_job(purchases, inputs=events(seen))
    config = load_config({"output_dir": str(tmp_path / "out"), "max_rejected_ratio": 1, "inputs": events(seen)})

    def is_due() -> bool:
        return look(config, Request.of("csv", [purchases], None, config), datetime.now(UTC))[0]

    assert not is_due()
    write_csv(SOME + "B,s7,view,2024-06-29,1\n", "events.csv", EVENTS)
    assert is_due()


@pytest.mark.embedded_only("options hang on no engine")
def test_an_option_says_where_an_input_lies(
    engine_name: str, write_csv: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "own.yaml"
    config.write_text(json.dumps({"inputs": events("nowhere.csv"), "metrics": [over("count(*)", "seen")]}))
    there = write_csv(SOME, "events.csv", EVENTS)
    words = ["run", "--csv-path", str(write_csv(PURCHASES)), "--config", str(config), "--engine", "embedded"]
    words += ["--output-dir", str(tmp_path / "out")]
    assert main([*words, "--input", f"events={there}"]) == 0
    assert "events: rows read" in capsys.readouterr().out
    assert main([*words, "--input", f"event={there}"]) == 2
    assert "did you mean 'events'?" in capsys.readouterr().err


def test_the_day_of_the_run_is_the_day_of_events(run_job: Job, write_csv: Write, tmp_path: Path) -> None:
    inputs = events(write_csv(SOME, "events.csv", EVENTS))
    run_job(write_csv(PURCHASES), inputs=inputs, metrics=[over("max(day)", "seen")], as_of="2024-06-20")
    assert {row.customer_id: row.seen for row in table(tmp_path, "customer_segments")} == {
        "A": date(2024, 6, 1),
        "C": None,
    }


def test_what_inputs_said_stands_where_only_the_published_is_read(
    run_job: Job, write_csv: Write, tmp_path: Path, engine_name: str
) -> None:
    inputs = {
        **events(write_csv(SOME, "events.csv", EVENTS)),
        **accounts(write_csv("A,10,Hotels\n", "accounts.csv", ACCOUNTS)),
    }
    rules = [{"label": "Here", "when": "seen >= 1 and size >= 10 and days_since_last_purchase <= 30"}]
    settings = {
        "inputs": inputs,
        "metrics": [over("count(*)", "seen")],
        "dimensions": [{"name": "kind", "rules": rules, "otherwise": "Not"}],
        "mode": "incremental",
    }
    run_job(write_csv(PURCHASES), **settings)
    settings |= {"output_dir": str(tmp_path / "out"), "max_rejected_ratio": 1}
    told = CustomerSegmentationPipeline(settings).explain("A")
    assert told["metrics"]["seen"] == 3
    assert told["next"][0] == {"day": "2024-07-21", "dimension": "kind", "from_label": "Here", "to_label": "Not"}
    # By another setting that measures, and on another day, from the purchases that are kept.
    tried = {**settings, "loyal_window_months": 3, "as_of": "2024-06-20"}
    kind = CustomerSegmentationPipeline(tried).preview()["dimensions"][-1]
    after = {one["label"]: one["customers"]["after"] for one in kind["labels"]}
    assert after == {"Here": 1, "Not": 1}
    with pytest.raises(ConfigError, match="second inputs come to by other settings"):
        CustomerSegmentationPipeline({**settings, "metrics": [over("count(event)", "seen")]}).preview()


def test_what_an_input_changes_has_a_cause(run_job: Job, write_csv: Write, tmp_path: Path) -> None:
    rules = [{"label": "Here", "when": "seen >= 1"}]
    settings = {
        "inputs": events(write_csv(SOME, "events.csv", EVENTS)),
        "metrics": [over("count(*)", "seen")],
        "dimensions": [{"name": "kind", "rules": rules, "otherwise": "Not"}],
    }
    purchases = write_csv(PURCHASES)
    run_job(purchases, **settings)
    write_csv(f"{SOME}C,s9,view,2024-06-01,1\n", "events.csv", EVENTS)
    run_job(purchases, **settings)
    (change,) = [row for row in table(tmp_path, "segment_changes") if row.cause != "first_seen"]
    assert (change.customer_id, change.to_label, change.cause) == ("C", "Here", "input")
