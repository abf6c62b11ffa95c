"""What a run computes customers from when it has read only what is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.days import on
from segmentation.core.festive import FestiveCalendar
from segmentation.core.known import (
    IS_NEW,
    WAITED,
    crossing,
    customers_of,
    is_early,
    kept_columns,
    lost,
    match_of,
    met,
    near,
    replacing,
    without_replaced,
)
from segmentation.core.metrics import count_if
from segmentation.core.quality import NOTHING, Profile, only_row, profile
from segmentation.core.segmentation import Segmentation
from segmentation.engines.base import Engine
from segmentation.errors import NoDataError
from segmentation.locations import join, readable
from segmentation.run.past import Past
from segmentation.run.plan import Outdated
from segmentation.run.publication import Write
from segmentation.run.record import WithoutPurchases
from segmentation.run.settling import each_once, put_together
from segmentation.schemas import AMOUNT, CUSTOMER_ID, PURCHASE_DATE, REASONS, SOURCE, SOURCE_ID
from segmentation.state import tables
from segmentation.state.output import Output


class Kept(NamedTuple):
    """What earlier runs took in: purchases, and those whose day had not come."""

    purchases: DataFrame
    early: DataFrame

    @classmethod
    def of(cls, engine: Engine, output: Output) -> Kept:
        """What an output holds."""
        return cls(engine.tables.read(output.purchases), engine.tables.read(output.set_aside))


class Increment:
    """Rows that come to purchases that are known.

    Args:
        engine: computes, and keeps what is needed more than once.
        config: how rows are settled.
        kept: what earlier runs took in.
        past: what they published.
        today: the day of the run.
        folder: for what is kept.
    """

    def __init__(
        self, engine: Engine, config: SegmentationConfig, kept: Kept, past: Past, today: date, folder: str
    ) -> None:
        self.engine = engine
        self.config = config
        self.kept = kept
        self.past = past
        self.today = today
        self.folder = folder
        self.found: Profile = NOTHING
        self.again: Sequence[str] = ()
        self.due = 0
        self._met: DataFrame | None = None

    def take_in(self, labelled: DataFrame | None, names: Sequence[str], again: Sequence[str]) -> None:
        """Settle rows among themselves and against what is known.

        Args:
            labelled: the labelled frame of what was read, None where nothing was.
            names: of all that was read.
            again: those among them that an earlier run read as well.

        Raises:
            Outdated: a purchase that was known is not among the rows any more that it came from, or lines came.
        """
        self.again = [readable(name) for name in again]
        due = self.kept.early.where((F.col(PURCHASE_DATE) <= on(self.today)) & ~self._is_read_again())
        self.due = int(due.count())
        if labelled is None and not self.due:
            return
        if self.config.grain == "line":
            raise Outdated("lines of orders came, which may change what other lines of the same orders mean")
        read = None if labelled is None else tables.with_source(self.engine, labelled, names)
        if read is not None and again:
            self._see_nothing_is_lost(read)
        rows = self._together(read, due)
        settled = each_once(self.engine, rows, self.config, join(self.folder, "repeated"))
        known = self.engine.keep(near(self.kept.purchases, settled), join(self.folder, "near"))
        self._met = self.engine.stage(met(settled, known, self.config), join(self.folder, "met"))
        self.found = profile(self._met.where(~F.col(WAITED)), self._day(self.config.as_of))

    def _together(self, read: DataFrame | None, due: DataFrame) -> DataFrame:
        mine = None if read is None else read.withColumn(WAITED, F.lit(False))
        if mine is not None and not self.due:
            return mine
        nothing = {REASONS: "array<string>", "raw": "array<string>"}
        waited = due.drop("run_id").withColumns(
            {
                SOURCE_ID: F.lit(0).cast("bigint"),
                WAITED: F.lit(True),
                **{name: F.lit(None).cast(kind) for name, kind in nothing.items()},
            }
        )
        return waited if mine is None else mine.unionByName(waited)

    def _is_read_again(self) -> Column:
        return F.col(SOURCE).isin(list(self.again)) if self.again else F.lit(False)

    def _see_nothing_is_lost(self, read: DataFrame) -> None:
        gone = lost(self.kept.purchases.where(self._is_read_again()), read).select(SOURCE).limit(1).collect()
        if gone:
            raise Outdated(f"{gone[0][SOURCE]} was changed, not only added to")

    @cached_property
    def purchases(self) -> DataFrame:
        """The known purchases, which the new rows come to."""
        if self.config.grain == "order":
            return self.kept.purchases
        lines = self.kept.purchases.withColumns(
            {SOURCE_ID: F.xxhash64(SOURCE), REASONS: F.lit(None).cast("array<string>")}
        )
        return put_together(self.engine, lines, self.folder).purchases

    @property
    def _new(self) -> DataFrame | None:
        return None if self._met is None else self._met.where(IS_NEW)

    @cached_property
    def _changed(self) -> dict[str, int]:
        """How many purchases come, and how many of them take another one's place."""
        if self._met is None:
            return {"new": 0, "replaced": 0}
        replaces = F.col(IS_NEW) & F.col("known_purchase_id").isNotNull()
        return only_row(self._met.agg(count_if(F.col(IS_NEW)).alias("new"), count_if(replaces).alias("replaced")))

    @cached_property
    def _span(self) -> tuple[date, date] | None:
        first, last = F.min(PURCHASE_DATE).alias("first"), F.max(PURCHASE_DATE).alias("last")
        spans = [only_row(frame.agg(first, last)) for frame in (self.purchases, self._new) if frame is not None]
        known = [span for span in spans if span["first"] is not None]
        return (min(span["first"] for span in known), max(span["last"] for span in known)) if known else None

    def _day(self, as_of: date | str) -> date | None:
        if as_of == "latest":
            return self._span[1] if self._span else None
        return as_of if isinstance(as_of, date) else self.today

    def days(self, as_of: date | str) -> tuple[date, date]:
        """The first and the last day of all purchases and returns.

        Raises:
            NoDataError: there is no purchase up to the as-of day.
        """
        day = self._day(as_of)
        if self._span is None or day is None or self.expected(day)[0] == 0:
            raise NoDataError(f"no purchase is known up to the as-of day {as_of}. What was published stays.")
        return self._span

    @property
    def rows(self) -> DataFrame | None:
        """Every row that was read, with its reasons; None where there was nothing to read."""
        return None if self._met is None else self._met.where(~F.col(WAITED))

    def expected(self, as_of: date) -> tuple[int, int]:
        """How many purchases and returns the customers must account for."""
        counted = [_by_kind(self.purchases, PURCHASE_DATE, AMOUNT, as_of)]
        if self._met is not None:
            counted.append(_by_kind(self._met.where(IS_NEW), PURCHASE_DATE, AMOUNT, as_of))
            lost_ones = _by_kind(replacing(self._met), f"known_{PURCHASE_DATE}", f"known_{AMOUNT}", as_of)
            counted.append((-lost_ones[0], -lost_ones[1]))
        return sum(one for one, _ in counted), sum(other for _, other in counted)

    @cached_property
    def touched(self) -> DataFrame:
        """Whose purchases changed: ``customer_id``."""
        if self._met is None:
            return self.kept.purchases.select(CUSTOMER_ID).limit(0)
        return self.engine.keep(customers_of(self._met).distinct(), join(self.folder, "touched"))

    def sums(
        self, segmentation: Segmentation, as_of: date, festive: FestiveCalendar
    ) -> tuple[DataFrame, WithoutPurchases]:
        """What every customer's purchases add up to: anew for those whom anything moves, else as it was published."""
        before = self.past.customers
        assert before is not None  # else there is nothing to go on from
        was = only_row(before.agg(F.max("as_of").alias("as_of")))["as_of"]
        affected = self.touched
        if was != as_of:
            affected = affected.unionByName(crossing(self.purchases, was, as_of, self.config))
        affected = self.engine.keep(affected.distinct(), join(self.folder, "affected"))
        now = self._purchases_now()
        theirs = now.join(affected, on=CUSTOMER_ID, how="left_semi").where(F.col(PURCHASE_DATE) <= on(as_of))
        anew = segmentation.sums(theirs, as_of, festive)
        others = segmentation.sums_again(before.join(affected, on=CUSTOMER_ID, how="left_anti"))
        sums = self.engine.keep(others.unionByName(anew), join(self.folder, "sums"))
        return sums, self._without_purchases(now.where(F.col(PURCHASE_DATE) <= on(as_of)), sums)

    def _purchases_now(self) -> DataFrame:
        known = self.purchases.select(CUSTOMER_ID, "purchase_id", PURCHASE_DATE, AMOUNT, "category")
        if self._met is None or self._new is None:
            return known
        stays = without_replaced(known, self._met, self.config) if self._changed["replaced"] else known
        return stays.unionByName(self._new.select(*known.columns))

    def _without_purchases(self, purchases: DataFrame, sums: DataFrame) -> WithoutPurchases:
        if self.config.returns == "reject":
            return WithoutPurchases()
        buyers = sums.where(F.col("total_purchases") > 0)
        alone = purchases.where(F.col(AMOUNT) < 0).join(buyers, on=CUSTOMER_ID, how="left_anti")
        row = only_row(alone.agg(F.count_distinct(CUSTOMER_ID).alias("customers"), F.count(F.lit(1)).alias("returns")))
        return WithoutPurchases(**row)

    def writes(
        self,
        segmentation: Segmentation,
        output: Output,
        names: Sequence[str],
        commit: Mapping[str, Any],  # noqa: ARG002
    ) -> list[Write]:
        """What is to be added to what is kept."""
        if self._met is None:
            return []
        run_id = F.lit(commit["run_id"]).alias("run_id")
        columns = kept_columns(self.config)
        return [*self._of_purchases(columns, run_id, output, commit), *self._of_early(columns, run_id, output, commit)]

    def _of_purchases(
        self, columns: list[str], run_id: Column, output: Output, commit: Mapping[str, Any]
    ) -> list[Write]:
        if self._new is None or not self._changed["new"]:
            return []
        new, to = self._new.select(*columns, run_id), self.engine.tables
        if self._changed["replaced"]:
            match = match_of(self.config)
            return [Write(output.purchases, lambda: to.merge(new, match, output.purchases, tables.PURCHASES, commit))]
        return [Write(output.purchases, lambda: to.append(new, output.purchases, tables.PURCHASES, commit))]

    def _of_early(self, columns: list[str], run_id: Column, output: Output, commit: Mapping[str, Any]) -> list[Write]:
        assert self._met is not None
        early = self._met.where(is_early(F.col(REASONS))).select(*columns, run_id)
        early = self.engine.keep(early, join(self.folder, "early"))
        if not self.due and not early.count():
            return []
        stays = self.kept.early.where((F.col(PURCHASE_DATE) > on(self.today)) & ~self._is_read_again())
        both = self.engine.stage(stays.unionByName(early), join(self.folder, "set aside"))
        overwrite = self.engine.tables.overwrite
        return [Write(output.set_aside, lambda: overwrite(both, 1, output.set_aside, tables.PURCHASES, commit))]


def _by_kind(purchases: DataFrame, day: str, amount: str, as_of: date) -> tuple[int, int]:
    """How many purchases and returns there are up to a day."""
    is_used, is_return = F.col(day) <= on(as_of), F.col(amount) < 0
    row = only_row(
        purchases.agg(
            count_if(is_used & ~is_return).alias("purchases"),
            count_if(is_used & is_return).alias("returns"),
        )
    )
    return row["purchases"], row["returns"]
