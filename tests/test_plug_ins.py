"""Rules, metrics and sources in Python, named in the configuration."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import pyspark
import pytest
from pyspark.sql import SparkSession

from segmentation.config import load_config
from segmentation.errors import ConfigError, SegmentationError
from segmentation.modules import code_of
from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.plug_ins import segmenters_of
from segmentation.run import request
from segmentation.run.freshness import look

from .conftest import HEADER, LESS, table

ROOT = Path(__file__).parents[1]
RULES = """
    from pyspark.sql import Window
    from pyspark.sql import functions as F
    from segmentation import Metric, PurchaseFrequencySegmenter, Rule, Segmenter, Source

    class Vip(PurchaseFrequencySegmenter):
        def rules(self):
            return [Rule("VIP", F.col("total_purchases") >= 3), *super().rules()]

    class AlsoFrequency(PurchaseFrequencySegmenter):
        pass

    class Basket(Segmenter):
        dimension = "basket"
        fallback = "Small"

        def rules(self):
            return [Rule("Large", F.col("average_order_value") >= 150)]

    class Number(Basket):
        def rules(self):
            return [Rule("Large", F.col("total_purchases"))]

    class Summing(Basket):
        def rules(self):
            return [Rule("Large", F.sum("total_purchases") > 1)]

    class Leaving(Basket):
        def rules(self):
            raise SystemExit(0)

    class Ringing(Basket):
        fallback = "a" + chr(7)

    class LikeSpending(Basket):
        dimension = "Spending"

    class OneByOne(Basket):
        def rules(self):
            yield Rule("Large", F.exists(F.array("kids_purchases"), lambda n: n > 0))

    class Slip(Basket):
        def rules(self):
            return [Rule("Large", F.length(F.lit("customer_id")) > 5)]

    class Reserved(Basket):
        dimension = "run_id"

    class Nameless(Segmenter):
        fallback = "x"

        def rules(self):
            return []

    class Unfinished(Segmenter):
        dimension = "x"

        def rules(self):
            return []

    class Choosy(Basket):
        def __init__(self, one, two):
            pass

    class Unknown(Basket):
        def rules(self):
            return [Rule("Large", F.col("no_such_metric") >= 150)]

    class Failing(Basket):
        def rules(self):
            return 1 / 0

    class NoRule(Basket):
        def rules(self):
            return ["Large"]

    class Largest(Metric):
        name = "largest_purchase"
        type = "decimal(18,2)"

        def column(self):
            return F.max("amount")

    class SameName(Largest):
        pass

    class OnlineDays(Metric):
        name = "online_days"
        type = "bigint"

        def column(self):
            is_online = (F.col("channel") == "online") & (F.col("amount") >= 0)
            return F.count_distinct(F.when(is_online, F.col("purchase_date")))

    class SinceFirst(Metric):
        name = "since_first"
        type = "int"

        def column(self):
            return F.max(F.datediff("as_of", "first_purchase"))

    class Gifts(Metric):
        name = "recent_gifts"
        type = "bigint"

        def column(self):
            return F.count(F.when(F.col("in_last_90_days") & ~F.col("is_festive"), 1))

    class Taken(Largest):
        name = "lifetime_spend"

    class Spaced(Largest):
        name = "largest purchase"

    class Listed(Largest):
        type = "array<int>"

    class Wrong(Largest):
        name = "wrong"
        type = "bigint"

        def column(self):
            return F.max("category")

    class Rounded(Largest):
        name = "rounded"
        type = "decimal(18,1)"

    class Lost(Largest):
        name = "lost"

        def column(self):
            return F.max("chanel")

    class OfWindow(Metric):
        name, type = "windowed", "bigint"

        def column(self):
            return F.max(F.count("amount").over(Window.partitionBy("category")))

    class EachPurchase(Largest):
        name = "each"

        def column(self):
            return F.col("amount")

    class NoColumn(Largest):
        name = "none"

        def column(self):
            return "max(amount)"

    class Raises(Largest):
        name = "raises"

        def column(self):
            return 1 / 0

    class NoName(Metric):
        def column(self):
            return F.max("amount")

    class Till(Source):
        rows = "('C1', 'P1', DATE '2024-01-05', 100.50D, 'Womens'), ('C2', 'P2', DATE '2024-01-06', 7, 'Kids')"
        names = "Customer_ID, Order_ID, Date, Total_Amount_LKR, Product_Category"

        def purchases(self, session):
            return session.sql(f"SELECT * FROM VALUES {self.rows} AS of({self.names})")

        def fingerprint(self):
            return self.rows

    class LessNames(Till):
        def purchases(self, session):
            return super().purchases(session).drop("Date")

    class Empty(Till):
        def purchases(self, session):
            return super().purchases(session).where("false")

    class NoFrame(Till):
        def purchases(self, session):
            return [1]

    class Broken(Till):
        def purchases(self, session):
            raise OSError("the till does not answer")

    class Forgetful(Till):
        def fingerprint(self):
            return {}["TILL"]

    class Odd(Till):
        def fingerprint(self):
            return 5

    class Late(Till):
        def purchases(self, session):
            return super().purchases(session).withColumn("Date", F.raise_error(F.lit("late")))

    class SparkAlone(Till):
        only_spark = "the till speaks Java"

    number = 7
    """


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """With a module `own_rules`, which is forgotten afterwards."""
    (tmp_path / "own_rules.py").write_text(dedent(RULES))
    (tmp_path / "own_broken.py").write_text("def f(:\n")
    (tmp_path / "own_exit.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "own_needy.py").write_text("import no_such_package\n")
    path, modules = [*sys.path], {*sys.modules}
    yield tmp_path
    sys.path[:] = path
    for name in {*sys.modules} - modules:
        if name.startswith("own_"):
            del sys.modules[name]


def configured(folder: Path, **settings: Any) -> Path:
    path = folder / "conf.yaml"
    path.write_text(json.dumps(settings))
    return path


DIMENSIONS = {
    "none": ([], ["purchase_frequency", "spending", "category"]),
    "replaced in its place": (["own_rules:Vip"], ["purchase_frequency", "spending", "category"]),
    "added": (["own_rules:Basket"], ["purchase_frequency", "spending", "category", "basket"]),
    "both": (["own_rules:Basket", "own_rules:Vip"], ["purchase_frequency", "spending", "category", "basket"]),
}


@pytest.mark.parametrize("case", DIMENSIONS)
def test_what_the_dimensions_are(case: str, folder: Path) -> None:
    named, expected = DIMENSIONS[case]
    found = segmenters_of(load_config(configured(folder, segmenters=named)))
    assert [one.dimension for one in found] == expected
    assert [type(one).__name__ for one in found if type(one).__module__ == "own_rules"] == [
        name.partition(":")[2] for name in sorted(named, key=lambda name: name != "own_rules:Vip")
    ]


REFUSED = {
    "no module": ("own_missing:Vip", "segmenters.0: there is no module 'own_missing': a module lies beside the config"),
    "no package": ("own_missing.rules:Vip", "segmenters.0: there is no module 'own_missing'"),
    "no part": ("own_rules.part:Vip", "segmenters.0: there is no module 'own_rules.part'"),
    "no class": ("own_rules:Vop", "segmenters.0: the module own_rules has no 'Vop', did you mean 'Vip'?"),
    "nothing like it": ("own_rules:Zzz", "the module own_rules has no 'Zzz'; it has "),
    "a number": ("own_rules:number", "own_rules:number is no class but a int: expected a subclass of segmentation.Seg"),
    "another class": (
        "own_rules:Till",
        "own_rules:Till is another class: expected a subclass of segmentation.Segmenter",
    ),
    "no dimension": ("own_rules:Nameless", "own_rules:Nameless lacks dimension, which every Segmenter has"),
    "no fallback": ("own_rules:Unfinished", "own_rules:Unfinished lacks fallback, which every Segmenter has"),
    "other arguments": ("own_rules:Choosy", "own_rules:Choosy cannot be made from the configuration: TypeError: "),
    "syntax": (
        "own_broken:Vip",
        "the module own_broken cannot be imported: SyntaxError: invalid syntax (own_broken.py",
    ),
    "an exit": ("own_exit:Vip", "the module own_exit cannot be imported: SystemExit: 3"),
    "needs": ("own_needy:Vip", "segmenters.0: own_needy needs no_such_package, which is not installed"),
    "not installed": ("no-such-name", "segmenters.0: no installed package brings a Segmenter 'no-such-name' (none is"),
    "no name": (
        "own rules.Vip",
        "segmenters.0: expected module:Class, as in my_rules:Vip, or the name of an installed",
    ),
    "no module's name": (":Vip", "segmenters.0: expected module:Class"),
    "no class's name": ("own_rules:", "segmenters.0: expected module:Class"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_anything_is_read(case: str, folder: Path) -> None:
    name, message = REFUSED[case]
    with pytest.raises(ConfigError) as caught:
        CustomerSegmentationPipeline(configured(folder, segmenters=[name]))
    assert message in str(caught.value)


def test_two_of_one_dimension(folder: Path) -> None:
    config = configured(folder, segmenters=["own_rules:Vip", "own_rules:AlsoFrequency"])
    words = "own_rules:Vip and own_rules:AlsoFrequency have one dimension, 'purchase_frequency': keep one"
    with pytest.raises(ConfigError, match=words):
        CustomerSegmentationPipeline(config)


RULE_ERRORS = {
    "an error in Python": ("own_rules:Failing", "Dimension basket: its rules cannot be made: ZeroDivisionError: "),
    "no rule": ("own_rules:NoRule", "Dimension basket: its rules cannot be made: AttributeError: 'str' object has no"),
    "a metric that is not there": ("own_rules:Unknown", "Dimension basket: a rule cannot be computed from the metrics"),
    # One engine says so by itself.
    "no condition": ("own_rules:Number", "Dimension basket: "),
    "of several customers": ("own_rules:Summing", "Dimension basket: a rule cannot be computed from the metrics"),
    "an exit": ("own_rules:Leaving", "Dimension basket: its rules cannot be made: SystemExit: 0"),
    "a bell": ("own_rules:Ringing", "Dimension basket: a label has a control character, found 'a\\x07'"),
    "a name in other letters": ("own_rules:LikeSpending", "Dimension Spending: there is a column of this name already"),
    "a column that is published": (
        "own_rules:Reserved",
        "Dimension run_id: a column of this name is published",
    ),
}


Start = Callable[..., dict[str, Any]]


@pytest.fixture
def start(folder: Path, engine_name: str, spark_or_none: SparkSession | None) -> Start:
    """Run the job with a configuration in `folder`, from a source."""

    def run(source: str = "csv", path: Path | None = None, mode: str = "full", **settings: Any) -> dict[str, Any]:
        fixed = {"output_dir": str(folder / "out"), "max_rejected_ratio": 1, "engine": engine_name}
        pipeline = CustomerSegmentationPipeline(configured(folder, **fixed, **settings))
        return pipeline.run(source, path, mode=mode, spark=spark_or_none)

    return run


@pytest.mark.parametrize("case", RULE_ERRORS)
def test_rules_are_tried_before_anything_is_read(case: str, folder: Path, start: Start) -> None:
    name, message = RULE_ERRORS[case]
    with pytest.raises(ConfigError) as caught:
        start(path=folder / "not there.csv", segmenters=[name])
    assert message in str(caught.value)


TWICE = HEADER + "".join(f"C1,P{n},2024-01-0{n},100,Womens\n" for n in (1, 2))
ONCE_MORE = HEADER + "C1,P3,2024-01-03,100,Womens\nC2,Q1,2024-01-03,900,Kids\n"


def test_a_whole_run_in_full_and_by_increments(folder: Path, start: Start) -> None:
    path = folder / "in"
    path.mkdir()
    (path / "1.csv").write_text(TWICE)
    own = {"segmenters": ["own_rules:Vip", "own_rules:Basket"]}
    start(path=path, mode="incremental", **own)
    (path / "2.csv").write_text(ONCE_MORE)
    result = start(path=path, mode="incremental", **own)
    assert result["segments"]["basket"] == {"Large": 1, "Small": 1}
    incremental = (folder / "out/customer_segmentation.json").read_bytes()
    labels = {one["customer_id"]: one["segmentation"] for one in json.loads(incremental)}
    assert labels["C1"]["purchase_frequency"] == "VIP"
    assert [*labels["C2"]] == ["purchase_frequency", "spending", "category", "basket"]
    changes = [row for row in table(folder, "segment_changes") if row.to_label == "VIP"]
    assert [(row.customer_id, row.cause) for row in changes] == [("C1", "new_purchase")]
    start(path=path, **own)
    assert (folder / "out/customer_segmentation.json").read_bytes() == incremental


@pytest.mark.skipif(pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4")
@pytest.mark.embedded_only(reason="the embedded engine alone reads here")
def test_what_is_asked_of_a_publication(folder: Path, start: Start) -> None:
    path = folder / "in.csv"
    path.write_text(TWICE + "C1,P3,2024-01-03,100,Womens\n")
    start(path=path, segmenters=["own_rules:Vip"], dominant_threshold="0.70")
    pipeline = CustomerSegmentationPipeline(folder / "conf.yaml")
    (first, *_) = pipeline.explain("C1")["dimensions"]
    assert (first["label"], first["rules"][0]["label"], first["rules"][0]["decides"]) == ("VIP", "VIP", True)
    assert pipeline.preview()["moved"] == 0
    (folder / "own_rules.py").write_text((folder / "own_rules.py").read_text().replace(">= 3", ">= 4"))
    del sys.modules["own_rules"]
    with pytest.raises(ConfigError, match="differs from the published one in how purchases are read, in rules in code"):
        CustomerSegmentationPipeline(folder / "conf.yaml").preview()
    configured(folder, output_dir=str(folder / "out"), segmenters=["own_rules:Basket"])
    with pytest.raises(ConfigError, match="name the configuration of the runs with --config"):
        CustomerSegmentationPipeline(folder / "conf.yaml").explain("C1")


@pytest.mark.embedded_only(reason="files alone are looked at")
def test_a_change_of_the_code_makes_a_run_due(folder: Path, start: Start) -> None:
    path = folder / "in.csv"
    path.write_text(TWICE)
    start(path=path, segmenters=["own_rules:Basket"])
    config = load_config(folder / "conf.yaml")
    asked = request.Request.of("csv", path, None, config)
    assert look(config, asked, datetime.now(UTC))[0] is False
    (folder / "own_rules.py").write_text((folder / "own_rules.py").read_text().replace("150", "151"))
    assert look(config, asked, datetime.now(UTC)) == (
        True,
        "The job runs: rules or a source in code changed since the last successful run.",
    )


def test_a_change_that_its_text_does_not_show(folder: Path, start: Start) -> None:
    """A column and a text of the same letters look alike."""
    path = folder / "in.csv"
    path.write_text(TWICE)
    before = start(path=path, mode="incremental", segmenters=["own_rules:Slip"])
    (folder / "own_rules.py").write_text((folder / "own_rules.py").read_text().replace('F.lit("cust', 'F.col("cust'))
    del sys.modules["own_rules"]
    after = start(path=path, mode="incremental", segmenters=["own_rules:Slip"])
    assert (before["segments"]["basket"], after["segments"]["basket"]) == (
        {"Large": 1, "Small": 0},
        {"Large": 0, "Small": 1},
    )


def test_what_a_process_counts_is_no_change(folder: Path, start: Start) -> None:
    path = folder / "in.csv"
    path.write_text(TWICE)
    own = {"path": path, "mode": "incremental", "segmenters": ["own_rules:OneByOne"]}
    read = [start(**own)["metadata"]["rows_read"] for _ in range(3)]
    assert read == [2, 0, 0]


def test_labels_of_rules_in_code_can_be_named(folder: Path) -> None:
    """Also those that a class puts in front of the usual ones."""
    rules = [{"label": "Call", "when": "purchase_frequency = 'VIP'"}]
    mega = {"label": "Mega", "when": "total_purchases >= 50"}
    usual = {"name": "purchase_frequency", "rules": [mega, "VIP", "New"]}
    given = {
        "segmenters": ["own_rules:Vip"],
        "dimensions": [usual, {"name": "care", "rules": rules, "otherwise": "No"}],
    }
    found = CustomerSegmentationPipeline(configured(folder, **given)).segmentation
    assert found.dimensions == ["purchase_frequency", "spending", "category", "care"]


def test_the_hash_of_code(folder: Path) -> None:
    config = load_config(configured(folder, segmenters=["own_rules:Vip"], sources={"till": "own_rules:Till"}))
    assert code_of(load_config(None), None) is None
    assert code_of(config, None) == code_of(config, "till")
    only_source = config.model_copy(update={"segmenters": ()})
    assert (code_of(only_source, None), code_of(only_source, "till")) == (None, code_of(config, None))
    only_metric = config.model_copy(update={"segmenters": (), "metrics": ("own_rules:Largest",)})
    assert code_of(only_metric, None) == code_of(config, None)
    # What is not there is told when it is used, not when it is looked at.
    assert code_of(config.model_copy(update={"segmenters": ("own_missing.x:Vip",)}), None)


def test_a_source_is_read_as_a_table_is(folder: Path, start: Start) -> None:
    sources = {"till": "own_rules:Till"}
    result = start("till", sources=sources)
    assert (result["metadata"]["source"], result["metadata"]["total_customers"]) == ("till", 2)
    spend = {row.customer_id: str(row.lifetime_spend) for row in table(folder, "customer_segments")}
    assert spend == {"C1": "100.50", "C2": "7.00"}
    incremental = {"mode": "incremental", "columns": {"amount": "Total_Amount_LKR"}}
    again = start("till", sources=sources, **incremental)
    assert again["metadata"]["purchases_used"] == 2
    config = load_config(folder / "conf.yaml")
    asked = request.Request.of("till", None, None, config)
    assert look(config, asked, datetime.now(UTC))[0] is False
    assert (
        start("till", sources=sources, mode="incremental", columns={"amount": "Total_Amount_LKR"})["metadata"][
            "rows_read"
        ]
        == 0
    )


SOURCES = {
    "columns": ("LessNames", 3, "Missing required columns: the source 'till' lacks Date; it has 'Customer_ID' string"),
    "empty": ("Empty", 3, "No data found: there are no rows in till"),
    "no frame": ("NoFrame", 3, "The source 'till' gave a builtins.list: purchases() must return a DataFrame"),
    "an error": ("Broken", 3, "The source 'till' failed: OSError: the till does not answer."),
    "an error before": ("Forgetful", 3, "The source 'till' failed: KeyError: 'TILL'."),
    "no text before": (
        "Odd",
        3,
        "The source 'till' gave a int as its fingerprint: fingerprint() must return a text",
    ),
    "an error in the engine": ("Late", 3, "The source 'till' failed: "),
    "no source": ("Vip", 2, "sources.till: own_rules:Vip is another class: expected a subclass of segmentation.Source"),
}


@pytest.mark.parametrize("case", SOURCES)
def test_sources_that_cannot_be_read(case: str, folder: Path, start: Start) -> None:
    name, code, message = SOURCES[case]
    with pytest.raises(SegmentationError) as caught:
        start("till", sources={"till": f"own_rules:{name}"})
    assert (caught.value.exit_code, message in str(caught.value)) == (code, True), str(caught.value)


def test_a_source_that_nobody_named(folder: Path) -> None:
    config = configured(folder, sources={"till": "own_rules:Till"})
    with pytest.raises(ConfigError, match="Unknown source 'shop': expected one of csv, mongodb, table, till"):
        CustomerSegmentationPipeline(config).run("shop")


def test_a_name_that_is_taken(folder: Path) -> None:
    with pytest.raises(ConfigError, match="sources: 'table' is a source of the job's own, choose another name"):
        load_config(configured(folder, sources={"table": "own_rules:Till"}))


@pytest.mark.embedded_only(reason="it is about the choice between the two")
def test_a_source_for_spark_alone(folder: Path, start: Start) -> None:
    with pytest.raises(ConfigError, match="--engine embedded was asked for, but the till speaks Java"):
        start("till", sources={"till": "own_rules:SparkAlone"})


MANY = [
    {"name": "online_share", "sql": "avg(if(channel = 'online', 1.0, 0.0))"},
    "own_rules:Largest",
    {"name": "twice_largest", "sql": "largest_purchase * 2"},
    "own_rules:OnlineDays",
    "own_rules:SinceFirst",
    "own_rules:Gifts",
]
DIGITAL = {
    "name": "digital",
    "rules": [{"label": "Yes", "when": "online_days >= 2 and twice_largest > 100"}],
    "otherwise": "No",
}
LARGE = [{"label": "Yes", "when": "largest_purchase >= 100"}]
METRICS = {
    "same name": (
        ["own_rules:Largest", "own_rules:SameName"],
        "metrics: own_rules:Largest and own_rules:SameName have one name, 'largest_purchase': keep one",
    ),
    "the name of one in SQL": (
        [{"name": "Largest_Purchase", "sql": "max(amount)"}, "own_rules:Largest"],
        "metrics.1: 'largest_purchase' is the name of something else already",
    ),
    "the name of a usual one": (["own_rules:Taken"], "metrics.0: 'lifetime_spend' is the name of something else"),
    "no column's name": (["own_rules:Spaced"], "metrics.0: own_rules:Spaced: name: expected a word of letters"),
    "no name": (["own_rules:NoName"], "metrics.0: own_rules:NoName lacks name, type, which every Metric has"),
    "no type of these": (["own_rules:Listed"], "metrics.0: own_rules:Listed: type: expected bigint, double, string"),
    "another class": (["own_rules:Vip"], "own_rules:Vip is another class: expected a subclass of segmentation.Metric"),
    "no class": (["own_rules:Largst"], "metrics.0: the module own_rules has no 'Largst', did you mean 'Largest'?"),
    "no module": (["own_missing:Largest"], "metrics.0: there is no module 'own_missing'"),
    "no name of a class": (["own_rules:"], "metrics.0: expected module:Class"),
    "neither a name nor a metric": ([7], "metrics.0: "),
    "a setting that is not complete": ([{"name": "x"}], "metrics.0.sql: Field required"),
    "looked at above": (
        [{"name": "x", "sql": "largest_purchase + 1"}, "own_rules:Largest"],
        "looks at largest_purchase, which stands below it: put largest_purchase above",
    ),
}
COLUMNS = {
    "another type": ("Wrong", "metrics: wrong says that its type is bigint, and its column is string: cast it"),
    "decimals that are lost": (
        "Rounded",
        "metrics: rounded says that its type is decimal(28,1), and its column is",
    ),
    "a column that is not there": ("Lost", "metrics: one of lost cannot be computed by this engine: "),
    "no aggregate": ("EachPurchase", "metrics: one of each cannot be computed by this engine: "),
    "a window": ("OfWindow", "metrics: one of windowed cannot be computed by this engine: "),
    "no column": ("NoColumn", "Metric none: column() must give a Column, found a str"),
    "an error": ("Raises", "Metric raises: its column cannot be made: ZeroDivisionError: "),
}


@pytest.mark.parametrize("case", METRICS)
def test_metrics_that_cannot_be_used(case: str, folder: Path) -> None:
    named, message = METRICS[case]
    with pytest.raises(ConfigError) as caught:
        CustomerSegmentationPipeline(configured(folder, metrics=named))
    assert message in str(caught.value)


@pytest.mark.parametrize("case", COLUMNS)
def test_metrics_that_cannot_be_computed(case: str, folder: Path, start: Start) -> None:
    name, message = COLUMNS[case]
    with pytest.raises(ConfigError) as caught:
        start(path=folder / "not there.csv", metrics=[f"own_rules:{name}"])
    assert message in str(caught.value)


def customers_of(folder: Path) -> list[dict[str, Any]]:
    kept = [*METRIC_NAMES, "digital", "customer_id"]
    rows = [vars(row) for row in table(folder, "customer_segments")]
    return sorted(({name: row[name] for name in kept} for row in rows), key=lambda row: row["customer_id"])


METRIC_NAMES = ("online_share", "largest_purchase", "twice_largest", "online_days", "since_first", "recent_gifts")
CHANNELS = HEADER.strip() + ",Channel\n"


@pytest.mark.slow
@pytest.mark.parametrize("returns", ["reject", pytest.param("net", marks=LESS)])
def test_metrics_in_full_and_by_increments(returns: str, folder: Path, start: Start) -> None:
    path = folder / "in"
    path.mkdir()
    own = {
        "metrics": MANY,
        "dimensions": [DIGITAL],
        "returns": returns,
        "input": {"extra_columns": {"channel": {"from": "Channel"}}},
    }
    days = ["C1,P1,2024-01-01,100,Womens,online\nC2,Q1,2024-01-02,900.50,Kids,\n", "C1,P2,2024-02-03,50,Mens,online\n"]
    days += ["C3,R1,2024-06-30,7,Mens,shop\nC1,P3,2024-03-01,-20,Mens,shop\n"]
    for number, lines in enumerate(days):
        (path / f"{number}.csv").write_text(CHANNELS + lines)
        start(path=path, mode="incremental", **own)
    found = customers_of(folder)
    assert found[0] == {
        "customer_id": "C1",
        "online_share": 1.0,
        "largest_purchase": 100,
        "twice_largest": 200,
        "online_days": 2,
        "since_first": 181,
        "recent_gifts": 0,
        "digital": "Yes",
    }
    assert [row["since_first"] for row in found] == [181, 180, 0]
    assert [row["recent_gifts"] for row in found] == [0, 0, 1]
    json_of = (folder / "out/customer_segmentation.json").read_bytes()
    start(path=path, **own)
    assert customers_of(folder) == found
    assert (folder / "out/customer_segmentation.json").read_bytes() == json_of
    shutil.rmtree(folder / "out")
    start(path=path, **own)
    assert customers_of(folder) == found


@pytest.mark.embedded_only(reason="the embedded engine alone reads here")
def test_what_is_asked_of_metrics(folder: Path, start: Start) -> None:
    path = folder / "in.csv"
    path.write_text(TWICE)
    own = {"metrics": ["own_rules:Largest"], "dimensions": [{**DIGITAL, "rules": LARGE}]}
    start(path=path, **own)
    pipeline = CustomerSegmentationPipeline(folder / "conf.yaml")
    told = pipeline.explain("C1")
    assert str(told["metrics"]["largest_purchase"]) == "100.00"
    assert (told["dimensions"][-1]["dimension"], told["dimensions"][-1]["label"]) == ("digital", "Yes")
    assert pipeline.preview()["moved"] == 0
    source = (folder / "own_rules.py").read_text()
    (folder / "own_rules.py").write_text(source.replace('return F.max("amount")', 'return F.min("amount")'))
    del sys.modules["own_rules"]
    with pytest.raises(ConfigError, match="in rules in code"):
        CustomerSegmentationPipeline(folder / "conf.yaml").preview()


RECEIPTS = [
    {"card": "C1", "receipt": f"R{n}", "at": f"2024-01-0{n % 9 + 1}T10:30", "lines": [{"group": "Womens", "cents": n}]}
    for n in range(10)
]


@pytest.mark.slow
@pytest.mark.skipif(pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4")
def test_the_example_package_is_installed_and_run(tmp_path: Path) -> None:
    example, installed = tmp_path / "vip", tmp_path / "installed"
    shutil.copytree(ROOT / "examples/vip", example, ignore=shutil.ignore_patterns("build", "*.egg-info"))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps"]
    subprocess.run([*pip, "--target", installed, example], check=True)
    shutil.rmtree(example / "retail_vip")
    receipts = tmp_path / "receipts.jsonl"
    receipts.write_text("".join(f"{json.dumps(one)}\n" for one in [*RECEIPTS, {"card": "C2", "at": "2024-01-01"}]))
    paths = os.pathsep.join([str(installed), str(ROOT)])
    env = {**os.environ, "PYTHONPATH": paths, "RECEIPTS": str(receipts)}

    def said(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=example, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "    rhythm: Weekly, Monthly, Rare" in said("-m", "segmentation.cli", "config", "check", "segmentation.yaml")
    run = ("-m", "segmentation.cli", "run", "--config", "segmentation.yaml", "--output-dir", "out")
    told = json.loads(said(*run, "--json", "--source", "receipts"))
    reasons = {"missing_purchase_id": 1, "missing_amount": 1}
    assert (told["source"], told["rejected_by_reason"]) == ("receipts", reasons)
    (customer,) = json.loads((example / "out/customer_segmentation.json").read_text())
    assert customer["segmentation"]["purchase_frequency"] == "VIP"
    assert customer["segmentation"]["rhythm"] == "Weekly"
    fresh = (*run, "--source", "receipts", "--check-freshness")
    assert "Nothing to do" in said(*fresh)
    receipts.write_text(receipts.read_text() + json.dumps({**RECEIPTS[0], "receipt": "R10"}) + "\n")
    assert "the source changed since" in said(*fresh)
    assert "6 passed" in said("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
