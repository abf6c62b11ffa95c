"""What the tables of an output hold of one customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from segmentation.config import SegmentationConfig
from segmentation.core.metrics import CATEGORIES
from segmentation.errors import ConfigError, NoDataError
from segmentation.insights.shelf import Shelf, named, quoted
from segmentation.schemas import (
    AMOUNT,
    CATEGORY,
    CHANGE_COLUMNS,
    CUSTOMER_ID,
    EDGES,
    PURCHASE_DATE,
    PURCHASE_ID,
    REASONS,
    SOURCE,
)

Row = Mapping[str, Any]
REJECTED = (SOURCE, PURCHASE_ID, PURCHASE_DATE, AMOUNT, CATEGORY, REASONS, "run_id")
PURCHASE = (PURCHASE_ID, PURCHASE_DATE, AMOUNT, CATEGORY)
# Of a person who buys every day for decades, and more than anybody reads.
SHOWN = 1000


@dataclass(frozen=True)
class Facts:
    """One customer as published.

    Attributes:
        row: of the table of customers.
        said: what the commit of the customers says.
        purchases: what is kept of each, ``purchase_id``, ``purchase_date``, ``amount`` (rupees), ``category`` and the
            extra columns, those included that were set aside because their day had not come; None where runs keep none.
        rejected: rows that were rejected, the newest run's first.
        changes: of labels, the earliest first.
    """

    row: Row
    said: Mapping[str, Any]
    purchases: Sequence[Row] | None
    rejected: Sequence[Row]
    changes: Sequence[Row]


def facts_of(shelf: Shelf, config: SegmentationConfig, customer: str) -> Facts:
    """One customer of an output.

    Args:
        shelf: the tables.
        config: what purchases are made of, and the time zone.
        customer: the id, as it is published.

    Raises:
        NoDataError: nothing of this customer is published.
        ConfigError: purchases are kept without a column that the configuration has.
    """
    rows = shelf.rows(f"SELECT * FROM customer_segments WHERE {CUSTOMER_ID} = {quoted(customer)}")  # noqa: S608
    rejected = _rejected(shelf, customer)
    if not rows:
        hint = f"; {len(rejected)} of its rows were rejected (segmentation rejected)" if rejected else ""
        raise NoDataError(
            f"no customer {customer!r} is published in {shelf.output.root}{hint}. Ids are compared as they are: with "
            "every zero, and in upper and lower case."
        )
    return Facts(
        {**rows[0], "updated_at": _at(rows[0]["updated_at"], config)},
        shelf.said,
        _purchases(shelf, config, customer) if shelf.said.get("state") else None,
        rejected,
        [{**row, "changed_at": _at(row["changed_at"], config)} for row in _changes(shelf, customer)],
    )


def _rejected(shelf: Shelf, customer: str) -> list[Row]:
    """The newest run's first; what several runs read and rejected is the last one's."""
    if "rejected_purchases" not in shelf.tables:
        return []
    theirs = f"btrim({CUSTOMER_ID}, {quoted(EDGES)}) = {quoted(customer)}"
    told = shelf.rows(
        f"SELECT {', '.join(REJECTED)} FROM rejected_purchases WHERE {theirs} "  # noqa: S608
        f"ORDER BY run_id DESC, {', '.join(PURCHASE)} LIMIT {SHOWN}"
    )
    last: dict[str, str] = {}
    return [row for row in told if last.setdefault(str({**row, "run_id": None}), row["run_id"]) == row["run_id"]]


def _changes(shelf: Shelf, customer: str) -> list[dict[str, Any]]:
    if "segment_changes" not in shelf.tables:
        return []
    return shelf.rows(
        f"SELECT {', '.join(CHANGE_COLUMNS)} FROM segment_changes WHERE {CUSTOMER_ID} = {quoted(customer)} "  # noqa: S608
        "ORDER BY changed_at, dimension"
    )


def _at(moment: datetime, config: SegmentationConfig) -> datetime:
    """A moment as the configured zone has it."""
    return moment.astimezone(config.zone)


def _purchases(shelf: Shelf, config: SegmentationConfig, customer: str) -> list[dict[str, Any]]:
    """Those that count, and those that will."""
    extra = config.extra_columns
    missing = sorted({*extra} - {*shelf.columns("purchases")})
    if missing:
        raise ConfigError(
            f"purchases are kept without {', '.join(missing)}: name the configuration of the runs with --config, or "
            "run the job once with this one."
        )
    known = _of_lines(customer, extra) if config.grain == "line" else _of_table("purchases", customer, extra)
    has_early = shelf.said["state"].get("early") is not None
    return shelf.rows(f"{known} UNION ALL {_of_table('future_purchases', customer, extra)}" if has_early else known)


def _of_table(table: str, customer: str, extra: Sequence[str]) -> str:
    columns = ", ".join((*PURCHASE, *map(named, extra)))
    return f"SELECT {columns} FROM {table} WHERE {CUSTOMER_ID} = {quoted(customer)}"  # noqa: S608


def _of_lines(customer: str, extra: Sequence[str]) -> str:
    """Purchases put together from lines, as `core.lines` does; all lines of one that are kept have one customer."""
    sums = {name: f"sum({AMOUNT}) FILTER (WHERE {CATEGORY} = {quoted(name)})" for name in CATEGORIES}
    largest = f"greatest({', '.join(sums.values())})"
    cases = " ".join(f"WHEN {total} = {largest} THEN {quoted(name)}" for name, total in sums.items())
    columns = f"{PURCHASE_ID}, min({PURCHASE_DATE}) AS {PURCHASE_DATE}, sum({AMOUNT}) AS {AMOUNT}"
    others = "".join(f", {_of_largest(named(name))} AS {named(name)}" for name in extra)
    return (
        f"SELECT {columns}, CASE {cases} END AS {CATEGORY}{others} FROM purchases "  # noqa: S608
        f"WHERE {CUSTOMER_ID} = {quoted(customer)} GROUP BY {PURCHASE_ID}"
    )


def _of_largest(column: str) -> str:
    return f"first_value({column} ORDER BY {AMOUNT} DESC, {column} DESC) FILTER (WHERE {column} IS NOT NULL)"
