"""What a run computes customers from when it has read only what is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property, reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.changes import IS_THERE, TOUCHED, WAS_THERE, carried_over, form, relabelled
from segmentation.core.festive import FestiveCalendar
from segmentation.core.known import lost
from segmentation.core.own.scores import Cuts
from segmentation.core.quality import NOTHING, Profile, profile, purchases_and_returns
from segmentation.core.segmentation import Beside, Segmentation
from segmentation.core.types import struct
from segmentation.engines.base import Engine
from segmentation.errors import NoDataError
from segmentation.locations import join, readable
from segmentation.run.arrivals import Arrivals
from segmentation.run.kept import Kept, bounds, comes_from
from segmentation.run.past import Past
from segmentation.run.plan import Outdated
from segmentation.run.publication import Write
from segmentation.run.segments import Computed, Facts, Segments, WithoutPurchases
from segmentation.run.settling import fixed_as_of
from segmentation.run.touched import Touched
from segmentation.schemas import CUSTOMER_ID, SOURCE
from segmentation.state import tables


class Increment:
    """Rows that come to purchases that are known.

    Args:
        engine: computes, and keeps what is needed more than once.
        config: how rows are settled.
        kept: what earlier runs took in.
        past: what they published.
        today: the day of the run.
        folder: for what is kept until the run ends.

    Attributes:
        found: the counts of the rows that were read.
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
        # None where nothing came.
        self._came: Arrivals | None = None
        # Of the customers that were published: those that are computed anew, as they were and as they are; the others.
        self._theirs: DataFrame | None = None
        self._anew: DataFrame | None = None
        self._others: DataFrame | None = None

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
        due = self.kept.early(self.today, self.again, due=True)
        if labelled is None and due is None:
            return
        if self.config.grain == "line":
            raise Outdated("lines of orders came, which may change what other lines of the same orders mean")
        read = None if labelled is None else tables.with_source(self.engine, labelled, names)
        if read is not None and again:
            self._see_nothing_is_lost(read)
        self._came = Arrivals(self.engine, self.config, read, due, self.kept.rows, self.folder)
        self.found = profile(self._came.rows, self._day)

    def _see_nothing_is_lost(self, read: DataFrame) -> None:
        gone = (
            lost(self.kept.rows.where(comes_from(self.again)), read, self.config.extra_columns)
            .select(SOURCE)
            .limit(1)
            .collect()
        )
        if gone:
            raise Outdated(f"{gone[0][SOURCE]} was changed, not only added to")

    @property
    def rows(self) -> DataFrame | None:
        """Every row that was read, with its reasons; None where there was nothing to read."""
        return self._came.rows if self._came else None

    @cached_property
    def _span(self) -> tuple[date, date] | None:
        came = self._came.counts if self._came else {"first": None, "last": None}
        first = [day for day in (self.kept.first, came["first"]) if day]
        last = [day for day in (self.kept.last, came["last"]) if day]
        return (min(first), max(last)) if first else None

    @property
    def _day(self) -> date | None:
        """The as-of day, None where no purchase tells."""
        return fixed_as_of(self.config, self.today) or (self._span[1] if self._span else None)

    def days(self, as_of: date | str) -> tuple[date, date]:
        """The first and the last day of all purchases and returns.

        Raises:
            NoDataError: there is no purchase up to the as-of day.
        """
        if self._span is None or self.expected[0] == 0:
            raise NoDataError(f"no purchase is known up to the as-of day {as_of}. What was published stays.")
        return self._span

    @cached_property
    def expected(self) -> tuple[int, int]:
        """How many purchases and returns the customers must account for."""
        if self._day is None:
            return 0, 0
        purchases, returns = purchases_and_returns(self.kept.purchases, "", self._day)
        more = self._came.more(self._day) if self._came else (0, 0)
        return purchases + more[0], returns + more[1]

    @property
    def _was(self) -> date:
        return date.fromisoformat(self.past.said["as_of"])

    @property
    def _before(self) -> DataFrame:
        before = self.past.customers
        assert before is not None  # else there is nothing to go on from
        return before

    def customers(
        self, segmentation: Segmentation, as_of: date, festive: FestiveCalendar, facts: Facts, beside: Beside
    ) -> Computed:
        """What is to be published.

        Those whom new purchases or the move of a window touch are computed anew: from what was published of them and
        what comes and goes, where that adds up, else from their purchases. Of the others, nothing changes where the
        day is the same; else what hangs on the day follows from what was published. Scores are relative to all, and
        second inputs may say something else of anybody, so where there are any, all are measured, scored and labelled.
        """
        touched = Touched(self.engine, segmentation, self.kept, self._came, (self._was, as_of), self.folder)
        affected, sums = touched.found(festive)
        others, anew = self._before, None
        if affected is not None:
            theirs = others.join(affected, on=CUSTOMER_ID, how="left_semi")
            others = others.join(affected, on=CUSTOMER_ID, how="left_anti")
            anew = segmentation.measured(sums(theirs), as_of, beside)
        if segmentation.own.scores or segmentation.own.seconds:
            customers, cuts = self._scored(segmentation, others, anew, as_of, facts, beside)
        else:
            if affected is not None and anew is not None:
                self._theirs = theirs
                self._anew = self._staged(segmentation.customers(anew, {}).withColumns(facts), theirs)
            self._others = others
            if self._was != as_of:
                others = segmentation.on_another_day(others, as_of, {}).withColumns(facts)
            customers, cuts = others if self._anew is None else others.unionByName(self._anew), {}
        if self.config.returns == "reject":
            return Computed(customers, WithoutPurchases(), cuts)
        customers = self.engine.keep(customers, join(self.folder, "buyers"))
        return Computed(customers, WithoutPurchases.beside(customers, touched.now), cuts)

    def _scored(
        self,
        segmentation: Segmentation,
        others: DataFrame,
        anew: DataFrame | None,
        as_of: date,
        facts: Facts,
        beside: Beside,
    ) -> tuple[DataFrame, Cuts]:
        """All customers, measured anew or as before, and where the scores cut them."""
        names = segmentation.measured_schema.names
        metrics = segmentation.measured_on(others, as_of, beside).select(*names)
        every = metrics if anew is None else metrics.unionByName(anew.select(*names))
        kept = self.engine.keep(every, join(self.folder, "metrics"))
        cuts = segmentation.cut_points(kept)
        self._theirs = self._before
        self._anew = self._staged(segmentation.customers(kept, cuts).withColumns(facts), self._before)
        return self._anew, cuts

    def _staged(self, computed: DataFrame, theirs: DataFrame) -> DataFrame:
        """Customers that are computed anew, those as they were that are what they were."""
        return self.engine.stage(carried_over(computed, theirs), join(self.folder, "anew"))

    def relabelled(self, segmentation: Segmentation, segments: Segments) -> DataFrame:
        """Whose labels changed, `changes.form`."""
        names, parts = segmentation.dimensions, []
        if self._others is not None and self._was != segments.as_of:
            parts.append(segmentation.relabelled_by_the_day(self._others, segments.as_of))
        if self._anew is not None and self._theirs is not None:
            changed = relabelled(self._anew, self._theirs, names)
            parts.append(self._with_touched(changed).select(*form(names)))
        nothing = dict.fromkeys(form(names), "string") | dict.fromkeys((WAS_THERE, IS_THERE, TOUCHED), "boolean")
        return reduce(DataFrame.unionByName, parts) if parts else self.engine.rows([], struct(**nothing))

    def _with_touched(self, changed: DataFrame) -> DataFrame:
        if self._came is None:
            return changed.withColumn(TOUCHED, F.lit(False))
        return changed.join(self._came.touched.withColumn(TOUCHED, F.lit(True)), on=CUSTOMER_ID, how="left")

    def writes(self, commit: Mapping[str, Any]) -> tuple[list[Write], Mapping[str, Any]]:
        """What is to be added to what is kept, and what the next run is told of it."""
        writes, early = [], self.kept.early_from
        if self._came:
            counts = self._came.counts
            if counts["new"]:
                replaces = bool(counts["replacing"])
                writes.append(self.kept.adding(self._came.new, replaces=replaces, rows=counts["new"], commit=commit))
            if counts["early"] or (early and (early <= self.today or self.again)):
                stays = self.kept.early(self.today, self.again, due=False)
                write, early = self.kept.setting_aside(self._came.early, stays, commit)
                writes.append(write)
        first, last = self._span or (None, None)
        return writes, bounds(first, last, early)
