"""What expressions come to: the same on both engines, exact where numbers are."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from segmentation.config import load_config
from segmentation.core.festive import resolve
from segmentation.core.segmentation import Segmentation

AS_OF = date(2024, 6, 30)
EXTRA = {"channel": {}, "pieces": {"type": "integer"}, "weight": {"type": "decimal(10,3)"}, "gift": {"type": "boolean"}}
SCHEMA = (
    "customer_id string, purchase_id string, purchase_date date, amount decimal(18,2), category string, "
    "channel string, pieces bigint, weight decimal(10,3), gift boolean"
)
BOUGHT = [
    ("A", "P1", "2024-01-01", "100.50", "Womens", "online", 2, "0.500", True),
    ("A", "P2", "2024-04-05", "200.00", "Womens", "shop", 1, None, False),
    ("A", "P3", "2024-04-05", "200.00", "Kids", "online", None, "1.250", None),
    ("A", "P4", "2024-06-30", "0.01", "Other", "shop", 4, "1.001", True),
    ("B", "P5", "2024-05-01", "70.00", "Mens", None, None, None, None),
]
D = Decimal
# An expression, and what it comes to for A and B.
OVER_PURCHASES: list[tuple[str, Any, Any]] = [
    ("count(*)", 4, 1),
    ("count(pieces)", 3, 0),
    ("count(distinct purchase_date)", 3, 1),
    ("count(distinct channel)", 2, 0),
    ("sum(amount)", D("500.51"), D("70.00")),
    ("sum(pieces)", 7, None),
    ("sum(amount * 1.05)", D("525.5355"), D("73.5000")),
    ("sum(amount * pieces)", D("401.04"), None),
    ("avg(amount)", 500.51 / 4, 70.0),
    ("avg(pieces)", 7 / 3, None),
    ("avg(if(channel = 'online', 1.0, 0.0))", 0.5, 0.0),
    ("mean(if(category = 'Womens', 1, 0))", 0.5, 0.0),
    ("min(amount)", D("0.01"), D("70.00")),
    ("max(purchase_date)", date(2024, 6, 30), date(2024, 5, 1)),
    ("max(weight)", D("1.250"), None),
    ("count_if(gift)", 2, 0),
    ("any(gift)", True, None),
    ("bool_and(gift)", False, None),
    ("every(amount > 0)", True, True),
    # Equally frequent: the smallest. Equally large: the largest.
    ("mode(channel)", "online", None),
    ("mode(category)", "Womens", "Mens"),
    ("mode(channel) filter (where amount < 150)", "online", None),
    ("mode(pieces)", 1, None),
    ("max_by(category, amount)", "Womens", "Mens"),
    ("max_by(channel, purchase_date)", "shop", None),
    ("max_by(pieces, purchase_date)", 4, None),
    # Of two on one day, one without a value.
    ("max_by(weight, purchase_date) filter (where amount = 200)", D("1.250"), None),
    ("min_by(weight, purchase_date) filter (where amount = 200)", D("1.250"), None),
    ("max_by(pieces, purchase_date) filter (where amount = 200)", 1, None),
    ("sum(cast(pieces as decimal(10,2)))", D("7.00"), None),
    ("sum(cast(pieces as decimal(10,3)))", D("7.000"), None),
    ("mode(category) filter (where channel = 'Online')", None, None),
    ("mode(category) filter (where channel = 'online')", "Kids", None),
    ("min_by(category, purchase_date)", "Womens", "Mens"),
    ("sum(amount) filter (where channel = 'shop')", D("200.01"), None),
    ("count(*) filter (where pieces is null)", 1, 1),
    ("sum(if(purchase_date > first_purchase, amount, 0))", D("400.01"), D("0.00")),
    ("count_if(purchase_date = last_purchase)", 1, 1),
    ("count_if(in_last_90_days)", 3, 1),
    ("count_if(in_last_6_months)", 4, 1),
    ("count_if(is_festive)", 2, 0),
    ("datediff(as_of, min(purchase_date))", 181, 60),
    ("datediff(last_purchase, first_purchase)", 181, 0),
    ("max(amount) - min(amount)", D("199.99"), D("0.00")),
    ("sum(amount) / count(*)", 500.51 / 4, 70.0),
    ("sum(amount) / count(pieces)", 500.51 / 3, None),
    ("sum(amount) / (count(*) - 1)", 500.51 / 3, None),
    ("coalesce(sum(amount) / nullif(count(*) - 1, 0), 0)", 500.51 / 3, 0.0),
    ("case when count(*) > 3 then 'much' when sum(amount) > 50 then 'some' end", "much", "some"),
    ("count(*) % 3", 1, 1),
    ("-count(*)", -4, -1),
    ("round(sum(amount), 1)", D("500.5"), D("70.0")),
    ("round(sum(weight), 2)", D("2.75"), None),
    ("floor(sum(amount))", 500, 70),
    ("ceil(sum(amount) / 3)", 167, 24),
    ("abs(sum(amount) - 600)", D("99.49"), D("530.00")),
    ("sqrt(count(*))", 2.0, 1.0),
    ("greatest(sum(pieces), 8)", 8, 8),
    ("least(max(amount), 150.5)", D("150.50"), D("70.00")),
    ("upper(max(channel)) || '!'", "SHOP!", None),
    ("length(min(category))", 4, 4),
    ("substring(max(category), 2, 3)", "ome", "ens"),
    ("replace(min(channel), 'o', '0')", "0nline", None),
    ("max(channel) like 'sh%'", True, None),
    ("startswith(max(channel), 's') and contains(max(channel), 'ho')", True, None),
    ("max(channel) in ('shop', 'fax')", True, None),
    ("max(purchase_date) between '2024-06-01' and '2024-06-30'", True, False),
    ("count(*) <> 4 or not max(pieces) = 4", False, True),
    ("max(channel) is null", False, True),
    ("any(gift) is true", True, False),
    ("year(min(purchase_date)) * 100 + month(min(purchase_date))", 202401, 202405),
    ("date_add(max(purchase_date), 30)", date(2024, 7, 30), date(2024, 5, 31)),
    ("add_months(max(purchase_date), -4)", date(2024, 2, 29), date(2024, 1, 1)),
    ("count(distinct quarter(purchase_date))", 2, 1),
    ("count_if(dayofweek(purchase_date) in (1, 7))", 1, 0),
    ("count_if(weekday(purchase_date) >= 5)", 1, 0),
    ("cast(sum(amount) as decimal(12,1))", D("500.5"), D("70.0")),
    ("cast(count(*) as string)", "4", "1"),
    ("cast(sum(amount) as bigint)", 500, 70),
    ("sum(amount) > 5e2", True, False),
]
# The same of a customer's metrics, without an aggregate.
OF_METRICS: list[tuple[str, Any, Any]] = [
    ("lifetime_spend / total_purchases", 500.51 / 4, 70.0),
    ("lifetime_spend * 2 - returned_amount", D("1001.02"), D("140.00")),
    ("womens_share >= 0.5", True, False),
    ("average_days_between_purchases is null", False, True),
    ("if(days_since_last_purchase <= 30, 'now', 'then')", "now", "then"),
    ("LIFETIME_SPEND > 100 and customer_id = 'A'", True, False),
    ("datediff(last_purchase, first_purchase) + days_since_last_purchase", 181, 60),
    ("purchases_in_loyal_window", 4, 1),
]


def measured(session: SparkSession, sqls: list[str], rows: list[Any] = BOUGHT, **config: Any) -> dict[str, list[Any]]:
    """What expressions come to, in their order, by customer."""
    metrics = [{"name": f"m{number}", "sql": sql} for number, sql in enumerate(sqls)]
    periods = [{"name": "New Year", "from": "04-01", "to": "04-14"}]
    settings = load_config(
        {"input": {"extra_columns": EXTRA}, "metrics": metrics, "festive_periods": periods, **config}
    )
    segmentation = Segmentation(settings)
    texts = session.createDataFrame(
        [(*row[:2], *map(_text, row[2:])) for row in rows], ", ".join(f"c{n} string" for n in range(9))
    )
    kinds = [field.split(" ") for field in SCHEMA.split(", ")]
    frame = texts.select(*[F.col(f"c{n}").cast(kind).alias(name) for n, (name, kind) in enumerate(kinds)])
    festive = resolve(settings.festive_periods, date(2024, 1, 1), AS_OF)
    found = segmentation.segment(frame, AS_OF, festive)
    types = {name: found.schema[name].dataType.simpleString() for name in (one["name"] for one in metrics)}
    assert types == {name: segmentation.columns[name] for name in types}
    return {row.customer_id: [row[one["name"]] for one in metrics] for row in found.collect()}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


@pytest.mark.parametrize("cases", [OVER_PURCHASES, OF_METRICS], ids=["over purchases", "of metrics"])
def test_what_expressions_come_to(session: SparkSession, cases: list[tuple[str, Any, Any]]) -> None:
    found = measured(session, [sql for sql, _, _ in cases])
    for number, (sql, of_a, of_b) in enumerate(cases):
        assert (sql, found["A"][number], found["B"][number]) == (sql, of_a, of_b)
        assert type(found["A"][number]) is type(of_a), sql


def test_a_return_is_no_purchase(session: SparkSession) -> None:
    returned = ("A", "P9", "2024-06-01", "-50.00", "Mens", "fax", 9, None, True)
    sqls = ["count(*)", "sum(amount)", "avg(pieces)", "mode(channel)", "max(channel)", "count_if(gift)", "max(pieces)"]
    sqls += ["max_by(channel, purchase_date)", "min_by(pieces, purchase_date)"]
    sqls += ["datediff(as_of, min(purchase_date))", "count_if(purchase_date = first_purchase)", "min(amount)"]
    early = ("B", "P8", "2023-01-01", "-1.00", "Mens", "fax", 9, None, True)
    with_them = measured(session, sqls, [*BOUGHT, returned, early], returns="net")
    assert with_them == measured(session, sqls)


def test_all_orders_of_rows_come_to_the_same(session: SparkSession) -> None:
    sqls = [sql for sql, _, _ in OVER_PURCHASES]
    assert measured(session, sqls, BOUGHT[::-1]) == measured(session, sqls)


# Values of customers A, B, ...; the settings of a score; the scores.
SCORED: list[tuple[str, list[int], dict[str, Any], list[Any]]] = [
    ("fifths", [1, 2, 3, 4, 5], {"cut": {"quantiles": 5}}, [1, 2, 3, 4, 5]),
    ("fifths, the smallest is best", [1, 2, 3, 4, 5], {"cut": {"quantiles": 5}, "order": "ascending"}, [5, 4, 3, 2, 1]),
    ("more than fit", [1, 2, 3, 4, 5, 6, 7], {"cut": {"quantiles": 3}}, [1, 1, 1, 2, 2, 3, 3]),
    ("fewer than groups", [1, 2], {"cut": {"quantiles": 5}}, [1, 3]),
    ("equal ones at the end", [1, 1, 1, 2, 3], {"cut": {"quantiles": 5}}, [1, 1, 1, 4, 5]),
    ("equal ones in front", [1, 2, 3, 3, 3], {"cut": {"quantiles": 5}}, [1, 2, 3, 3, 3]),
    ("all equal", [7, 7, 7], {"cut": {"quantiles": 5}}, [1, 1, 1]),
    ("all equal, the smallest is best", [7, 7, 7], {"cut": {"quantiles": 5}, "order": "ascending"}, [1, 1, 1]),
    ("at values", [99, 100, 499, 500], {"cut": {"values": [100, 500]}}, [1, 2, 2, 3]),
    (
        "at values, the smallest is best",
        [30, 31, 90, 91],
        {"cut": {"values": [30, 90]}, "order": "ascending"},
        [3, 2, 2, 1],
    ),
    ("at values with decimals", [1, 2, 3], {"cut": {"values": [1.5, 2.5]}}, [1, 2, 3]),
    ("shares", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], {"cut": {"shares": [0.2, 0.5, 1.0]}}, [1] * 5 + [2] * 3 + [3] * 2),
    (
        "shares with labels",
        [1, 2, 3, 4],
        {"cut": {"shares": [0.25, 1]}, "labels": ["Top", "Rest"]},
        ["Rest", "Rest", "Rest", "Top"],
    ),
    ("zero apart", [0, 0, 0, 1, 2], {"cut": {"quantiles": 2}, "zero": 0}, [0, 0, 0, 1, 2]),
    (
        "zero apart with a label",
        [0, 5, 6],
        {"cut": {"quantiles": 2}, "labels": ["High", "Low"], "zero": "None"},
        ["None", "Low", "High"],
    ),
    ("nobody but zero", [0, 0], {"cut": {"quantiles": 2}, "zero": 0}, [0, 0]),
]


@pytest.mark.parametrize(("name", "values", "setting", "scores"), SCORED, ids=[one[0] for one in SCORED])
def test_scores(
    session: SparkSession, name: str, values: list[int], setting: dict[str, Any], scores: list[Any]
) -> None:
    letters = [chr(ord("A") + number) for number in range(len(values))]
    score = {"name": "mine", "of": "lifetime_spend", **setting}
    assert scored(session, dict(zip(letters, values, strict=True)), score) == dict(zip(letters, scores, strict=True))


def scored(session: SparkSession, spend: dict[str, Any], score: dict[str, Any], **config: Any) -> dict[str, Any]:
    settings = load_config({"scores": [score], **config})
    columns = "customer_id string, purchase_date date, amount decimal(18,2), category string"
    rows = [(name, AS_OF, D(value), name[0]) for name, value in spend.items()]
    found = Segmentation(settings).segment(session.createDataFrame(rows, columns), AS_OF, resolve((), AS_OF, AS_OF))
    assert found.schema["mine"].dataType.simpleString() == ("string" if score.get("labels") else "bigint")
    return {row.customer_id: row.mine for row in found.collect()}


def test_within_a_group_each_has_cuts_of_its_own(session: SparkSession) -> None:
    score = {"name": "mine", "of": "lifetime_spend", "within": "group", "cut": {"quantiles": 2}}
    metrics = [{"name": "group", "sql": "nullif(max(category), 'z')"}]
    spend = {"x1": 1, "x2": 2, "y1": 10, "y2": 20, "z1": 100, "z2": 200}
    found = scored(session, spend, score, metrics=metrics)
    assert found == {"x1": 1, "x2": 2, "y1": 1, "y2": 2, "z1": 1, "z2": 2}


def test_who_has_no_value_has_no_score_and_is_not_counted(session: SparkSession) -> None:
    score = {"name": "mine", "of": "value", "cut": {"quantiles": 2}}
    metrics = [{"name": "value", "sql": "lifetime_spend / if(lifetime_spend > 5, 0, 1)"}]
    assert scored(session, {"a": 1, "b": 2, "c": 9, "d": 9, "e": 9}, score, metrics=metrics) == {
        "a": 1,
        "b": 2,
        "c": None,
        "d": None,
        "e": None,
    }
