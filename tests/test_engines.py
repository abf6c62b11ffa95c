"""Both engines beside each other: which one is taken, and that nobody sees which one it was."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyspark
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from segmentation.config import load_config
from segmentation.core import plain, texts
from segmentation.core.types import struct
from segmentation.core.validation import label_rows
from segmentation.engines import choose as choose_module
from segmentation.engines.base import Engine
from segmentation.engines.choose import Choice, Task, choose
from segmentation.engines.spark.engine import SparkEngine
from segmentation.engines.spark.tables import SparkTables
from segmentation.engines.stores import TableSpec
from segmentation.errors import ConfigError, NoDataError, SegmentationError
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.schemas import PURCHASE_COLUMNS
from segmentation.sinks.json_export import ESCAPES, elements, json_string
from segmentation.sources import records as csv_records
from segmentation.sources.layout import Layout
from segmentation.sources.records import put_together
from segmentation.state.commits import last_commit
from segmentation.state.tables import REJECTED, REJECTED_SCHEMA, RUN_SCHEMA, RUNS

from .conftest import EXPORT, GOOD, HEADER, OTHER, TODAY, Job, embedded_engine, published, rows_of, table
from .dirty import records
from .processes import ROOT

needs_both = pytest.mark.skipif(pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4")
RAW_SCHEMA = struct(source_id="long", raw_record="string", **dict.fromkeys(PURCHASE_COLUMNS, "string"))

# --- which one --------------------------------------------------------------------------------------------------------


@pytest.fixture
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """As if no Spark were about."""
    for name in ("PYSPARK_SUBMIT_ARGS", "PYSPARK_GATEWAY_PORT", "SPARK_HOME", "SPARK_CONF_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(choose_module, "has_active_context", lambda: False)
    monkeypatch.setattr(choose_module, "missing_packages", list)
    return monkeypatch


def choice(
    tmp_path: Path, spark: Any = None, source: str = "csv", path: str = "", output: str = "", **config
) -> Choice:
    (tmp_path / "in.csv").write_text(HEADER + GOOD)
    task = Task(source, [path or str(tmp_path / "in.csv")], output or str(tmp_path / "out"))
    return choose(load_config(config), task, spark)


def test_where_nothing_speaks_for_spark_it_is_the_embedded_engine(nothing_chosen, tmp_path: Path) -> None:
    assert choice(tmp_path) == Choice("embedded", "everything is on this machine")
    assert choice(tmp_path, output="file:///tmp/out").name == "embedded"
    assert choice(tmp_path, engine="spark") == Choice("spark", "it was asked for")
    assert choice(tmp_path, engine="embedded") == Choice("embedded", "it was asked for")


SPARK_IS_NEEDED = {
    "MongoDB as source": ({"source": "mongodb", "path": "retail.purchases"}, "only Spark reads and writes MongoDB"),
    "MongoDB as sink": (
        {"mongodb": {"host": "h"}, "publish_to_mongodb": {"database": "d", "collection": "c"}},
        "only Spark reads and writes MongoDB",
    ),
    "a source elsewhere": ({"path": "hdfs://x/in.csv"}, "hdfs://x/in.csv is not on this machine"),
    "an output elsewhere": ({"output": "s3a://x/out"}, "s3a://x/out is not on this machine"),
    "an output that looks like a pattern": ({"output": "/o [1]"}, "the embedded engine cannot publish to a path with"),
    "dates with words": ({"date_formats": ["dd MMM yyyy"]}, "only Spark reads dates of the form dd MMM yyyy"),
    "an ending that only Hadoop knows": ({"path": "x.csv.zst"}, r"only Spark reads .zst \(x.csv.zst\)"),
}


@pytest.mark.parametrize("case", SPARK_IS_NEEDED)
def test_what_only_spark_can(case: str, nothing_chosen, tmp_path: Path) -> None:
    options, why = SPARK_IS_NEEDED[case]
    nothing_chosen.chdir(tmp_path)
    (tmp_path / "x.csv.zst").touch()
    taken = choice(tmp_path, **options)
    assert taken.name == "spark"
    assert re.match(why, taken.why)
    with pytest.raises(ConfigError, match=f"--engine embedded was asked for, but {why}"):
        choice(tmp_path, engine="embedded", **options)


def test_more_text_than_the_limit(nothing_chosen, tmp_path: Path) -> None:
    size = len(HEADER + GOOD)
    assert choice(tmp_path, embedded_max_bytes=size).name == "embedded"
    large = choice(tmp_path, embedded_max_bytes=size - 1)
    assert large == Choice("spark", f"{size} bytes of text are more than embedded_max_bytes ({size - 1})")
    assert choice(tmp_path, embedded_max_bytes=1, engine="embedded").name == "embedded"


def test_a_compressed_file_counts_as_the_text_in_it(nothing_chosen, tmp_path: Path) -> None:
    packed = tmp_path / "in.csv.gz"
    packed.write_bytes(gzip.compress(HEADER.encode()))
    size = packed.stat().st_size
    assert choice(tmp_path, path=str(packed), embedded_max_bytes=5 * size).name == "embedded"
    assert choice(tmp_path, path=str(packed), embedded_max_bytes=5 * size - 1).name == "spark"


def test_spark_where_somebody_chose_it(nothing_chosen, tmp_path: Path) -> None:
    assert choice(tmp_path, spark=object()) == Choice("spark", "spark= was given")
    with pytest.raises(ConfigError, match="spark= was given"):
        choice(tmp_path, spark=object(), engine="embedded")
    for name, value, why in (
        ("PYSPARK_SUBMIT_ARGS", "--master local[1] pyspark-shell", "a master is set for Spark"),
        ("PYSPARK_GATEWAY_PORT", "1", "spark-submit started this"),
    ):
        with nothing_chosen.context() as patch:
            patch.setenv(name, value)
            assert choice(tmp_path) == Choice("spark", why)
    (tmp_path / "spark-defaults.conf").write_text("# spark.master no\nspark.master=spark://h:7077\n")
    with nothing_chosen.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(tmp_path))
        assert choice(tmp_path) == Choice("spark", "a master is set for Spark")


def test_an_active_session_is_a_choice(spark: SparkSession) -> None:
    assert choose_module.has_active_context()


def test_where_a_package_is_missing(nothing_chosen, tmp_path: Path) -> None:
    nothing_chosen.setattr(choose_module, "missing_packages", lambda: ["pysail"])
    install = "pip install 'customer-segmentation[embedded]'"
    assert choice(tmp_path) == Choice("spark", f"the embedded engine lacks pysail ({install})")
    with pytest.raises(ConfigError) as caught:
        choice(tmp_path, engine="embedded")
    assert f"--engine embedded needs pysail: {install}, or use --engine spark." in str(caught.value)


# --- the same expressions ---------------------------------------------------------------------------------------------


def test_every_pattern_is_one_that_all_engines_read_alike(engine: Engine, tmp_path: Path, monkeypatch) -> None:
    """Rust knows no lookaround and no possessive marks; digits and the end of a text have several meanings."""
    from pyspark.sql import functions as F

    used: list[str] = []

    def noting(real: Callable[..., Any], at: int) -> Callable[..., Any]:
        def called(*arguments):
            used.append(str(arguments[at]))
            return real(*arguments)

        return called

    column = type(F.lit(1))
    monkeypatch.setattr(column, "rlike", noting(column.rlike, 1))
    for name, at in (("regexp_extract", 1), ("split", 1), ("regexp_extract_all", 1), ("regexp_replace", 1)):
        monkeypatch.setattr(F, name, noting(getattr(F, name), at))
    raw = engine.rows([], RAW_SCHEMA)
    config = load_config({"thousands_separator": ",", "date_formats": ["dd/MM/yyyy"]})
    for by_pattern in (True, False):
        label_rows(raw, config, TODAY, by_pattern=by_pattern)
    elements(raw, ["category"])
    layout = Layout((HEADER.strip(),), tuple(HEADER.strip().split(",")), (0, 1, 2, 3, 4), ",", "utf-8")
    lines = engine.rows([], struct(source_id="long", place="long", line="string"))
    # Spark's own pattern of a field is possessive, with its reason.
    put_together(
        lines, layout, replace(engine.dialect, field="field") if engine.name == "spark" else engine.dialect, marked=True
    )
    constants = [
        value
        for module in (texts, plain, csv_records)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str)
    ]
    assert len(used) >= 12
    for pattern in (*used, *constants):
        for mark in ("(?=", "(?!", "(?<", "*+", "++", "?+", "}+", "\\d", "$"):
            assert mark not in pattern, (mark, pattern)


TEXTS = ["plain", 'a "b"', "back\\slash", "/", "é日本\u2028", "\x7f", *map(chr, range(32)), "a\x00b"]


LINES = ["a,b,c,d,e", ",,,,", "a,b", "a,b,c,d,e,f", "", "1,2,3,4,", '"a,b",b,c,d,e', 'a"b,c,d,e,"f"']


def test_lines_are_cut_alike_at_once_or_field_by_field(engine: Engine) -> None:
    layout = Layout((HEADER.strip(),), tuple(HEADER.strip().split(",")), (0, 1, 2, 3, 4), ",", "utf-8")
    records = engine.rows([{"record": line} for line in LINES], struct(source_id="long", record="string"))
    for split in (csv_records.split_plainly, csv_records.split_carefully):
        ways = [
            split(records, layout, replace(engine.dialect, at_once=at_once), marked=True) for at_once in (True, False)
        ]
        assert rows_of(ways[0]) == rows_of(ways[1])


def test_json_strings_are_written_as_spark_writes_them(engine: Engine, spark: SparkSession) -> None:
    from pyspark.sql import functions as F

    rows = [{"text": text} for text in TEXTS]
    ours = engine.rows(rows, struct(text="string")).select("text", json_string(F.col("text")).alias("json"))
    found = {row.text: row.json for row in ours.collect()}
    assert len(ESCAPES) == 34
    os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)
    of_spark = spark.createDataFrame(rows, "text string").select(F.to_json(F.struct("text")).alias("json"))
    assert sorted('{"text":' + json + "}" for json in found.values()) == sorted(row.json for row in of_spark.collect())


plain_texts = st.one_of(
    st.sampled_from(["2024-01-05", "2024-1-05", "2024-01-5 ", "02024-1-1", "2024-02-30", "0999-01-01", "2027-01-01"]),
    st.sampled_from(["12.30", "12.3", "12", "012.30", "0.05", "-1.00", "+1", "1e5", "9999999999999999.995", ".5"]),
    st.sampled_from(["1969-12-31", "1970-01-01", "1900-01-01", "12,30", "1E+12", "8.6E+12", "1", "1E", "NULL", "\\N"]),
    st.text(alphabet="C1 \n\té.-T,eE+\u200b", max_size=4),
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    rows=st.lists(st.tuples(plain_texts, plain_texts, plain_texts, plain_texts), min_size=20, max_size=60),
    separator=st.sampled_from([".", ","]),
)
def test_a_row_is_plain_by_its_pattern_or_by_its_parts_alike(engine: Engine, rows, separator: str) -> None:
    config = load_config({"decimal_separator": separator})
    names = ("customer_id", "purchase_id", "purchase_date", "amount")
    raw = engine.rows([{"category": "Kids", **dict(zip(names, row, strict=True))} for row in rows], RAW_SCHEMA)
    shown = ("clean", "plain_day", "plain_amount", "same_amount")
    by_pattern, by_parts = (
        [
            tuple(row) if row.clean else False
            for row in plain.with_plain_values(raw, config, TODAY, by_pattern=way).select(*shown).collect()
        ]
        for way in (True, False)
    )
    assert by_pattern == by_parts


# --- the same outcome -------------------------------------------------------------------------------------------------


def outcome(folder: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Everything that a run publishes, less what says when it ran and with what."""
    customers = [vars(row) for row in table(folder, "customer_segments")]
    rejected = [vars(row) for row in table(folder, "rejected_purchases")]
    for row in (*customers, *rejected):
        for name in ("run_id", "updated_at", "rejected_at"):
            row.pop(name, None)
    names = ("as_of", "rows_read", "purchases_used", "rows_rejected", "purchases_after_as_of", "rejected_by_reason")
    return {
        "json": (folder / EXPORT).read_bytes(),
        "customers": sorted(customers, key=lambda row: row["customer_id"]),
        "rejected": sorted(rejected, key=repr),
        "metadata": {name: result["metadata"][name] for name in (*names, "warnings_by_reason", "total_customers")},
        "segments": result["segments"],
    }


def run_on(engine: str, spark: SparkSession, source: Path, folder: Path, **config) -> dict[str, Any]:
    pipeline = CustomerSegmentationPipeline(
        {"engine": engine, "output_dir": str(folder / "out"), "max_rejected_ratio": 1, **config}
    )
    return pipeline.run("csv", source, spark=spark if engine == "spark" else None)


def compare(spark: SparkSession, source: Path, tmp_path: Path, **config) -> dict[str, Any]:
    found = {}
    for engine in ("embedded", "spark"):
        folder = tmp_path / engine
        folder.mkdir()
        found[engine] = outcome(folder, run_on(engine, spark, source, folder, **config))
    for what in found["spark"]:
        assert found["embedded"][what] == found["spark"][what], what
    return found["spark"]


@needs_both
def test_the_sample(spark: SparkSession, tmp_path: Path) -> None:
    found = compare(spark, ROOT / "data" / "purchase_records.csv", tmp_path)
    assert len(found["customers"]) == 860


WRONG = {
    "nothing there": (None, {}),
    "columns": ("Customer_ID,Order_ID\n", {}),
    "separator": (HEADER.replace(",", ";"), {}),
    "header alone": (HEADER, {}),
    "all empty": ("", {}),
    "no usable row": (HEADER + "broken\n", {}),
    "gate": (HEADER + GOOD + "broken\n", {"max_rejected_ratio": 0.1}),
    "before the first": (HEADER + GOOD, {"as_of": "2020-01-01"}),
}


@needs_both
@pytest.mark.parametrize("case", WRONG)
def test_messages_and_exit_codes_are_the_same(case: str, spark: SparkSession, tmp_path: Path) -> None:
    text, config = WRONG[case]
    source = tmp_path / "in.csv"
    if text is not None:
        source.write_text(text)
    said = []
    for engine in ("embedded", "spark"):
        with pytest.raises(SegmentationError) as caught:
            run_on(engine, spark, source, tmp_path / engine, **config)
        said.append((caught.value.exit_code, str(caught.value)))
    assert said[0] == said[1]


@needs_both
@pytest.mark.slow
def test_600_000_dirty_rows(spark: SparkSession, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for number in range(3):
        lines = records(200_000, number)
        (source / f"part {number}.csv").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    found = compare(spark, source, tmp_path, as_of="2024-06-30", date_formats=["dd/MM/yyyy"], thousands_separator=",")
    assert found["metadata"]["rows_rejected"] > 10_000
    assert found["metadata"]["purchases_after_as_of"] > 10_000
    assert len(found["metadata"]["rejected_by_reason"]) == 11


@needs_both
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 300))
def test_any_dirty_rows(spark: SparkSession, tmp_path_factory, seed: int, rows: int) -> None:
    tmp_path = tmp_path_factory.mktemp("both")
    source = tmp_path / "in.csv"
    extra = "C1,Q1,2024-01-01,5,Kids\n"
    source.write_text(HEADER + extra + "\n".join(records(rows, seed)) + "\n", encoding="utf-8")
    compare(spark, source, tmp_path)


@needs_both
@pytest.mark.parametrize("first", ["embedded", "spark"])
def test_a_table_of_one_engine_is_continued_by_the_other(
    first: str, spark, write_csv, tmp_path: Path, monkeypatch
) -> None:
    """Constraints, schema and what a failed run takes back, both ways."""
    second = {"embedded": "spark", "spark": "embedded"}[first]
    good, other = write_csv(GOOD + "broken\n"), write_csv(OTHER + "broken\nbroken\n", "new.csv")
    run_on(first, spark, good, tmp_path)
    before = published(tmp_path)
    run_on(second, spark, other, tmp_path)
    assert published(tmp_path) == ({"C3": "New"}, {"C3": "New"})
    run_on(first, spark, good, tmp_path)
    assert published(tmp_path) == before
    with monkeypatch.context() as patch:
        owner = _files_of(second)
        patch.setattr(owner, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
        with pytest.raises(OSError, match="disk"):
            run_on(second, spark, other, tmp_path)
    assert published(tmp_path) == before
    assert [row.outcome for row in sorted(table(tmp_path, "runs"), key=lambda row: row.started_at)] == [
        *["succeeded"] * 3,
        "failed",
    ]
    assert len(table(tmp_path, "rejected_purchases")) == 1 + 2 + 1 + 2
    for name, count in (("customer_segments", 2), ("rejected_purchases", 1), ("runs", 1)):
        configuration = DeltaTable(tmp_path / "out/delta" / name).metadata().configuration
        assert sum(key.startswith("delta.constraints.") for key in configuration) == count


@needs_both
@pytest.mark.parametrize("first", ["embedded", "spark"])
def test_a_run_of_one_engine_that_was_killed_is_finished_by_the_other(
    first: str, spark: SparkSession, write_csv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = {"embedded": "spark", "spark": "embedded"}[first]
    run_on(first, spark, write_csv(GOOD), tmp_path)
    other = write_csv(OTHER, "new.csv")
    with monkeypatch.context() as patch:
        patch.setattr(_files_of(first), "replace", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        patch.setattr(_files_of(first), "delete", lambda *_: None)
        patch.setattr(_tables_of(first), "restore", lambda *_: None)
        with pytest.raises(OSError, match="killed"):
            run_on(first, spark, other, tmp_path)
    # What it had read is gone, and a link to it is left.
    other.unlink()
    with pytest.raises(NoDataError):
        run_on(second, spark, write_csv("", "empty.csv"), tmp_path)
    assert published(tmp_path) == ({"C3": "New"}, {"C3": "New"})


@needs_both
@pytest.mark.parametrize("engine", ["embedded", "spark"])
def test_a_run_adds_one_version_of_the_customers(engine: str, spark: SparkSession, write_csv, tmp_path: Path) -> None:
    source = write_csv(GOOD)
    run_on("embedded", spark, source, tmp_path)
    path = tmp_path / "out/delta/customer_segments"
    before = DeltaTable(path).version()
    run_on(engine, spark, source, tmp_path)
    assert DeltaTable(path).version() == before + 1


@needs_both
@pytest.mark.parametrize("engine", ["embedded", "spark"])
def test_a_table_of_runs_of_the_version_before_goes_on(engine: str, spark, write_csv, tmp_path: Path) -> None:
    """It has no columns for the engine."""
    old = StructType([field for field in RUN_SCHEMA.fields if not field.name.startswith("engine")])
    row = {"run_id": "old", "outcome": "failed", "started_at": "2024-01-05T00:00:00+00:00"}
    path = str(tmp_path / "out/delta/runs")
    SparkEngine(spark, "tests").tables.append_rows([row], old, path, RUNS, {"run_id": "old"})
    run_on(engine, spark, write_csv(GOOD), tmp_path)
    assert {row.run_id == "old": row.engine for row in table(tmp_path, "runs")} == {True: None, False: engine}


@needs_both
def test_spark_adds_the_constraints_that_a_killed_embedded_run_had_not_come_to(
    spark, write_csv, tmp_path: Path
) -> None:
    run_on("embedded", spark, write_csv(GOOD), tmp_path)
    path = tmp_path / "out/delta/customer_segments"
    DeltaTable(path).alter.drop_constraint("has_purchases")
    run_on("spark", spark, write_csv(GOOD), tmp_path)
    assert "delta.constraints.has_purchases" in DeltaTable(path).metadata().configuration


def _tables_of(engine: str) -> type:
    if engine == "spark":
        return SparkTables
    from segmentation.engines.embedded.tables import DeltaRsTables

    return DeltaRsTables


def _files_of(engine: str) -> type:
    if engine == "spark":
        from segmentation.engines.spark.files import Storage

        return Storage
    from segmentation.engines.local import LocalFiles

    return LocalFiles


def test_constraints_are_kept(engine: Engine, tmp_path: Path) -> None:
    row = {"reasons": [], "run_id": "r", "rejected_at": "2024-01-05T00:00:00+00:00"}
    path = str(tmp_path / "rejected")
    engine.tables.append_rows([{**row, "reasons": ["malformed_row"]}], REJECTED_SCHEMA, path, REJECTED, {"run_id": "r"})
    for broken in (row, {**row, "reasons": ["x"], "run_id": None}):
        with pytest.raises(Exception, match=r"(?i)constraint|violat|validation|null"):
            engine.tables.append_rows([broken], REJECTED_SCHEMA, path, REJECTED, {"run_id": "r"})
    assert DeltaTable(path).to_pyarrow_table().num_rows == 1


@needs_both
def test_a_constraint_in_words_that_only_spark_knows_is_said_anew(
    spark: SparkSession, write_csv, tmp_path: Path
) -> None:
    """Tables of the version before this one say ``size(reasons)``."""
    run_on("spark", spark, write_csv(GOOD + "broken\n"), tmp_path)
    path = tmp_path / "out/delta/rejected_purchases"
    spark.sql(f"ALTER TABLE delta.`{path}` DROP CONSTRAINT has_reason")
    spark.sql(f"ALTER TABLE delta.`{path}` ADD CONSTRAINT has_reason CHECK (size(reasons) >= 1)")
    run_on("embedded", spark, write_csv(GOOD + "broken\n"), tmp_path)
    assert len(table(tmp_path, "rejected_purchases")) == 2
    run_on("spark", spark, write_csv(GOOD + "broken\n"), tmp_path)
    assert len(table(tmp_path, "rejected_purchases")) == 3


@needs_both
@pytest.mark.slow
def test_200_overwrites_in_a_row_stay_readable_by_both(spark: SparkSession, tmp_path: Path) -> None:
    path, spec = str(tmp_path / "table"), TableSpec(frozenset({"id"}), {"positive": "id > 0"}, "id")
    rows = [{"id": 1}, {"id": 2}]
    of_spark = SparkEngine(spark, "tests")
    for number in range(1, 201):
        with embedded_engine(tmp_path) if number % 10 else nullcontext(of_spark) as engine:
            frame = engine.rows(rows[: 1 + number % 2], struct(id="long"))
            engine.tables.overwrite(frame, 2, path, spec, {"run_id": f"run {number}"})
            newest = last_commit(engine.files, path)
            assert newest and newest.said["run_id"] == f"run {number}"
    assert [row.id for row in spark.read.format("delta").load(path).collect()] == [1]
    assert DeltaTable(path).to_pyarrow_table().to_pydict() == {"id": [1]}
    assert len(DeltaTable(path).history()) > 200


# --- what is left behind ----------------------------------------------------------------------------------------------

BESIDE = """
import os
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
before = dict(os.environ)
from segmentation import run_segmentation
result = run_segmentation(engine="embedded", output_dir=OUT)
assert result["metadata"]["engine"] == "embedded"
assert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())
assert SparkSession.getActiveSession() is spark
assert spark.range(5).where(F.col("id") > 2).count() == 2
try:
    run_segmentation(engine="embedded", output_dir=OUT, csv_path="/no/such.csv")
except Exception as error:
    assert "No data found" in str(error)
assert spark.range(5).where(F.col("id") > 2).count() == 2
print("as it was")
"""


@needs_both
@pytest.mark.slow
def test_a_notebook_with_its_own_spark_session_goes_on_working(tmp_path: Path) -> None:
    script = BESIDE.replace("OUT", repr(str(tmp_path / "out")))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=200, check=False)
    assert "as it was" in done.stdout, done.stderr[-3000:]


def test_a_run_leaves_the_environment_as_it_was(run_job: Job, write_csv) -> None:
    before = dict(os.environ)
    run_job(write_csv(GOOD))
    assert dict(os.environ) == before
