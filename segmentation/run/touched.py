"""Whom an increment computes anew, and from what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.core.additions import added_up, leaving
from segmentation.core.days import on
from segmentation.core.festive import FestiveCalendar
from segmentation.core.known import crossing
from segmentation.core.segmentation import Segmentation
from segmentation.engines.base import Engine
from segmentation.locations import join
from segmentation.run.arrivals import Arrivals
from segmentation.run.kept import Kept
from segmentation.schemas import CUSTOMER_ID, PURCHASE_DATE

# Who is computed anew (None for nobody), and from what was published of them to what their purchases add up to.
Found = tuple[DataFrame | None, Callable[[DataFrame], DataFrame]]
NOBODY: Found = None, lambda published: published


class Touched:
    """Customers with purchases that came or were replaced, or that cross an edge of a window.

    Args:
        engine: keeps what is needed more than once.
        segmentation: the rules.
        kept: what earlier runs took in.
        came: what this one did, None for nothing.
        days: the as-of day that was, and the one that is.
        folder: for what is kept until the run ends.
    """

    def __init__(
        self,
        engine: Engine,
        segmentation: Segmentation,
        kept: Kept,
        came: Arrivals | None,
        days: tuple[date, date],
        folder: str,
    ) -> None:
        self.engine = engine
        self.segmentation = segmentation
        self.config = segmentation.config
        self.kept = kept
        self.came = came
        self.was, self.as_of = days
        self.folder = folder

    def found(self, festive: FestiveCalendar) -> Found:
        """Who they are, and how their sums are made."""
        if self.came is None and self.was == self.as_of:
            return NOBODY
        if self.segmentation.own.hangs_on_the_day and self.was != self.as_of:
            return self._everybody(festive)
        return self._by_adding(festive) if self._adds_up else self._from_purchases(festive)

    @property
    def now(self) -> DataFrame:
        """All purchases and returns up to the day."""
        every = self.came.added_to(self._known) if self.came else self._known
        return every.where(F.col(PURCHASE_DATE) <= on(self.as_of))

    @property
    def _known(self) -> DataFrame:
        return self.kept.purchases.select(*self.config.purchase_columns)

    @property
    def _may_cross(self) -> DataFrame:
        """Known purchases that may cross the edge of a window: none, and no look at them, where the day stays."""
        return self._known if self.was != self.as_of else self._known.where(F.lit(False))

    @property
    def _adds_up(self) -> bool:
        """Does what is published and what comes tell all? Not where purchases were replaced, the day moved back, or
        returns are known of customers who are not published, or a metric of the configuration's is over purchases.
        """
        replaced = bool(self.came and self.came.counts["replacing"])
        is_known = self.config.returns == "reject" and not self.segmentation.own.aggregates
        return self.as_of >= self.was and not replaced and is_known

    def _by_adding(self, festive: FestiveCalendar) -> Found:
        """From what was published, what comes, and what windows lose."""
        loses = leaving(self._may_cross, self.was, self.as_of, self.config)
        lost = self.engine.stage(loses, join(self.folder, "leaving"))
        sums = self.segmentation.sums(self._entering, self.as_of, festive)
        came = self.engine.stage(sums, join(self.folder, "entering"))
        whose = self._few(came.select(CUSTOMER_ID).unionByName(lost.select(CUSTOMER_ID)))
        return whose, lambda published: added_up(published, came, lost, self.config)

    def _everybody(self, festive: FestiveCalendar) -> Found:
        """From all purchases: a metric hangs on the day itself."""
        known = self._known.select(CUSTOMER_ID)
        whose = self._few(known.unionByName(self.came.touched) if self.came else known)
        return whose, lambda _: self.segmentation.sums(self.now, self.as_of, festive)

    def _from_purchases(self, festive: FestiveCalendar) -> Found:
        """From all their purchases."""
        moved = crossing(self._may_cross, self.was, self.as_of, self.config)
        whose = self._few(moved.unionByName(self.came.touched) if self.came else moved)
        if whose is None:
            return NOBODY
        theirs = self.now.join(whose, on=CUSTOMER_ID, how="left_semi")
        return whose, lambda _: self.segmentation.sums(theirs, self.as_of, festive)

    @property
    def _entering(self) -> DataFrame:
        """Purchases up to the day that did not count before: new ones, and those after the day before."""
        day, last = F.col(PURCHASE_DATE), self.kept.last
        is_later = (day > on(self.was)) & (day <= on(self.as_of))
        # None, and no look at them, where the last that is known has counted already.
        has_later = self.as_of > self.was and last is not None and last > self.was
        later = self._known.where(is_later if has_later else F.lit(False))
        if self.came is None:
            return later
        return later.unionByName(self.came.new.select(*self.config.purchase_columns).where(day <= on(self.as_of)))

    def _few(self, customers: DataFrame) -> DataFrame | None:
        """Each customer once, None for nobody; in files, so that whoever joins with them sees how few they are."""
        affected = self.engine.stage(customers.distinct(), join(self.folder, "affected"))
        return affected if affected.count() else None
