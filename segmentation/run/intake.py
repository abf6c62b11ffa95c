"""What a run takes in: it is planned, read, labelled and settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.core.segmentation import Segmentation
from segmentation.core.source_ids import source_id_of
from segmentation.core.validation import label_rows
from segmentation.engines.base import Engine
from segmentation.errors import NoDataError
from segmentation.locations import join, last_name, readable
from segmentation.run.increment import Increment
from segmentation.run.kept import Kept
from segmentation.run.past import Past
from segmentation.run.plan import Outdated, Plan, Planner
from segmentation.run.publication import Write
from segmentation.run.reading import rates_of, read
from segmentation.run.request import Request
from segmentation.run.settling import fixed_as_of, refuse_nothing, settled
from segmentation.run.whole import Whole
from segmentation.schemas import SOURCE_ID
from segmentation.sources import RawRows
from segmentation.state.commits import last_commit
from segmentation.state.output import Output

# Of what earlier runs took in, an incremental one moves about as little as customers are smaller than their purchases.
LESS = 6
# What customers are computed from.
Taken = Whole | Increment


class Intake(NamedTuple):
    """What there was to read, what came of it, and the URIs of what was read.

    `earlier`: the rows that were read and rejected by the runs that this one goes on from.
    """

    plan: Plan
    taken: Taken
    names: Sequence[str]
    earlier: tuple[int, int] = (0, 0)

    @property
    def counts(self) -> tuple[int, int]:
        """The same with this run's."""
        found = self.taken.found
        return self.earlier[0] + found.rows_read, self.earlier[1] + found.rows_rejected

    def keeping(self, commit: Mapping[str, Any]) -> tuple[list[Write], dict[str, Any]]:
        """What later runs go on from, and what they are told of it."""
        told: dict[str, Any] = {"paths": list(self.plan.paths)}
        if self.plan.state is None:
            return [], told
        writes, state = self.taken.writes(commit)
        return writes, {**told, "state": {**self.plan.state, **state, "counts": self.counts}}


class Place(NamedTuple):
    """Where a run publishes, and where it keeps what it needs until it ends."""

    output: Output
    staging: str


@dataclass(frozen=True)
class Reader:
    """Takes in what a run has to.

    Args:
        engine: reads and computes.
        segmentation: the configuration, and what labels hang on.
        request: what was asked for.
        past: what was published before.
        started_at: the clock of the run.
        place: where.
    """

    engine: Engine
    segmentation: Segmentation
    request: Request
    past: Past
    started_at: datetime
    place: Place

    @property
    def today(self) -> date:
        """The day of the run in the configured time zone."""
        return self.segmentation.config.day_of(self.started_at)

    def _is_kept(self) -> bool:
        """Are the tables there that the last run left for this one?"""
        said, output = self.past.said, self.place.output
        wanted = [output.purchases, *([output.early] if said.get("state", {}).get("early") else [])]
        newest = {last_name(table): last_commit(self.engine.files, table) for table in wanted}
        return all(one and one.said["run_id"] == said.get("tables", {}).get(name) for name, one in newest.items())

    def take_in(self) -> Intake:
        """What is new, or all there is; where what is new shows that more has changed, all there is after all."""
        at = int(self.started_at.timestamp() * 1_000_000_000)
        rules = self.segmentation.fingerprint
        mongodb = self.segmentation.config.mongodb
        partly = self.request.source == "mongodb" and mongodb is not None and mongodb.incremental is not None
        planner = Planner(self.engine, self.request, self.past.said, rules, self.today, at, partly, self._is_kept)
        plan = planner.plan()
        try:
            return self._taken(plan, self.place.staging)
        except Outdated as turn:
            return self._taken(planner.rebuild(str(turn)), join(self.place.staging, "again"))

    def _taken(self, plan: Plan, folder: str) -> Intake:
        engine, config = self.engine, self.segmentation.config
        engine.fit_to(0)
        raw = self._raw(plan, folder)
        engine.fit_to(max(raw.size if raw else 0, plan.size // LESS))
        names = raw.names if raw else []
        if plan.state is not None:
            high = raw.high if raw and raw.high is not None else plan.high
            plan = replace(plan, state={**plan.state, "high": high})
        labelled = self._labelled(raw, join(folder, "purchases")) if raw else None
        kept = Kept(engine, self.place.output, config, self.past.said, folder)
        if plan.known:
            increment = Increment(engine, config, kept, self.past, self.today, folder)
            increment.take_in(labelled, names, plan.again)
            rows, rejected = self.past.said["state"]["counts"]
            return Intake(plan, increment, names, (rows, rejected))
        assert labelled is not None  # everything is read
        rows = settled(engine, labelled, config, fixed_as_of(config, self.today), folder)
        refuse_nothing(rows.found, self.request.paths)
        return Intake(plan, Whole(engine, rows, names, kept, self.past, folder), names)

    def _raw(self, plan: Plan, folder: str) -> RawRows | None:
        """What was read, None where there is nothing new."""
        if not plan.reads:
            return None
        try:
            return read(self.engine, self.request, self.segmentation.config, plan.files, folder, plan.high)
        except NoDataError:
            # New files may be empty, and of a collection nothing may be new.
            if not plan.known or (self.request.source != "csv" and plan.high is None):
                raise
            if plan.again:
                raise Outdated(f"{readable(plan.again[0])} holds no rows any more") from None
            return None

    def _labelled(self, raw: RawRows, folder: str) -> DataFrame:
        """Written once, because everything after needs the rows more than once."""
        config, rates = self.segmentation.config, rates_of(self.engine, self.segmentation.config)
        labelled = label_rows(raw.frame, config, self.today, by_pattern=self.engine.matches_cheaply, rates=rates)
        if len(raw.names) > 1:
            return self.engine.stage(labelled, folder)
        staged = self.engine.stage(labelled.drop(SOURCE_ID), folder)
        return staged.withColumn(SOURCE_ID, F.lit(source_id_of(raw.names[0])).cast("bigint"))
