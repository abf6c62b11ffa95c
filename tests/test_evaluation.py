"""The plain evaluator says what the engine says, or that it does not know."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pyspark
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import Column, Window
from pyspark.sql import functions as F

from segmentation.config import load_config
from segmentation.core.evaluation import Unknown, over_each, typed, value_of
from segmentation.core.evaluation.aggregates import ROWS
from segmentation.core.metrics import METRICS_SCHEMA
from segmentation.core.segmentation import Segmentation
from segmentation.core.terms import Opaque, Over, term_of
from segmentation.engines.base import Engine
from segmentation.engines.embedded.columns import connect_mode
from segmentation.insights.asking import EngineAsked
from segmentation.insights.solving import kinds_of

pytestmark = [
    pytest.mark.skipif(pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4"),
    pytest.mark.embedded_only(reason="the embedded engine alone has columns that keep what they were made from"),
]
SETTINGS: list[Mapping[str, Any]] = [
    {},
    {"loyal_window_months": 3, "seasonal_threshold": "0.333", "dominant_threshold": "0.5", "family_threshold": "0"},
]
METRIC_KINDS = kinds_of(METRICS_SCHEMA)
N, DAYS, SPEND = "total_purchases", "days_since_last_purchase", "lifetime_spend"
FIRST, LAST, GAP, WHO = "first_purchase", "last_purchase", "average_days_between_purchases", "customer_id"
c = F.col
# Whatever a rule may be made of; null everywhere, and each known to the evaluator.
KNOWN: dict[str, Callable[[], Column]] = {
    "equal": lambda: c(N) == 3,
    "not equal": lambda: c(N) != 3,
    "null safe": lambda: c(N).eqNullSafe(c(DAYS)),
    "null safe null": lambda: c(N).eqNullSafe(None),
    "compared with null": lambda: c(N) > F.lit(None),
    "and": lambda: (c(N) > 2) & (c(DAYS) < 50),
    "or": lambda: (c(N) > 2) | (c(DAYS) < 50),
    "not": lambda: ~((c(N) > 2) | (c(DAYS) < 50)),
    "between": lambda: c(DAYS).between(10, 60),
    "in": lambda: c(N).isin(1, 2, 5),
    "in with null": lambda: c(N).isin(1, None),
    "in texts": lambda: c(WHO).isin("a", "C1"),
    "is null": lambda: c(GAP).isNull() | F.isnotnull(c(WHO)),
    "sum": lambda: c(N) + c(DAYS) - 3,
    "product": lambda: c(N) * c(DAYS) * 2,
    "decimals": lambda: c(SPEND) * F.lit(Decimal("0.35")) + c("average_order_value") - 7,
    "decimal by whole": lambda: c(SPEND) >= F.lit(Decimal("14999.99")) * c(N),
    "decimal by double": lambda: c(SPEND) > c(GAP),
    "whole by double": lambda: c(N) + 0 >= c(GAP),
    "double": lambda: c("kids_share") * 3 >= 1.5,
    "quotient": lambda: c(DAYS) / 4,
    "remainder": lambda: (c(DAYS) - 50) % 7,
    "remainder of decimals": lambda: c(SPEND) % 100,
    "minus": lambda: -c(DAYS) + F.abs(c(DAYS) - 50),
    "minus decimal": lambda: -c(SPEND) + F.abs(c(SPEND) - 5),
    "minus double": lambda: -c(GAP),
    "coalesce": lambda: F.coalesce(c(GAP), c(DAYS), F.lit(1)),
    "coalesce decimals": lambda: F.coalesce(c(SPEND), c(N)),
    "nullif": lambda: F.nullif(c(N), F.lit(3)),
    "greatest": lambda: F.greatest(c(N), c(DAYS), c("returns")),
    "least": lambda: F.least(c(N), c(SPEND)),
    "greatest days": lambda: F.greatest(c(FIRST), c(LAST)),
    "when": lambda: F.when(c(N) > 3, "many").when(c(DAYS) > 5, c(WHO)).otherwise("few"),
    "when nothing": lambda: F.when(c(N) > 3, c(SPEND)),
    "days": lambda: c(LAST) >= date(2024, 2, 29),
    "days as text": lambda: c(LAST) >= "2024-02-29",
    "days between": lambda: F.datediff(c(LAST), c(FIRST)),
    "days later": lambda: F.date_add(c(FIRST), c(DAYS)),
    "days earlier": lambda: F.date_sub(c(FIRST), 45),
    "months later": lambda: F.add_months(c(FIRST), -13),
    "last day": lambda: F.last_day(c(FIRST)),
    "parts of days": lambda: F.year(c(FIRST)) * 10000 + F.month(c(FIRST)) * 100 + F.dayofmonth(c(FIRST)),
    "other parts": lambda: F.dayofweek(c(FIRST)) * 10 + F.quarter(c(FIRST)),
    "day of year": lambda: F.dayofyear(c(FIRST)),
    "starts": lambda: c(WHO).startswith("C") | c(WHO).endswith("9") | c(WHO).contains("x"),
    "like": lambda: c(WHO).like("C%_"),
    "rlike": lambda: c(WHO).rlike("^[A-D][0-9]+$"),
    "upper": lambda: F.concat(F.upper(c(WHO)), F.lower(c(WHO))),
    "trimmed": lambda: F.concat(F.trim(c(WHO)), F.ltrim(c(WHO)), F.rtrim(c(WHO))),
    "length": lambda: F.length(c(WHO)),
    "part": lambda: F.substring(c(WHO), 1, 2),
    "text order": lambda: c(WHO) > "C1",
    "cast to text": lambda: F.concat(c(N).cast("string"), c(SPEND).cast("string"), c(LAST).cast("string")),
    "cast truth": lambda: (c(N) > 3).cast("int") + (c(N) > 5).cast("int"),
    "cast to text of truth": lambda: (c(N) > 3).cast("string"),
    "cast to whole": lambda: c(SPEND).cast("bigint"),
    "cast double to whole": lambda: c(GAP).cast("int"),
    "cast to less": lambda: c(SPEND).cast("decimal(30,1)"),
    "cast to double": lambda: c(N).cast("double") / c(DAYS).cast("double"),
    "cast decimal to double": lambda: c("returned_amount").cast("double"),
    "cast literal": lambda: F.lit("2024-02-29").cast("date"),
    "named": lambda: ((c(N) > 1) & F.lit(True)).alias("name"),
    "in capitals": lambda: c("Total_Purchases") > 1,
}
UNKNOWN: dict[str, Callable[[], Column]] = {
    "a function of its own": lambda: F.soundex(c(WHO)) == "C000",
    "a text as a number": lambda: c(WHO) > 5,
    "what is too large": lambda: c(N) * F.lit(2**62),
    "a division by zero": lambda: c(N) / 0,
    "a pattern that looks ahead": lambda: c(WHO).rlike("C(?=1)"),
    "no column": lambda: c("nobody") > 5,
    "a day of another form": lambda: c(LAST) > "2024-2-9",
    "a quotient of many digits": lambda: c(SPEND) / F.lit(Decimal("3.00")),
    "a day of the week, in which engines differ": lambda: F.weekday(c(FIRST)),
    "an aggregate of several": lambda: F.call_function("count", c(N), c(DAYS)) > 1,
    "structs as such": lambda: F.struct(c(N).alias("n")) == F.struct(c(DAYS).alias("n")),
    "a struct that is null": lambda: F.struct(c(N).alias("n")).isNull(),
    "a field that is none": lambda: F.struct(c(N).alias("n"))["m"] > 1,
    "what is tried": lambda: c(WHO).try_cast("int"),
    "letters of the world": lambda: F.upper(F.lit("ß")),
}
counts = st.none() | st.integers(0, 12)
amounts = st.none() | st.decimals(-5000, 300_000, places=2)
some_days = st.none() | st.dates(date(2023, 12, 28), date(2024, 3, 2)) | st.dates(date(1900, 1, 1), date(2100, 1, 1))
doubles = st.none() | st.floats(0, 1000, allow_nan=False) | st.sampled_from([0.0, 0.5, 1.0, 3.0])
by_kind = {"bigint": counts, "date": some_days, "double": doubles, "decimal(28,2)": amounts}
some_rows = st.fixed_dictionaries(
    {
        **{name: by_kind[kind] for name, kind in METRIC_KINDS.items() if kind in by_kind},
        DAYS: st.none() | st.integers(1, 120),
        WHO: st.none() | st.sampled_from(["C1", " x9 ", "", "c\u00e9", "2024-01-05"]) | st.text("aC1 _%x", max_size=5),
    }
)


def test_every_condition_is_what_the_engine_says(engine: Engine) -> None:
    """All on the same rows: those of the rules by default, and of the table."""
    segmenters = [one for setting in SETTINGS for one in Segmentation(load_config(setting)).segmenters]
    rules = [rule.condition for one in segmenters for rule in one.build().rules]
    columns = {name: make() for name, make in KNOWN.items()} | {f"rule {at}": rule for at, rule in enumerate(rules)}
    terms = {name: term_of(column) for name, column in columns.items()}
    ways = {name: typed(term, METRIC_KINDS) for name, term in terms.items()}
    asked = EngineAsked(engine, Segmentation(load_config(None)), {})

    # Without making a failure smaller, which takes minutes: one row is small.
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(st.lists(some_rows, min_size=30, max_size=60))
    def same(rows: list[dict[str, Any]]) -> None:
        for row, told in zip(rows, asked.values(terms, rows, METRICS_SCHEMA), strict=True):
            for name, way in ways.items():
                found = value_of(way, row)
                same_value = found == told[name] and type(found) is type(told[name])
                # Engines have their own tables of other letters.
                assert same_value or (name == "upper" and not row[WHO].isascii()), (name, found, told[name], row)

    same()


BEST: list[tuple[list[tuple[Any, Any]], Any]] = [
    ([], None),
    ([(None, "a")], None),
    ([(1, "a"), (2, "b"), (None, "c")], "b"),
    ([(2, "b"), (2, "c"), (1, "d")], "c"),
    ([(2, None), (1, "d")], None),
    ([(2, None), (2, None)], None),
    ([(2, None), (2, "c")], Unknown),
]


@pytest.fixture
def one_row() -> Iterator[dict[str, Any]]:
    """A customer, while columns are those of Connect."""
    with connect_mode():
        numbers = {name: 7 for name, kind in METRIC_KINDS.items() if kind in ("int", "bigint")}
        days = {FIRST: date(2024, 1, 5), LAST: date(2024, 2, 9)}
        yield {**dict.fromkeys(METRIC_KINDS), **numbers, **days, WHO: "C1", SPEND: Decimal("100.00"), GAP: 5.0}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_only_an_engine_can_say_is_not_guessed(name: str, one_row: dict[str, Any]) -> None:
    found = value_of(typed(term_of(UNKNOWN[name]()), METRIC_KINDS), one_row)
    assert isinstance(found, Unknown) and str(found), found


def test_one_condition_may_decide_whatever_the_other_one_is(one_row: dict[str, Any]) -> None:
    unknown, true, false, null = F.soundex(c(WHO)) == "C000", F.lit(True), F.lit(False), F.lit(None)
    cases = [
        (unknown & false, False),
        (false & unknown, False),
        (unknown | true, True),
        (true | unknown, True),
        *[(one, Unknown) for one in (unknown & true, null & unknown, unknown | false, ~unknown, null | unknown)],
        (null & false, False),
        (null | true, True),
        (null & true, None),
        (null | false, None),
    ]
    for condition, expected in cases:
        found = value_of(typed(term_of(condition), METRIC_KINDS), one_row)
        assert isinstance(found, Unknown) if expected is Unknown else found is expected, (condition, found)


@pytest.mark.parametrize(("rows", "expected"), BEST)
def test_the_value_of_the_row_that_is_best(one_row: dict[str, Any], rows: list[tuple[Any, Any]], expected: Any) -> None:
    """Of equal ones that of the larger value; engines order nothing beside something in ways of their own."""
    both = F.struct(c(N).alias("by"), c(WHO).alias("value"))
    term = term_of(F.max(F.when(c(N).isNotNull(), both))["value"])
    found = value_of(typed(term, METRIC_KINDS), {ROWS: [{N: by, WHO: value} for by, value in rows]})
    assert isinstance(found, Unknown) if expected is Unknown else found == expected
    assert term_of(F.max(both)["by"]) == pickle.loads(pickle.dumps(term_of(F.max(both)["by"])))


def test_what_rows_have_together(one_row: dict[str, Any]) -> None:
    """Nulls are alike; where the order of rows matters, only an engine can say."""
    alike = Window.partitionBy(c(WHO), c(N))
    over = term_of(F.count(F.lit(1)).over(alike))
    assert isinstance(over, Over)
    rows = [{WHO: who, N: number} for who, number in (("a", 1), ("b", 1), ("a", None), ("a", 1), ("a", None))]
    assert over_each(over, METRIC_KINDS)(rows) == [2, 1, 2, 2, 2]
    assert isinstance(value_of(typed(over, METRIC_KINDS), one_row), Unknown)
    assert isinstance(term_of(F.count(F.lit(1)).over(alike.orderBy(c(N)))), Opaque)
    assert isinstance(term_of(F.count(F.lit(1)).over(alike.rowsBetween(-1, 0))), Opaque)


def test_values_are_counted_once(one_row: dict[str, Any]) -> None:
    rows = {ROWS: [{N: by, GAP: 1.0} for by in (1, 2, 2, None)]}
    assert value_of(typed(term_of(F.count_distinct(c(N))), METRIC_KINDS), rows) == 2
    assert isinstance(value_of(typed(term_of(F.count_distinct(c(GAP))), METRIC_KINDS), rows), Unknown)


def test_terms_travel(one_row: dict[str, Any]) -> None:
    """To other processes, and there mean what they meant."""
    for make in KNOWN.values():
        term = term_of(make())
        there = pickle.loads(pickle.dumps(term))
        assert there == term and there.node is None
        assert value_of(typed(there, METRIC_KINDS), one_row) == value_of(typed(term, METRIC_KINDS), one_row)
