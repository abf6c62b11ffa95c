"""What the tables of an output hold of one customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.engines.base import Engine
from segmentation.errors import NoDataError
from segmentation.insights.published import said_of
from segmentation.locations import DELTA_LOG, join
from segmentation.run.kept import Kept
from segmentation.schemas import (
    AMOUNT,
    CATEGORY,
    CUSTOMER_ID,
    EDGES,
    PURCHASE_DATE,
    PURCHASE_ID,
    REASONS,
    SOURCE,
)
from segmentation.state.commits import published_rows, rows_of
from segmentation.state.output import Output

Row = Mapping[str, Any]
REJECTED = (SOURCE, PURCHASE_ID, PURCHASE_DATE, AMOUNT, CATEGORY, REASONS, "run_id")
CHANGES = ("changed_at", "as_of", "dimension", "from_label", "to_label", "cause", "run_id")
# Of a person who buys every day for decades, and more than anybody reads.
SHOWN = 1000


@dataclass(frozen=True)
class Person:
    """One customer as published.

    Attributes:
        row: of the table of customers.
        said: what the commit of the customers says.
        purchases: what is kept of each, one row per purchase, those included that were set aside because their day had
            not come; None where runs keep none.
        rejected: rows that were rejected, the newest run's first.
        changes: of labels, the earliest first.
    """

    row: Row
    said: Mapping[str, Any]
    purchases: DataFrame | None
    rejected: Sequence[Row]
    changes: Sequence[Row]

    @property
    def as_of(self) -> date:
        """The day that the labels are seen from."""
        return date.fromisoformat(str(self.row["as_of"]))


def person_of(engine: Engine, config: SegmentationConfig, output: Output, customer: str, folder: str) -> Person:
    """One customer of an output.

    Args:
        engine: reads.
        config: what purchases are made of.
        output: where the tables lie.
        customer: the id, as it is published.
        folder: for what the engine keeps meanwhile.

    Raises:
        NoDataError: nothing of this customer is published.
    """
    is_theirs = F.col(CUSTOMER_ID) == customer
    rows = _rows(engine, output.segments, is_theirs)
    has_their_id = F.btrim(CUSTOMER_ID, F.lit(EDGES)) == customer
    rejected = _by_last_run(_rows(engine, output.rejected, has_their_id, "run_id"))
    if not rows:
        hint = f"; {len(rejected)} of its rows were rejected (segmentation rejected)" if rejected else ""
        raise NoDataError(
            f"no customer {customer!r} is published in {output.root}{hint}. Ids are compared as they are: with every "
            "zero, and in upper and lower case."
        )
    said = said_of(engine, output)
    kept = Kept(engine, output, config, said, folder) if said.get("state") else None
    changes = sorted(
        _rows(engine, output.changes, is_theirs, said=said), key=lambda row: (row["changed_at"], row["dimension"])
    )
    return Person(
        {**rows[0], "updated_at": _at(rows[0]["updated_at"], config)},
        said,
        # All others are read only once.
        engine.stage(_purchases(kept).where(is_theirs), join(folder, "theirs")) if kept else None,
        rejected,
        [{**{name: row[name] for name in CHANGES}, "changed_at": _at(row["changed_at"], config)} for row in changes],
    )


def _by_last_run(rows: Sequence[Row]) -> list[Row]:
    """Rejected rows, the newest run's first; what several runs read and rejected is the last one's."""
    last: dict[str, str] = {}
    told = [{name: row[name] for name in REJECTED} for row in rows]
    return [row for row in told if last.setdefault(str({**row, "run_id": None}), row["run_id"]) == row["run_id"]]


def _at(moment: datetime, config: SegmentationConfig) -> datetime:
    """A moment as PySpark gives it, in the machine's zone, as the configured zone has it."""
    return moment.astimezone(config.zone)


def _purchases(kept: Kept) -> DataFrame:
    """Those that count, and those that will."""
    columns = kept.config.purchase_columns
    known = kept.purchases.select(*columns)
    early = kept.early(date.max, (), due=True)
    return known if early is None else known.unionByName(early.select(*columns))


def _rows(
    engine: Engine, table: str, condition: Column, by: str | None = None, said: Mapping[str, Any] | None = None
) -> list[Row]:
    if not engine.files.exists(join(table, DELTA_LOG)):
        return []
    found = (published_rows(engine, table, said) if said else rows_of(engine, table)).where(condition)
    ordered = found.orderBy(F.col(by).desc()).limit(SHOWN) if by else found
    return [row.asDict() for row in ordered.collect()]
