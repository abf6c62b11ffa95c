"""Metrics, scores and dimensions of one's own, through the whole job: what is published, told, and asked of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from segmentation.config import load_config
from segmentation.core.segmentation import Segmentation
from segmentation.engines.choose import Task, choose
from segmentation.errors import ConfigError, MissingColumnsError
from segmentation.pipeline import CustomerSegmentationPipeline

from .conftest import LESS, Job, table

HEADER = "Customer_ID,Order_ID,Date,Total_Amount_LKR,Product_Category,Channel,Quantity\n"
ROWS = (
    "A,P1,2024-06-01,40000,Womens,online,2\n"
    "A,P2,2024-06-02,100,Womens,shop,x\n"
    "B,P3,2023-01-05,50,Kids,shop,1\n"
    "C,P4,2024-05-05,70,Mens,,\n"
    "C,P5,2024-05-06,70,Mens,online, 3 \n"
)
ENGAGEMENT: dict[str, Any] = {
    "input": {"extra_columns": {"channel": {"from": "Channel"}, "pieces": {"from": 7, "type": "integer"}}},
    "metrics": [
        {"name": "online_share", "sql": "avg(if(channel = 'online', 1.0, 0.0))"},
        {"name": "Pieces", "sql": "sum(pieces)"},
        {"name": "spend_twice", "sql": "lifetime_spend * 2"},
    ],
    "scores": [{"name": "tier", "of": "lifetime_spend", "cut": {"values": [1000]}, "labels": ["High", "Low"]}],
    "dimensions": [
        {
            "name": "engagement",
            "rules": [
                {"label": "Digital", "when": "online_share > 0.4 and tier = 'High'"},
                {"label": "Kids only", "when": "category = 'Kids'"},
            ],
            "otherwise": "Standard",
        }
    ],
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    path.write_text(HEADER + ROWS)
    return path


def labels(folder: Path) -> dict[str, dict[str, str]]:
    found = json.loads((folder / "out/customer_segmentation.json").read_text())
    return {one["customer_id"]: one["segmentation"] for one in found}


def columns(folder: Path, version: int | None = None) -> list[str]:
    return [field.name for field in DeltaTable(folder / "out/delta/customer_segments", version=version).schema().fields]


def test_it_is_published_behind_what_is_there(run_job: Job, source: Path, tmp_path: Path) -> None:
    result = run_job(source, **ENGAGEMENT)
    assert labels(tmp_path)["A"] == {
        "purchase_frequency": "Regular",
        "spending": "High Value",
        "category": "Womens",
        "engagement": "Digital",
    }
    assert list(labels(tmp_path)["A"]) == ["purchase_frequency", "spending", "category", "engagement"]
    assert result["segments"]["engagement"] == {"Digital": 1, "Kids only": 1, "Standard": 1}
    assert columns(tmp_path)[-8:] == [
        *("returned_amount", "online_share", "Pieces", "spend_twice", "tier"),
        *("as_of", "run_id", "updated_at"),
    ]
    found = {row.customer_id: (row.online_share, row.Pieces, row.tier) for row in table(tmp_path, "customer_segments")}
    assert found == {"A": (0.5, 2, "High"), "B": (0.0, 1, "Low"), "C": (0.5, 3, "Low")}
    # A piece that is no number costs no purchase.
    assert result["metadata"]["warnings_by_reason"] == {"invalid_extra_value": 1}
    cuts = {"tier": [{"group": None, "customers": None, "cuts": ["1000"]}]}
    assert result["cut_points"] == cuts
    assert json.loads(table(tmp_path, "runs")[0].cut_points) == cuts
    told = json.loads((tmp_path / "out/run_results.json").read_text())
    assert (told["cut_points"], told["columns"]["tier"], told["columns"]["Pieces"]) == (cuts, "string", "bigint")


def test_a_dimension_comes_and_goes(run_job: Job, source: Path, tmp_path: Path) -> None:
    """Old versions stay readable; whose label is new got it by the rules; what goes leaves the columns as they were."""
    before = run_job(source)
    without = columns(tmp_path)
    run_job(source, **ENGAGEMENT)
    changes = [row for row in table(tmp_path, "segment_changes") if row.dimension == "engagement"]
    assert {(row.customer_id, row.from_label, row.to_label, row.cause) for row in changes} == {
        ("A", None, "Digital", "rules"),
        ("B", None, "Kids only", "rules"),
        ("C", None, "Standard", "rules"),
    }
    with_it = columns(tmp_path)
    rest = {**ENGAGEMENT, "dimensions": [], "scores": [], "metrics": []}
    after = run_job(source, **rest)
    assert columns(tmp_path) == without
    assert after["segments"] == before["segments"]
    log = DeltaTable(tmp_path / "out/delta/customer_segments")
    assert [columns(tmp_path, version) for version in range(log.version() - 2, log.version() + 1)] == [
        without,
        with_it,
        without,
    ]
    old = DeltaTable(tmp_path / "out/delta/customer_segments", version=log.version() - 1).to_pyarrow_table()
    assert sorted(old["engagement"].to_pylist()) == ["Digital", "Kids only", "Standard"]


LARGE = {
    "a product": "sum(pieces) * 5000000000000000000",
    "a sum": "sum(if(amount > 0, 5000000000000000000, 0))",
    "a difference": "-9223372036854775807 - sum(pieces)",
    "a decimal number": "sum(amount) * sum(amount) * 999999999999999999.99",
}


@pytest.mark.parametrize("name", LARGE)
def test_what_is_too_large_is_told(run_job: Job, source: Path, tmp_path: Path, name: str) -> None:
    """One engine would go on with other numbers; what was published stays."""
    run_job(source)
    before = (tmp_path / "out/customer_segmentation.json").read_bytes()
    metrics = [{"name": "mine", "sql": LARGE[name]}, {"name": "other", "sql": "max(pieces)"}]
    with pytest.raises(ConfigError, match=r"A result is too large: .* one of these: metrics\.0\.sql\. Compare"):
        run_job(source, input=ENGAGEMENT["input"], metrics=metrics)
    assert (tmp_path / "out/customer_segmentation.json").read_bytes() == before


# What is said of dimensions, and the labels of A in their order.
FREQUENCY = ["New", "Loyal", "Lapsed", "Seasonal"]
VIP = {"label": "VIP", "when": "lifetime_spend > 20000"}
ARRANGED: dict[str, tuple[list[Any], dict[str, str]]] = {
    "a rule in front": (
        [{"name": "purchase_frequency", "rules": [VIP, *FREQUENCY]}],
        {"purchase_frequency": "VIP", "spending": "High Value", "category": "Womens"},
    ),
    "rules in another order, and some gone": (
        [{"name": "spending", "rules": ["Low Value"]}],
        {"purchase_frequency": "Regular", "spending": "Medium Value", "category": "Womens"},
    ),
    "another label for the others": (
        [{"name": "purchase_frequency", "otherwise": "Usual"}],
        {"purchase_frequency": "Usual", "spending": "High Value", "category": "Womens"},
    ),
    "another dimension in its place": (
        [{"name": "spending", "rules": [VIP], "otherwise": "Others"}],
        {"purchase_frequency": "Regular", "spending": "VIP", "category": "Womens"},
    ),
    "switched off": (
        [{"name": "spending", "enabled": False}, {"name": "category", "enabled": False}],
        {"purchase_frequency": "Regular"},
    ),
    "in another order": (
        ["category", "purchase_frequency", "spending"],
        {"category": "Womens", "purchase_frequency": "Regular", "spending": "High Value"},
    ),
    "on labels of others": (
        [
            {"name": "one", "rules": [{"label": "A", "when": "spending = 'High Value'"}], "otherwise": "B"},
            {"name": "two", "rules": [{"label": "C", "when": "one = 'A' and category <> 'Kids'"}], "otherwise": "D"},
        ],
        {"purchase_frequency": "Regular", "spending": "High Value", "category": "Womens", "one": "A", "two": "C"},
    ),
}


@pytest.mark.parametrize("name", ARRANGED)
def test_dimensions_are_changed_as_the_configuration_says(
    name: str, run_job: Job, source: Path, tmp_path: Path
) -> None:
    dimensions, wanted = ARRANGED[name]
    run_job(source, dimensions=dimensions)
    found = labels(tmp_path)["A"]
    assert (list(found), found) == (list(wanted), wanted)


@pytest.mark.embedded_only("how deep a tree may be is Sail's to say")
def test_as_many_as_may_be(run_job: Job, tmp_path: Path) -> None:
    """Metrics, groups, cuts, and conditions: none makes a tree that is deeper than engines take."""
    source = tmp_path / "many.csv"
    head = "Customer_ID,Order_ID,Date,Total_Amount_LKR,Product_Category,Channel\n"
    source.write_text(head + "".join(f"C{n},P{n},2024-01-05,{n},Kids,G{n}\n" for n in range(100)))
    config = {
        "input": {"extra_columns": {"channel": {"from": "Channel"}}},
        "metrics": [
            {"name": "of", "sql": "max(channel)"},
            {"name": "sum", "sql": " + ".join(["total_purchases"] * 20)},
            *({"name": f"m{n}", "sql": f"total_purchases + {n}"} for n in range(50)),
        ],
        "scores": [
            {"name": "within", "of": "lifetime_spend", "within": "of", "cut": {"quantiles": 5}},
            {"name": "parts", "of": "lifetime_spend", "cut": {"quantiles": 100}},
        ],
        "dimensions": [
            {
                "name": "listed",
                "rules": [{"label": "Yes", "when": " or ".join(f"lifetime_spend = {n}" for n in range(90))}],
                "otherwise": "No",
            }
        ],
    }
    for _ in range(2):
        run_job(source, **config)
    found = {row.customer_id: row for row in table(tmp_path, "customer_segments")}
    assert (found["C89"].listed, found["C90"].listed, found["C99"].parts, found["C5"].sum) == ("Yes", "No", 100, 20)


@pytest.mark.embedded_only("what answers is the embedded engine")
def test_explain_and_preview_know_it(run_job: Job, source: Path, tmp_path: Path) -> None:
    run_job(source, mode="incremental", **ENGAGEMENT)
    config = {"output_dir": str(tmp_path / "out"), **ENGAGEMENT}
    told = CustomerSegmentationPipeline(config).explain("C")
    mine = next(one for one in told["dimensions"] if one["dimension"] == "engagement")
    assert (mine["label"], mine["published"]) == ("Standard", "Standard")
    digital = mine["rules"][0]
    assert (digital["condition"], digital["joined_by"]) == (
        "online share: more than 0.4, and tier: equal to 'High'",
        "and",
    )
    assert [one["holds"] for one in digital["comparisons"]] == [True, False]
    assert (told["metrics"]["online_share"], told["metrics"]["Pieces"], told["metrics"]["tier"]) == (0.5, 3, "Low")
    other = {**ENGAGEMENT, "scores": [{**ENGAGEMENT["scores"][0], "cut": {"values": [100]}}]}
    tried = CustomerSegmentationPipeline({"output_dir": str(tmp_path / "out"), **other}).preview()
    assert list(tried["settings"]) == ["scores"]
    flows = {one["dimension"]: one["flows"] for one in tried["dimensions"]}
    assert [(flow["from_label"], flow["to_label"], flow["customers"]) for flow in flows["engagement"]] == [
        ("Standard", "Digital", 1)
    ]
    new = {"name": "new", "rules": [{"label": "Yes", "when": "Pieces >= 3"}], "otherwise": "No"}
    more = {**ENGAGEMENT, "dimensions": [*ENGAGEMENT["dimensions"], new]}
    tried = CustomerSegmentationPipeline({"output_dir": str(tmp_path / "out"), **more}).preview()
    flows = {one["dimension"]: one["flows"] for one in tried["dimensions"]}
    assert [(flow["from_label"], flow["to_label"], flow["customers"]) for flow in flows["new"]] == [
        (None, "No", 2),
        (None, "Yes", 1),
    ]
    # A metric that is new needs the purchases, which incremental runs keep.
    measured = {
        **more,
        "metrics": [*ENGAGEMENT["metrics"], {"name": "shops", "sql": "count_if(channel = 'shop')"}],
        "dimensions": [{**new, "rules": [{"label": "Yes", "when": "shops > 0"}]}, *ENGAGEMENT["dimensions"]],
    }
    tried = CustomerSegmentationPipeline({"output_dir": str(tmp_path / "out"), **measured}).preview()
    flows = {one["dimension"]: one["flows"] for one in tried["dimensions"]}
    assert [(flow["to_label"], flow["customers"]) for flow in flows["new"]] == [("Yes", 2), ("No", 1)]


@pytest.mark.with_report
@pytest.mark.embedded_only("what writes it is the embedded engine")
def test_the_report_has_it_and_lives_without_what_is_switched_off(run_job: Job, source: Path, tmp_path: Path) -> None:
    run_job(source, **{**ENGAGEMENT, "dimensions": [*ENGAGEMENT["dimensions"], {"name": "spending", "enabled": False}]})
    page = (tmp_path / "out/segmentation_report.md").read_text()
    for words in ("Engagement", "Kids only", "online share: more than 0.4"):
        assert words in page
    assert "What they spend" not in page
    # The lines in the charts are those of the rules there are.
    assert "Lifetime spend, rupees (the lines" not in page
    own = {"name": "mine", "rules": [{"label": "Big", "when": "lifetime_spend > 12345.5"}], "otherwise": "Small"}
    run_job(source, dimensions=[own, {"name": "spending", "enabled": False}])
    assert "Lifetime spend, rupees (the lines: 12,345.5)" in (tmp_path / "out/segmentation_report.md").read_text()


def test_what_only_spark_computes_goes_to_spark_or_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of other tests.
    monkeypatch.setattr("segmentation.engines.choose.has_active_context", lambda: False)
    settings = {"metrics": [{"name": "usual", "sql": "median(amount)"}], "output_dir": str(tmp_path / "out")}
    source = tmp_path / "in.csv"
    source.write_text(HEADER + ROWS)
    task = Task("csv", [str(source)], str(tmp_path / "out"))
    choice = choose(load_config(settings), task, None)
    assert choice.name == "spark"
    assert "only Spark computes median (metrics.0.sql)" in choice.why
    with pytest.raises(ConfigError, match="--engine embedded was asked for, but only Spark computes median"):
        choose(load_config({**settings, "engine": "embedded"}), task, None)


KINDS = {
    "string": [(" x ", "x"), ("N/A", None), ("", None), ("007", "007")],
    "integer": [("5", 5), ("+5", 5), ("-5", -5), ("5.0", 5), ("5.5", "?"), ("1,000", "?"), ("five", "?"), ("", None)],
    "decimal(10,2)": [("5", "5.00"), ("2.345", "2.35"), ("1e5", "?"), ("", None), ("12345678901", "?")],
    "date": [("2024-02-29", "2024-02-29"), ("2024-02-29T10:00Z", "2024-02-29"), ("2023-02-29", "?"), ("2024", "?")],
    "boolean": [("true", True), ("YES", True), ("0", False), ("n", False), ("maybe", "?"), ("", None)],
}


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_further_columns(kind: str, run_job: Job, tmp_path: Path) -> None:
    """A question mark: no value of its type, which counts as none, with a warning."""
    rows = [f'C{number},P{number},2024-06-01,5,Mens,"{text}"\n' for number, (text, _) in enumerate(KINDS[kind])]
    source = tmp_path / "in.csv"
    source.write_text("Customer_ID,Order_ID,Date,Total_Amount_LKR,Product_Category,Mine\n" + "".join(rows))
    result = run_job(
        source,
        input={"extra_columns": {"mine": {"type": kind}}},
        metrics=[{"name": "value", "sql": "max(mine)"}],
        mode="incremental",
    )
    found = {row.customer_id: row.value for row in table(tmp_path, "customer_segments")}
    for number, (text, wanted) in enumerate(KINDS[kind]):
        value = found[f"C{number}"]
        is_plain = value is None or isinstance(value, bool | int)
        assert (text, value if is_plain else str(value)) == (text, None if wanted == "?" else wanted)
    odd = sum(wanted == "?" for _, wanted in KINDS[kind])
    assert result["metadata"]["warnings_by_reason"].get("invalid_extra_value", 0) == odd
    # They are kept as well.
    kept = {row.customer_id: row.mine for row in table(tmp_path, "purchases")}
    assert kept == found


def test_a_further_column_that_is_missing_is_told(run_job: Job, source: Path) -> None:
    with pytest.raises(
        MissingColumnsError, match=r"lacks Size.*input: {extra_columns: {size: {from: <name in the file>}}}"
    ):
        run_job(source, input={"extra_columns": {"size": {"from": "Size"}}})


def test_rejected_rows_keep_their_further_columns(run_job: Job, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text(
        HEADER + "A,P1,2024-06-01,5,Mens,online,x\nB,,2024-06-01,5,Mens,shop,4\n,P3,2024-06-01,5,Kids,,y\n"
    )
    run_job(source, **ENGAGEMENT)
    found = {row.purchase_date and (row.channel, row.pieces) for row in table(tmp_path, "rejected_purchases")}
    assert found == {("shop", "4"), (None, "y")}


def test_of_equal_rows_the_same_is_kept_in_whatever_order(run_job: Job, tmp_path: Path) -> None:
    rows = [f"A,P1,2024-06-01,5,Mens,{channel},{pieces}\n" for channel, pieces in (("", 1), ("shop", 9), ("online", 2))]
    for number, order in enumerate((rows, rows[::-1], [rows[1], rows[2], rows[0]])):
        source = tmp_path / f"{number}.csv"
        source.write_text(HEADER + "".join(order))
        result = run_job(source, **{**ENGAGEMENT, "output_dir": str(tmp_path / str(number) / "out")})
        assert result["metadata"]["rejected_by_reason"] == {"duplicate_purchase": 2}
        (row,) = table(tmp_path / str(number), "customer_segments")
        assert (row.online_share, row.Pieces) == (1.0, 2)


@pytest.mark.embedded_only("the same frame of text as from CSV")
def test_further_columns_of_a_table(run_job: Job, source: Path, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    lines = [line.split(",") for line in ROWS.splitlines()]
    names = HEADER.strip().split(",")
    text = {name: [line[at] or None for line in lines] for at, name in enumerate(names)}
    typed = {**text, "Quantity": pa.array([2, None, 1, None, 3], pa.int32())}
    pq.write_table(pa.table(typed), tmp_path / "purchases.parquet")
    mapped = {"channel": {}, "pieces": {"from": "Quantity", "type": "integer"}}
    config = {**ENGAGEMENT, "input": {"extra_columns": mapped}}
    settings = {"output_dir": str(tmp_path / "table/out"), "max_rejected_ratio": 1, "engine": "embedded", **config}
    CustomerSegmentationPipeline(settings).run("table", table=tmp_path / "purchases.parquet")
    run_job(source, **config)
    assert labels(tmp_path / "table") == labels(tmp_path)
    of_table, of_csv = (
        {row.customer_id: (row.online_share, row.Pieces) for row in table(folder, "customer_segments")}
        for folder in (tmp_path / "table", tmp_path)
    )
    assert of_table == of_csv


def test_the_fingerprint_hangs_on_it() -> None:
    plain, own = Segmentation(load_config({})), Segmentation(load_config(ENGAGEMENT))
    assert plain.config.rules_fingerprint() != own.config.rules_fingerprint()
    again = load_config({**ENGAGEMENT, **own.config.rules()})
    assert again.rules_fingerprint() == own.config.rules_fingerprint()


RANKED = {
    "input": {"extra_columns": {"channel": {"from": "Channel"}}},
    "metrics": [{"name": "shops", "sql": "count_if(channel = 'shop')"}],
    "scores": [{"name": "tier", "of": "lifetime_spend", "cut": {"shares": [0.5, 1]}, "labels": ["Top", "Rest"]}],
    "dimensions": [
        {"name": "rank", "rules": [{"label": "Top", "when": "tier = 'Top'"}], "otherwise": "Rest"},
        {"name": "place", "rules": [{"label": "Shop", "when": "shops > 0"}], "otherwise": "Elsewhere"},
    ],
}


def causes(folder: Path, run_id: str) -> dict[tuple[str, str], tuple[str | None, str | None, str]]:
    return {
        (row.customer_id, row.dimension): (row.from_label, row.to_label, row.cause)
        for row in table(folder, "segment_changes")
        if row.run_id == run_id
    }


@pytest.mark.parametrize("mode", [pytest.param("full", marks=LESS), "incremental"])
def test_why_a_label_is_another_one(mode: str, run_job: Job, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    first, second = folder / "1.csv", folder / "2.csv"
    day = "2024-06-01"
    first.write_text(HEADER + f"A,P1,{day},100,Mens,online,\nB,P2,{day},200,Mens,online,\nC,P3,{day},50,Mens,,\n")
    second.write_text(HEADER + f"D,P4,{day},10,Mens,,\n")
    run_job(folder, mode=mode, **RANKED)
    # The value of A stays, and its place does not, because others spend more.
    second.write_text(HEADER + f"D,P4,{day},10,Mens,,\nC,P5,{day},900,Mens,,\nD,P6,{day},950,Mens,,\n")
    moved = causes(tmp_path, run_job(folder, mode=mode, **RANKED)["metadata"]["run_id"])
    assert {key: moved[key] for key in moved if key[1] == "rank"} == {
        ("A", "rank"): ("Top", "Rest", "others"),
        ("B", "rank"): ("Top", "Rest", "others"),
        ("C", "rank"): ("Rest", "Top", "new_purchase"),
        ("D", "rank"): ("Rest", "Top", "new_purchase"),
    }
    # A further column is corrected: number, sum and day of the purchases are what they were.
    first.write_text(first.read_text().replace("B,P2,2024-06-01,200,Mens,online,", "B,P2,2024-06-01,200,Mens,shop,"))
    assert causes(tmp_path, run_job(folder, mode=mode, **RANKED)["metadata"]["run_id"])[("B", "place")] == (
        "Elsewhere",
        "Shop",
        "new_purchase",
    )


def test_a_further_column_of_another_shape_costs_no_document() -> None:
    from segmentation.sources.mongodb import DOCUMENT_PATHS, pipeline

    (projected,) = json.loads(pipeline({**DOCUMENT_PATHS, "channel": "details.channel"}, None))
    fields = projected["$project"]
    assert (fields["channel"], fields["channel_type"]) == ("$details.channel", {"$type": "$details.channel"})
    odd = json.dumps(fields["raw_record"])
    assert "details" not in odd
    assert all(path in odd for path in ("$customer.id", "$product"))
