"""The whole job: against the oracle, again and again, and with faults between its steps."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import segmentation
from segmentation.core.rules import Rule
from segmentation.core.segmenters import DEFAULT_SEGMENTERS, PurchaseFrequencySegmenter
from segmentation.engines.spark import engine as spark_engine
from segmentation.errors import ConfigError, NoDataError, OutputBusyError, QualityGateError, SourceError
from segmentation.pipeline import CustomerSegmentationPipeline

from . import dirty, oracle
from .conftest import EXPORT, GOOD, HEADER, Job, published, table
from .mutations import damaged

FESTIVE = [{"name": "New Year", "from": "04-01", "to": "04-14"}, {"name": "December", "from": "12-01", "to": "12-31"}]
COUNTS = ("rows_read", "purchases_used", "rows_rejected", "purchases_after_as_of")


def today() -> date:
    return datetime.now(UTC).astimezone(ZoneInfo("Asia/Colombo")).date()


def compare(tmp_path: Path, result: dict[str, Any], expected: oracle.Outcome) -> None:
    """Every count, label, metric and reason of a run against the oracle's."""
    metadata = result["metadata"]
    for name in (*COUNTS, "purchases", "returns_used", "customers_without_purchases"):
        assert metadata[name] == getattr(expected, name), name
    assert metadata["rows_read"] == (
        metadata["purchases_used"] + metadata["rows_rejected"] + metadata["purchases_after_as_of"]
    )
    assert metadata["rejected_by_reason"] == expected.rejected_by_reason
    assert metadata["warnings_by_reason"] == expected.warnings_by_reason
    assert metadata["total_customers"] == len(expected.customers)
    assert (tmp_path / EXPORT).read_bytes() == oracle.as_json(expected)
    for row in table(tmp_path, "customer_segments"):
        known = vars(expected.customers[row.customer_id])
        assert {name: getattr(row, name) for name in known} == known, row.customer_id
    rejected = [row for row in table(tmp_path, "rejected_purchases") if row.run_id == metadata["run_id"]]
    found = sorted((row.raw_record or "", row.customer_id or "", row.reasons) for row in rejected)
    assert found == sorted((raw.malformed or "", raw.customer_id or "", why) for raw, why in expected.rejected)


# --- against the oracle -----------------------------------------------------------------------------------------------

customer_ids = st.one_of(
    st.sampled_from(["C1", "C2", " C2", "c2", "Ł'3\"", "日本", "\u00a0C1\u2003", "=1+1", "C\\4", "", "\x01"]),
    st.sampled_from(
        ["\u200bC1 \ufeff", "\u00ad\u2060", "NULL", "\\N", " nan", "8.69712E+12", "1E+15", "1E5", "+94771234567"]
    ),
)
dates = st.one_of(
    st.dates(date(2022, 12, 1), date(2024, 6, 30)).map(str),
    st.dates(date(2023, 11, 25), date(2024, 6, 30)).map(str),
    st.sampled_from(["2024-06-30T23:59:59", "2024-06-29T18:30:00Z", "2024", "2023-02-29", "", "3000-01-01", "x"]),
    st.sampled_from(["1969-12-31", "1970-01-01", "2024-06-29 18:30:00 UTC", "2024-06-29T18:29GMT", "2024-06-29 UTC"]),
)
amounts = st.one_of(
    st.decimals(0, 40_000, places=2).map(str),
    st.sampled_from(
        [
            "15000",
            "14999.995",
            "0",
            "-0.004",
            "-1",
            "1e5",
            "",
            " 7 ",
            "9999999999999999.99",
            "12,000",
            ".5",
            "1,50,000.00",
            "1.50.000,5",
        ]
    ),
)
categories = st.sampled_from(
    ["Womens", "women's", "MENS", " gents", "Kids", "Boys", "Toys", "", "Mens", "Kids", "Womens", "N/A", "Kids\u200b"]
)
records = st.tuples(customer_ids, st.integers(0, 60).map(lambda n: f"P{n}" if n else ""), dates, amounts, categories)


MARKS = [
    {},
    {"thousands_separator": ","},
    {"decimal_separator": ",", "thousands_separator": "."},
    {"decimal_separator": ","},
]


def as_csv(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if any(mark in value for mark in '",\r\n') else value


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    rows=st.lists(records, min_size=30, max_size=90),
    as_of=st.sampled_from(["latest", "2024-03-31", "today"]),
    marks=st.sampled_from(MARKS),
)
def test_any_purchases_like_the_oracle(engine_name, spark_or_none, tmp_path_factory, rows, as_of, marks) -> None:
    tmp_path = tmp_path_factory.mktemp("property")
    source = tmp_path / "purchases.csv"
    lines = [",".join(map(as_csv, row)) for row in rows] + ["C1,P1,2024-01-01", "C9,P99,2023-05-05,5,Kids"]
    source.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    config = {"festive_periods": FESTIVE, "as_of": as_of, "max_rejected_ratio": 1, **marks}
    expected = oracle.evaluate(oracle.read_csv([source]), today=today(), config={**config, "as_of": str_day(as_of)})
    settings = {**config, "output_dir": str(tmp_path / "out"), "engine": engine_name}
    result = CustomerSegmentationPipeline(settings).run("csv", source, spark=spark_or_none)
    compare(tmp_path, result, expected)


DAMAGED = {
    "orders": {},
    "lines and returns": {"grain": "line", "returns": "net", "decimal_separator": ".", "thousands_separator": ","},
    "another encoding": {"encoding": "windows-1252"},
}


@pytest.mark.slow
@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files_like_the_oracle(case: str, run_job: Job, tmp_path: Path) -> None:
    """Never an unexpected failure, and nothing lost, whatever happens to bytes."""
    config = {"festive_periods": FESTIVE, "max_rejected_ratio": 1, **DAMAGED[case]}
    source = tmp_path / "purchases.csv"
    text = HEADER + "".join(f"{line}\n" for line in dirty.records(100_000, 12))
    source.write_bytes(damaged(text.encode(), 20, 12))
    raw = oracle.read_csv([source], encoding=config.get("encoding", "utf-8"))
    compare(tmp_path, run_job(source, **config), oracle.evaluate(raw, today=today(), config=config))


def test_purchases_of_a_century(run_job: Job, tmp_path: Path) -> None:
    """One mistyped year must not make the calendar of holidays more than an engine takes."""
    source = tmp_path / "purchases.csv"
    source.write_text(HEADER + "".join(f"C{year},P{year},{year:04}-04-10,5,Kids\n" for year in (24, 1900, 2024)))
    result = run_job(source)
    assert result["metadata"]["warnings_by_reason"] == {"ancient_date": 2}
    festive = {row.customer_id: row.festive_purchases for row in table(tmp_path, "customer_segments")}
    assert festive == {"C24": 0, "C1900": 0, "C2024": 1}


def str_day(as_of: str) -> str:
    return today().isoformat() if as_of == "today" else as_of


def test_other_rules_like_the_oracle(run_job: Job, tmp_path: Path) -> None:
    chance = random.Random(3)
    lines = [
        f"C{chance.randrange(60)},P{n},{date.fromordinal(738000 + chance.randrange(900))},{chance.randrange(30000)}."
        f"{chance.randrange(100):02},{chance.choice(['Damen', 'Mens', 'Kids', 'Toys'])}\n"
        for n in range(1500)
    ]
    source = tmp_path / "purchases.csv"
    source.write_text(HEADER + "".join(lines))
    config = {
        "festive_periods": FESTIVE,
        "category_aliases": {"damen": "Womens"},
        "loyal_min_purchases": 3,
        "loyal_window_months": 2,
        "lapsed_after_days": 30,
        "seasonal_threshold": 0.25,
        "frequency_order": ["Loyal", "Seasonal", "New", "Lapsed"],
        "frequency_fallback": "Usual",
        "high_aov_threshold": 16_000.01,
        "high_lifetime_threshold": 400_000,
        "low_lifetime_threshold": 250_000.5,
        "dominant_threshold": 0.35,
        "family_threshold": 0.25,
        "category_fallback": "Anything",
    }
    expected = oracle.evaluate(oracle.read_csv([source]), today=today(), config=config)
    compare(tmp_path, run_job(source, **config), expected)


# --- the same again ---------------------------------------------------------------------------------------------------


@contextmanager
def zone_of(spark: SparkSession | None, zone: str) -> Iterator[None]:
    """The caller's session has another time zone."""
    if spark is None:
        yield
        return
    before = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", zone)
    yield
    spark.conf.set("spark.sql.session.timeZone", before)


def test_the_same_bytes_whatever_the_partitions_the_files_and_the_zone(
    run_job: Job, spark_or_none: SparkSession | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = Path(segmentation.__file__).parents[1] / "data" / "purchase_records.csv"
    result = run_job(sample)
    first = (tmp_path / EXPORT).read_bytes()
    header, *lines = sample.read_text().splitlines(keepends=True)
    random.Random(1).shuffle(lines)
    parts = []
    for number in range(5):
        parts.append(tmp_path / f"part {number}.csv")
        parts[-1].write_text(header + "".join(lines[number::5]))
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    if spark_or_none is not None:
        monkeypatch.setattr(
            spark_engine, "fit_to", lambda spark, _: spark.conf.set("spark.sql.shuffle.partitions", "7")
        )
    with zone_of(spark_or_none, "America/New_York"):
        again = run_job(*reversed(parts))
    monkeypatch.undo()
    time.tzset()
    assert (tmp_path / EXPORT).read_bytes() == first
    same = ("as_of", "total_customers", "rows_read", "rows_rejected", "rejected_by_reason", "warnings_by_reason")
    assert [again["metadata"][name] for name in same] == [result["metadata"][name] for name in same]
    assert again["segments"] == result["segments"]
    assert all(count for labels in result["segments"].values() for count in labels.values()), (
        "the sample has every label"
    )


def test_one_purchase(run_job: Job, write_csv, tmp_path: Path) -> None:
    result = run_job(write_csv("C1,P1,2024-01-05,100,Womens\n"))
    assert result["segments"]["purchase_frequency"] == {"New": 1, "Loyal": 0, "Lapsed": 0, "Seasonal": 0, "Regular": 0}
    assert (tmp_path / EXPORT).read_text() == (
        '[\n{"customer_id":"C1","segmentation":'
        '{"purchase_frequency":"New","spending":"Low Value","category":"Womens"}}\n]\n'
    )
    json.dumps(result)


def test_a_file_read_twice_changes_nothing_but_the_counts(run_job: Job, write_csv, tmp_path: Path) -> None:
    one, two = write_csv(GOOD), write_csv(GOOD, "again.csv")
    run_job(one)
    before = (tmp_path / EXPORT).read_bytes()
    result = run_job(one, two)
    assert (tmp_path / EXPORT).read_bytes() == before
    assert result["metadata"]["rejected_by_reason"] == {"duplicate_purchase": 2}


def test_another_dimension_follows_the_others(run_job: Job, write_csv, tmp_path: Path) -> None:
    class Vip(PurchaseFrequencySegmenter):
        dimension = "vip"

        def rules(self):
            return [Rule("VIP", F.col("total_purchases") >= 2)]

    source = write_csv(GOOD + "C1,P5,2024-01-05,1,Kids\n")
    run_job(source)
    result = run_job(source, segmenters=[*(kind() for kind in DEFAULT_SEGMENTERS), Vip()])
    assert result["segments"]["vip"] == {"VIP": 1, "Regular": 1}
    elements = json.loads((tmp_path / EXPORT).read_text())
    assert list(elements[0]["segmentation"]) == ["purchase_frequency", "spending", "category", "vip"]
    assert [row.vip for row in table(tmp_path, "customer_segments")].count("VIP") == 1


# --- what is recorded -------------------------------------------------------------------------------------------------


def test_tables_carry_the_run(engine_name: str, run_job: Job, write_csv, tmp_path: Path) -> None:
    result = run_job(write_csv(GOOD + 'C1,P3,2024-13-01," 5,0",Kids\nC1,P1,2024-01-05,100.00,women\n'))
    run_id = result["metadata"]["run_id"]
    (run,) = table(tmp_path, "runs")
    assert (run.run_id, run.outcome, run.source, run.as_of) == (run_id, "succeeded", "csv", date(2024, 1, 6))
    assert (run.rows_read, run.purchases_used, run.rows_rejected, run.purchases_after_as_of) == (4, 2, 2, 0)
    assert run.rejected_by_reason == {"invalid_purchase_date": 1, "invalid_amount": 1, "duplicate_purchase": 1}
    assert run.segments["category"]["Kids"] == 1
    assert run.versions["pyspark" if run.engine == "embedded" else "spark"] and run.config_fingerprint and run.durations
    assert (run.engine, run.engine_reason) == (engine_name, result["metadata"]["engine_reason"])
    assert run.finished_at > run.started_at
    rejected = {row.purchase_id: row for row in table(tmp_path, "rejected_purchases")}
    assert rejected["P3"].amount == " 5,0"
    assert rejected["P3"].source == str(tmp_path / "purchases.csv")
    assert {row.run_id for row in rejected.values()} == {run_id}
    customers = DeltaTable(tmp_path / "out/delta/customer_segments")
    assert {(row.run_id, row.as_of) for row in table(tmp_path, "customer_segments")} == {(run_id, date(2024, 1, 6))}
    assert [field.name for field in customers.schema().fields if not field.nullable][:4] == [
        "customer_id",
        "purchase_frequency",
        "spending",
        "category",
    ]
    assert json.loads(customers.history(1)[0]["userMetadata"])["run_id"] == run_id
    log = (tmp_path / "out/segmentation_runs.log").read_text()
    assert all(run_id in line for line in log.splitlines())
    assert "Run succeeded: 2 customers" in log


def test_a_dry_run_publishes_nothing(run_job: Job, write_csv, tmp_path: Path) -> None:
    result = run_job(write_csv(GOOD + "broken\n"), dry_run=True)
    assert (result["metadata"]["total_customers"], result["output_file"], result["tables"]) == (2, None, {})
    assert not (tmp_path / EXPORT).exists()
    assert not (tmp_path / "out/delta").exists()


# --- gates and errors -------------------------------------------------------------------------------------------------


def test_the_gate_keeps_what_was_published(run_job: Job, write_csv, tmp_path: Path) -> None:
    run_job(write_csv(GOOD))
    before = published(tmp_path)
    nine = "".join(f"C{n},Q{n},2024-01-05,1,Kids\n" for n in range(9))
    bad = write_csv(nine + "broken\n")
    assert run_job(bad, max_rejected_ratio=0.1)["metadata"]["rows_rejected"] == 1
    run_job(write_csv(GOOD))
    bad = write_csv(nine + "broken\nbroken\n")
    with pytest.raises(QualityGateError, match=r"2 of 11 rows were rejected .*malformed_row 2"):
        run_job(bad, max_rejected_ratio=0.1)
    assert published(tmp_path) == before
    runs = sorted(table(tmp_path, "runs"), key=lambda run: run.started_at)
    assert [run.outcome for run in runs] == ["succeeded", "succeeded", "succeeded", "failed"]
    assert runs[-1].rows_rejected == 2
    assert [row.run_id for row in table(tmp_path, "rejected_purchases")].count(runs[-1].run_id) == 2
    assert not (list((tmp_path / "out/.staging").glob("*")))


@pytest.mark.parametrize(
    ("rows", "config", "message"),
    [
        ("", {}, "No data found: there are no rows in "),
        ("broken\n", {}, "No data found: none of 1 rows"),
        (GOOD, {"as_of": "2023-01-01"}, "No data found: none of 2 rows .* 2 after the as-of day"),
    ],
)
def test_nothing_to_segment(run_job: Job, write_csv, tmp_path: Path, rows, config, message) -> None:
    with pytest.raises(NoDataError, match=message):
        run_job(write_csv(rows), **config)
    assert not (tmp_path / EXPORT).exists()


def test_purchases_after_the_as_of_day(run_job: Job, write_csv, tmp_path: Path) -> None:
    rows = "C1,P1,2024-01-05,1,Kids\nC1,P2,2024-01-06,1,Toys\nC2,P3,2024-01-06,1,Kids\nC1,P1,2024-01-07,1,Kids\n"
    result = run_job(write_csv(rows), as_of="2024-01-06")
    metadata = result["metadata"]
    # Of the two rows with P1 the later one is kept, before the cut: it lies after the as-of day.
    assert metadata["rejected_by_reason"] == {"conflicting_purchase": 1}
    assert (metadata["purchases_used"], metadata["purchases_after_as_of"]) == (2, 1)
    assert metadata["warnings_by_reason"] == {"unknown_category": 1}
    assert metadata["as_of"] == "2024-01-06"


def test_another_run_holds_the_output(run_job: Job, write_csv, tmp_path: Path) -> None:
    from filelock import FileLock

    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out/.segmentation.lock"), pytest.raises(OutputBusyError, match="Another run holds"):
        run_job(write_csv(GOOD))


def test_a_truncated_archive_is_no_shorter_file(run_job: Job, tmp_path: Path) -> None:
    import gzip

    whole = gzip.compress((HEADER + "".join(f"C{n},P{n},2024-01-05,{n},Kids\n" for n in range(20000))).encode())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"cut\.csv\.gz"):
        run_job(tmp_path / "cut.csv.gz")


def test_unknown_sources_and_modes() -> None:
    job = CustomerSegmentationPipeline()
    with pytest.raises(ConfigError, match="Unknown mode 'daily': expected one of full, incremental"):
        job.run("csv", mode="daily")
    with pytest.raises(ConfigError, match="Unknown source 'excel'"):
        job.run("excel")
