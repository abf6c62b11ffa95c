"""From purchases to labels: the worked example of the contract and both sides of each boundary."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from segmentation.config import load_config
from segmentation.core.festive import resolve
from segmentation.core.metrics import METRICS_SCHEMA, average_half_away, customer_metrics, customer_sums, exact_sum
from segmentation.core.rules import Rule
from segmentation.core.segmenters import CategorySegmenter, PurchaseFrequencySegmenter, SpendingSegmenter
from segmentation.errors import ConfigError, RuleError
from segmentation.pipeline import CustomerSegmentationPipeline

AS_OF = date(2024, 6, 30)
FESTIVE = [
    {"name": "New Year", "from": "04-01", "to": "04-14"},
    {"name": "December", "from": "12-01", "to": "12-31"},
]
SCHEMA = "customer_id string, purchase_date date, amount decimal(18,2), category string"


def segment(session: SparkSession, customers: dict[str, list[tuple[str, str, str]]], as_of: date = AS_OF, **config):
    """The labels (frequency, spending, category) of customers, given as lists of (day, amount, category)."""
    rows = [
        (name, date.fromisoformat(day), Decimal(amount), category)
        for name, purchases in customers.items()
        for day, amount, category in purchases
    ]
    settings = load_config({"festive_periods": FESTIVE, **config})
    pipeline = CustomerSegmentationPipeline(settings)
    festive = resolve(settings.festive_periods, date(2020, 1, 1), as_of)
    frame = pipeline.segment(session.createDataFrame(rows, SCHEMA), as_of, festive)
    return {row.customer_id: (row.purchase_frequency, row.spending, row.category) for row in frame.collect()}


def of(days: list[str], amount: str, categories: str) -> list[tuple[str, str, str]]:
    names = {"W": "Womens", "M": "Mens", "K": "Kids", "O": "Other"}
    return [(day, amount, names[mark]) for day, mark in zip(days, categories, strict=True)]


LOYAL_DAYS = ["2024-01-10", "2024-02-10", "2024-03-10", "2024-04-20"]
FESTIVE_DAYS = ["2023-12-10", "2023-12-20", "2024-04-05", "2024-04-06"]
WORKED = {
    "A": (of(["2024-06-01"], "20000", "W"), ("New", "High Value", "Womens")),
    "B": (of(["2023-12-30", *LOYAL_DAYS], "2000", "KKKKK"), ("Loyal", "Low Value", "Kids")),
    "C": (of(["2023-12-29", *LOYAL_DAYS], "2000.01", "MMMMM"), ("Regular", "Medium Value", "Mens")),
    "D": (
        [("2023-05-01", "5000", "Mens"), ("2024-04-01", "6000", "Kids")],
        ("Regular", "Medium Value", "Family"),
    ),
    "E": (
        [("2023-05-01", "5000", "Mens"), ("2024-03-31", "6000", "Kids")],
        ("Lapsed", "Medium Value", "Family"),
    ),
    "F": (of([*FESTIVE_DAYS, "2024-05-20"], "14999.99", "WWWMK"), ("Seasonal", "Medium Value", "Mixed")),
    "G": (
        [*of(FESTIVE_DAYS, "14999.99", "WWWM"), ("2024-05-20", "15000.04", "Kids")],
        ("Seasonal", "High Value", "Mixed"),
    ),
}


def test_worked_example(session: SparkSession) -> None:
    found = segment(session, {name: purchases for name, (purchases, _) in WORKED.items()})
    assert found == {name: labels for name, (_, labels) in WORKED.items()}


def test_spending_boundaries(session: SparkSession) -> None:
    day = ["2024-06-01"] * 3
    cases = {
        "average just below": (of(day[:2], "14999.99", "WW"), "Medium Value"),
        "average just there": (of(day[:2], "15000.00", "WW"), "High Value"),
        "average a third of a cent below": (
            [*of(day[:2], "15000.00", "WW"), *of(day[:1], "14999.99", "W")],
            "Medium Value",
        ),
        "lifetime just below": (of(["2024-06-01"] * 11, "13636.36", "W" * 11), "Medium Value"),
        "lifetime just there": (of(["2024-06-01"] * 12, "12500.00", "W" * 12), "High Value"),
        "low just there": (of(day[:1], "10000.00", "W"), "Low Value"),
        "low just above": (of(day[:1], "10000.01", "W"), "Medium Value"),
        "nothing": (of(day[:1], "0", "W"), "Low Value"),
        "beyond 64 bits": (of(day, "9999999999999999.99", "WWW"), "High Value"),
    }
    found = segment(session, {name: purchases for name, (purchases, _) in cases.items()})
    assert {name: labels[1] for name, labels in found.items()} == {name: label for name, (_, label) in cases.items()}


def test_category_boundaries(session: SparkSession) -> None:
    cases = {
        "W" * 7 + "MMM": "Womens",
        "W" * 69 + "M" * 31: "Family",
        "W" * 69 + "M" * 29 + "KK": "Mixed",
        "W" * 70 + "M" * 30: "Womens",
        "WMK": "Family",
        "W" * 40 + "M" * 30 + "O" * 30: "Family",
        "W" * 40 + "M" * 29 + "O" * 31: "Mixed",
        "OO": "Mixed",
        "WO": "Mixed",
        "K": "Kids",
    }
    found = segment(session, {marks: of(["2024-06-01"] * len(marks), "1", marks) for marks in cases})
    assert {marks: labels[2] for marks, labels in found.items()} == cases


def test_a_low_threshold_takes_the_largest_share_then_the_order(session: SparkSession) -> None:
    cases = {"WWMMMK": "Mens", "WWMMKK": "Womens", "MMKKKO": "Kids", "MMKKOO": "Mens", "WOOOOO": "Mixed"}
    customers = {marks: of(["2024-06-01"] * 6, "1", marks) for marks in cases}
    found = segment(session, customers, dominant_threshold=0.3, family_threshold=0.3)
    assert {marks: labels[2] for marks, labels in found.items()} == cases


@pytest.mark.parametrize(
    ("as_of", "first_inside"),
    [(date(2024, 8, 31), "2024-02-29"), (date(2023, 8, 31), "2023-02-28"), (date(2024, 6, 30), "2023-12-30")],
)
def test_six_calendar_months(session: SparkSession, as_of: date, first_inside: str) -> None:
    inside = date.fromisoformat(first_inside)
    outside = date.fromordinal(inside.toordinal() - 1)
    recent = [as_of.isoformat()] * 4
    customers = {
        "in": of([*recent, inside.isoformat()], "1", "WWWWW"),
        "out": of([*recent, outside.isoformat()], "1", "WWWWW"),
    }
    found = segment(session, customers, as_of)
    assert (found["in"][0], found["out"][0]) == ("Loyal", "Regular")


def test_configured_order_and_windows(session: SparkSession) -> None:
    festive_long_ago = {"x": of(["2023-12-01", "2023-12-02"], "1", "WW")}
    assert segment(session, festive_long_ago)["x"][0] == "Lapsed"
    order = ["New", "Loyal", "Seasonal", "Lapsed"]
    assert segment(session, festive_long_ago, frequency_order=order)["x"][0] == "Seasonal"
    assert segment(session, festive_long_ago, lapsed_after_days=210)["x"][0] == "Lapsed"
    assert segment(session, festive_long_ago, lapsed_after_days=211)["x"][0] == "Seasonal"
    three = {"x": of(["2024-05-30", "2024-06-01", "2024-06-02"], "1", "WWW")}
    assert segment(session, three, loyal_min_purchases=3, loyal_window_months=1)["x"][0] == "Loyal"
    three = {"x": of(["2024-05-29", "2024-06-01", "2024-06-02"], "1", "WWW")}
    assert (
        segment(session, three, loyal_min_purchases=3, loyal_window_months=1, frequency_fallback="Other")["x"][0]
        == "Other"
    )


def test_metrics(session: SparkSession) -> None:
    purchases, _ = WORKED["G"]
    rows = [("G", date.fromisoformat(day), Decimal(amount), category) for day, amount, category in purchases]
    settings = load_config({"festive_periods": FESTIVE})
    festive = resolve(settings.festive_periods, date(2020, 1, 1), AS_OF)
    frame = CustomerSegmentationPipeline(settings).segment(session.createDataFrame(rows, SCHEMA), AS_OF, festive)
    assert [row.asDict() for row in frame.collect()] == [
        {
            "customer_id": "G",
            "purchase_frequency": "Seasonal",
            "spending": "High Value",
            "category": "Mixed",
            "total_purchases": 5,
            "lifetime_spend": Decimal("75000.00"),
            "average_order_value": Decimal("15000.00"),
            "first_purchase": date(2023, 12, 10),
            "last_purchase": date(2024, 5, 20),
            "days_since_last_purchase": 41,
            "purchases_last_6_months": 3,
            "purchases_last_90_days": 3,
            "festive_purchases": 4,
            "festive_share": 0.8,
            "womens_purchases": 3,
            "mens_purchases": 1,
            "kids_purchases": 1,
            "other_purchases": 0,
            "womens_share": 0.6,
            "mens_share": 0.2,
            "kids_share": 0.2,
            "other_share": 0.0,
            "average_days_between_purchases": 40.5,
            "returns": 0,
            "returned_amount": Decimal("0.00"),
        }
    ]


def test_the_schema_that_rules_are_checked_against(session: SparkSession) -> None:
    declared = session.createDataFrame([], METRICS_SCHEMA).schema
    for returns in ("reject", "net"):
        settings = load_config({"returns": returns})
        festive = resolve(settings.festive_periods, AS_OF, AS_OF)
        sums = customer_sums(session.createDataFrame([], SCHEMA), AS_OF, festive, settings)
        made = customer_metrics(sums, AS_OF).schema
        assert [(field.name, field.dataType) for field in made] == [(f.name, f.dataType) for f in declared]


def test_the_average_is_rounded_once_and_half_away_from_zero(session: SparkSession) -> None:
    cases = [
        ("0.00", 7, "0.00"),
        ("0.01", 2, "0.01"),
        ("0.01", 3, "0.00"),
        ("0.05", 2, "0.03"),
        ("10.00", 3, "3.33"),
        ("20.00", 3, "6.67"),
        ("1.00", 201, "0.00"),
        ("1.00", 200, "0.01"),
        ("9999999999999.99", 1, "9999999999999.99"),
        ("9999999999999.99", 7, "1428571428571.43"),
        ("9999999999999.99", 1999999999999998, "0.01"),
        ("9999999999999.99", 2000000000000000, "0.00"),
        ("10000000000000.00", 3, "3333333333333.33"),
        ("999999999999999.98", 200000000000000000, "0.00"),
        ("999999999999999.99", 199999999999999998, "0.01"),
        ("29999999999999999999.97", 3, "9999999999999999999.99"),
    ]
    signed = [*cases, *[(f"-{total}", count, f"-{expected}") for total, count, expected in cases]]
    rows = [(Decimal(total), count, Decimal(expected)) for total, count, expected in signed]
    frame = session.createDataFrame(rows, "total decimal(28,2), count bigint, expected decimal(28,2)")
    found = frame.withColumn("found", average_half_away(F.col("total"), F.col("count")))
    assert found.where("found != expected or found is null").collect() == []


class WithVip(PurchaseFrequencySegmenter):
    def rules(self):
        return [Rule("VIP", F.col("total_purchases") >= 10), *super().rules()]


def test_a_subclass_puts_a_rule_in_front(session: SparkSession) -> None:
    metrics = session.createDataFrame(
        [(10, 0, 0, 0), (9, 0, 0, 0)],
        "total_purchases int, purchases_in_loyal_window int, festive_purchases int, days_since_last_purchase int",
    )
    labels = [row.purchase_frequency for row in WithVip().segment_customers(metrics).collect()]
    assert labels == ["VIP", "Regular"]


def test_ill_formed_rules_fail_when_they_are_built(session: SparkSession) -> None:
    class Twice(PurchaseFrequencySegmenter):
        def rules(self):
            return [Rule("New", F.lit(True)), *super().rules()]

    class NoMetric(SpendingSegmenter):
        def rules(self):
            return [Rule("Rich", F.col("wealth") > 1)]

    class NoLabel(CategorySegmenter):
        def rules(self):
            return [Rule(" ", F.lit(True))]

    metrics = session.createDataFrame([(1,)], "total_purchases int")
    with pytest.raises(RuleError, match="New more than once"):
        Twice().build()
    with pytest.raises(RuleError, match="wealth"):
        NoMetric().segment_customers(metrics)
    with pytest.raises(RuleError, match="need a label"):
        NoLabel().build()
    with pytest.raises(ConfigError, match="Dimensions must differ"):
        CustomerSegmentationPipeline(segmenters=[CategorySegmenter(), CategorySegmenter()])


def test_a_null_condition_does_not_match(session: SparkSession) -> None:
    class Gap(SpendingSegmenter):
        def rules(self):
            return [Rule("Often", F.col("average_days_between_purchases") < 5)]

    metrics = session.createDataFrame([(None,), (4.0,)], "average_days_between_purchases double")
    assert [row.spending for row in Gap().segment_customers(metrics).collect()] == ["Medium Value", "Often"]


FESTIVE_CASES = {
    "2023-12-01": True,
    "2023-11-30": False,
    "2024-12-31": True,
    # Sinhala and Tamil New Year 2024 is 13 April, 14 days before.
    "2024-03-29": True,
    "2024-03-27": False,
    "2024-04-13": True,
    "2024-04-14": False,
    # Vesak 2024 is 23 May: 7 days before, 1 after.
    "2024-05-16": True,
    "2024-05-15": False,
    "2024-05-24": True,
    "2024-05-25": False,
    # Diwali 2024 is 31 October; its days reach back to 17 October.
    "2024-10-17": True,
    "2024-10-16": False,
    "2024-11-01": False,
}


def test_default_festive_days(session: SparkSession) -> None:
    calendar = resolve(load_config().festive_periods, date(2023, 1, 1), date(2024, 12, 31))
    frame = session.createDataFrame([(day,) for day in FESTIVE_CASES], "day string")
    found = frame.select("day", calendar.contains(F.to_date("day")).alias("festive")).collect()
    assert {row.day: row.festive for row in found} == FESTIVE_CASES


def test_periods_wrap_over_new_year_and_hold_once(session: SparkSession) -> None:
    periods = [
        {"name": "Turn", "from": "12-30", "to": "01-02"},
        {"name": "Sale", "start": "2024-05-01", "end": "2024-05-01"},
        {"name": "After New Year", "holiday": "Independence Day", "country": "LK", "days_before": 40},
    ]
    calendar = resolve(load_config({"festive_periods": periods}).festive_periods, date(2023, 6, 1), date(2023, 12, 31))
    cases = {
        "2023-12-29": True,
        "2023-12-25": False,
        "2024-01-02": True,
        "2022-01-02": True,
        "2022-01-03": False,
        "2024-05-01": True,
        "2023-05-01": False,
    }
    frame = session.createDataFrame([(day,) for day in cases], "day string")
    found = frame.select("day", calendar.contains(F.to_date("day")).alias("festive")).collect()
    assert {row.day: row.festive for row in found} == cases


def test_unknown_holidays_are_refused_with_names_that_exist() -> None:
    period = {"name": "Vesak", "holiday": "Vesak Poya", "country": "LK"}
    periods = load_config({"festive_periods": [period]}).festive_periods
    with pytest.raises(ConfigError, match="Vesak Full Moon Poya Day"):
        resolve(periods, date(2024, 1, 1), date(2024, 12, 31))
    periods = load_config({"festive_periods": [{**period, "country": "XX"}]}).festive_periods
    with pytest.raises(ConfigError, match="XX"):
        resolve(periods, date(2024, 1, 1), date(2024, 12, 31))


def test_years_that_the_holidays_package_does_not_know_are_named() -> None:
    calendar = resolve(load_config().festive_periods, date(1999, 1, 1), date(2004, 1, 1))
    assert calendar.unknown_years["Diwali"] == (1999, 2000, 2001, 2002)


SUMS = {
    "below, at and above the border of a large amount": ["999999.99", "1000000.00", "1000000.01"],
    "only small ones": ["0.01", "0.02"],
    "only large ones": ["9999999999999999.99"] * 3,
    "nothing": ["0.00"],
}


@pytest.mark.parametrize("case", SUMS)
def test_sums_are_exact(case: str, session: SparkSession) -> None:
    amounts = [Decimal(text) for text in SUMS[case]]
    frame = session.createDataFrame([(amount,) for amount in amounts], "amount decimal(18,2)")
    row = frame.agg(exact_sum(F.col("amount")).alias("sum"))
    assert row.dtypes == [("sum", "decimal(28,2)")]
    assert row.collect() == [(sum(amounts),)]
