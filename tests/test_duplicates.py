"""Which of several rows with one purchase id is kept, and why the others are not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pyspark.sql import SparkSession

from segmentation.config import load_config
from segmentation.core.duplicates import ID_HASH, identity_of, repeated_ids, settle

SCHEMA = """source_id bigint, customer_id string, purchase_id string, purchase_date date, amount decimal(18,2),
            category string, reasons array<string>, warning string"""


def by_id():
    return identity_of(load_config(None), [])


def settled(session: SparkSession, *rows):
    """(customer, day, amount, category) per row of purchase P -> the reasons, in the order of the rows."""
    full = [
        (number, customer, "P", date(2024, 1, day), Decimal(amount), category, None, None)
        for number, (customer, day, amount, category) in enumerate(rows)
    ]
    frame = session.createDataFrame(full, SCHEMA)
    found = settle(frame, repeated_ids(frame, by_id()), by_id()).orderBy("source_id").collect()
    return [row.reasons for row in found]


DUPLICATE, CONFLICT = ["duplicate_purchase"], ["conflicting_purchase"]


def test_the_latest_then_the_highest_then_the_smallest_is_kept(session: SparkSession) -> None:
    assert settled(session, ("C", 1, 5, "Kids")) == [None]
    assert settled(session, ("C", 1, 9, "Kids"), ("C", 2, 5, "Kids")) == [CONFLICT, None]
    assert settled(session, ("C", 2, 5, "Kids"), ("C", 2, 9, "Kids")) == [CONFLICT, None]
    assert settled(session, ("D", 2, 5, "Kids"), ("C", 2, 5, "Mens")) == [CONFLICT, None]
    assert settled(session, ("c", 2, 5, "Kids"), ("Z", 2, 5, "Mens")) == [CONFLICT, None]
    assert settled(session, ("C", 2, 5, "Mens"), ("C", 2, 5, "Kids")) == [CONFLICT, None]


def test_equal_ones_are_duplicates_others_conflict(session: SparkSession) -> None:
    rows = [("C", 1, 5, "Kids"), ("C", 2, 5, "Kids"), ("C", 2, 5, "Kids"), ("C", 1, 5, "Kids"), ("C", 2, 4, "Kids")]
    assert settled(session, *rows) == [CONFLICT, None, DUPLICATE, CONFLICT, CONFLICT]


def test_only_valid_rows_compete(session: SparkSession) -> None:
    day = date(2024, 1, 1)
    rows = [
        (0, "C", "P", date(2024, 1, 9), Decimal(9), "Kids", ["missing_amount"], None),
        (1, "C", "P", day, Decimal(5), "Kids", None, None),
        (2, "C", "p", day, Decimal(5), "Kids", None, None),
        (3, "C", None, day, Decimal(5), "Kids", ["missing_purchase_id"], None),
        (4, "C", None, day, Decimal(5), "Kids", ["missing_purchase_id"], None),
    ]
    frame = session.createDataFrame(rows, SCHEMA)
    assert repeated_ids(frame, by_id()).collect() == []
    found = settle(frame, repeated_ids(frame, by_id()), by_id()).orderBy("source_id").collect()
    assert [row.reasons for row in found] == [row[6] for row in rows]


def test_a_shared_hash_alone_is_no_duplicate(session: SparkSession) -> None:
    """Candidates may be too many: the ids themselves decide."""
    rows = [(n, "C", f"P{n}", date(2024, 1, 1), Decimal(5), "Kids", None, None) for n in range(3)]
    frame = session.createDataFrame(rows, SCHEMA)
    candidates = frame.select(by_id().hash.alias(ID_HASH))
    assert [row.reasons for row in settle(frame, candidates, by_id()).collect()] == [None, None, None]
