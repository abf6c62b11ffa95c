"""A score cuts a metric: customers stand in a row, the largest (or smallest) value first, and are cut into groups.

The row is cut, from its end, where a share of the customers is reached, and whoever has the value of the last one
before the cut belongs to the same group: equal values get equal scores, the lower of two. So where most customers have
bought once, these have the lowest score. The outcome hangs on values alone, and the cut points say all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.config.own import MOST_GROUPS, ScoreSetting
from segmentation.core.own.kinds import RATIO, TEXT, WHOLE, Kind
from segmentation.core.own.names import at
from segmentation.errors import ConfigError, among

# Per score and group (null: all customers): ``group``, ``customers``, ``cuts``; numbers as text.
Cuts = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Score:
    """A score, checked: the kind of the metric that it cuts."""

    setting: ScoreSetting
    of: Kind

    @property
    def name(self) -> str:
        """Its column."""
        return self.setting.name

    @property
    def kind(self) -> Kind:
        """Of what it gives."""
        return TEXT if self.setting.labels else WHOLE

    @property
    def shares(self) -> list[Fraction]:
        """Of the customers, where the row is cut; none where it is cut at given values."""
        cut = self.setting.cut
        if cut.quantiles:
            return [Fraction(number, cut.quantiles) for number in range(1, cut.quantiles)]
        return [Fraction(share) for share in (cut.shares or ())[:-1]]

    @property
    def results(self) -> list[Any]:
        """What the groups get, the first one's first: labels, or numbers down to 1."""
        groups = self.setting.cut.groups
        return list(self.setting.labels or range(groups, 0, -1))

    @property
    def labels(self) -> list[str]:
        """What it may be, where that is a label."""
        zero = self.setting.zero
        return [*(self.setting.labels or ()), *([zero] if isinstance(zero, str) else [])]

    def is_ranked(self) -> Column:
        """Does a customer stand in the row?"""
        value = F.col(self.setting.of)
        return value.isNotNull() if self.setting.zero is None else value.isNotNull() & (value > 0)

    def group(self) -> Column:
        """The row that a customer stands in."""
        return F.col(self.setting.within) if self.setting.within else F.lit(None).cast("string")

    def literal(self, cut: str) -> Column:
        """A cut point."""
        if self.of == WHOLE:
            return F.lit(Decimal(cut)) if "." in cut else F.lit(int(cut))
        return F.lit(float(cut)) if self.of == RATIO else F.lit(Decimal(cut))

    def column(self, groups: Sequence[Mapping[str, Any]]) -> Column:
        """The score, null where the metric is; `groups` as in `Cuts`."""
        chains = [(one["group"], self._chain(one["cuts"])) for one in groups]
        scored = chains[0][1] if not self.setting.within and chains else None
        if scored is None:
            scored = _first([(self.group().eqNullSafe(F.lit(of)), score) for of, score in chains], F.lit(None))
        ranked = F.when(self.is_ranked(), scored)
        if self.setting.zero is not None:
            ranked = F.when(F.col(self.setting.of) <= 0, F.lit(self.setting.zero)).otherwise(ranked)
        return ranked.cast(self.kind.type)

    def _chain(self, cuts: Sequence[str]) -> Column:
        *results, last = self.results
        befores = [self._is_before(self.literal(cut)) for cut in cuts]
        return _first(list(zip(befores, map(F.lit, results), strict=True)), F.lit(last))

    def _is_before(self, cut: Column) -> Column:
        """Does a customer stand before a cut point? A value that is given belongs to the better group."""
        value, is_given = F.col(self.setting.of), self.setting.cut.values is not None
        if self.setting.order == "ascending":
            return value <= cut if is_given else value < cut
        return value >= cut if is_given else value > cut


def _first(cases: Sequence[tuple[Column, Column]], otherwise: Column) -> Column:
    """The value of the first case that holds; all are on one level."""
    if not cases:
        return otherwise
    (condition, value), *others = cases
    chain = F.when(condition, value)
    for condition, value in others:
        chain = chain.when(condition, value)
    return chain.otherwise(otherwise)


def scores_of(config: SegmentationConfig, known: Mapping[str, Kind]) -> list[Score]:
    """The scores of a configuration, checked.

    Args:
        config: the settings.
        known: the metrics there are.

    Raises:
        ConfigError: one is wrong; naming where it stands, and why.
    """
    return [_score(config, number, one, known) for number, one in enumerate(config.scores)]


def _score(config: SegmentationConfig, number: int, one: ScoreSetting, known: Mapping[str, Kind]) -> Score:
    with at(config.place("scores", number, "of"), one.name):
        kind = _metric(one.of, known)
        if not kind.is_number:
            raise ConfigError(f"a score cuts numbers, {one.of} is {kind.sort}")
    if one.within:
        with at(config.place("scores", number, "within"), one.name):
            group = _metric(one.within, known)
            if group != TEXT:
                raise ConfigError(f"a group is a text, {one.within} is {group.sort}")
    return Score(one, kind)


def _metric(name: str, known: Mapping[str, Kind]) -> Kind:
    if name not in known:
        raise ConfigError(f"there is no metric {name!r}{among(name, sorted(known), 'There are')}")
    return known[name]


def cut_points(metrics: DataFrame, scores: Sequence[Score]) -> Cuts:
    """Where the scores cut the customers of a frame; as many rows reach the driver as there are groups.

    Args:
        metrics: one row per customer, what the scores cut.
        scores: how.

    Raises:
        ConfigError: `within` makes more groups than a score may have.
    """
    ranked = [score for score in scores if score.shares]
    found: dict[str, list[Mapping[str, Any]]] = {score.name: [] for score in ranked}
    if ranked:
        every = reduce(DataFrame.unionByName, [_cut(metrics, score).limit(MOST_GROUPS + 1) for score in ranked])
        for row in sorted(every.collect(), key=lambda row: (row["score"], row["of"] is not None, row["of"] or "")):
            cuts = [_plain(cut, scores, row["score"]) for cut in row["cuts"]]
            found[row["score"]].append({"group": row["of"], "customers": row["customers"], "cuts": cuts})
    for score in ranked:
        if len(found[score.name]) > MOST_GROUPS:
            raise ConfigError(
                f"the score {score.name} is cut within {score.setting.within}, which has more than "
                f"{MOST_GROUPS} values. Choose a metric with fewer values."
            )
    given = [score for score in scores if not score.shares]
    return {**found, **{one.name: [{"group": None, "customers": None, "cuts": _given(one)}] for one in given}}


def _given(score: Score) -> list[str]:
    """The values, in the order of the row."""
    values = [f"{value:f}" for value in score.setting.cut.values or ()]
    return values if score.setting.order == "ascending" else values[::-1]


def _plain(cut: str, scores: Sequence[Score], name: str) -> str:
    """Engines write doubles differently."""
    kind = next(score.of for score in scores if score.name == name)
    return repr(float(cut)) if kind == RATIO else cut


def _cut(metrics: DataFrame, score: Score) -> DataFrame:
    """``score``, ``of`` (the group), ``customers``, ``cuts`` (array of text): a row per group."""
    from_largest = score.setting.order == "ascending"
    values = (
        metrics.where(score.is_ranked())
        .select(score.group().alias("of"), F.col(score.setting.of).alias("value"))
        .groupBy("of", "value")
        .agg(F.count(F.lit(1)).alias("n"))
    )
    theirs, value = Window.partitionBy("of"), F.col("value")
    so_far = theirs.orderBy(value.desc() if from_largest else value.asc()).rowsBetween(
        Window.unboundedPreceding, Window.currentRow
    )
    row = values.withColumns({"so_far": F.sum("n").over(so_far), "all": F.sum("n").over(theirs)})
    first = F.max if from_largest else F.min
    rest = [1 - share for share in score.shares]
    cuts = [
        first(F.when(F.col("so_far") * share.denominator >= F.col("all") * share.numerator, value)).cast("string")
        for share in rest
    ]
    return (
        row.groupBy("of")
        .agg(F.sum("n").alias("customers"), F.array(*cuts).alias("cuts"))
        .select(F.lit(score.name).alias("score"), "of", "customers", "cuts")
    )


def with_scores(metrics: DataFrame, scores: Sequence[Score], cuts: Cuts) -> DataFrame:
    """The metrics of customers, and a column per score."""
    if not scores:
        return metrics
    return metrics.withColumns({score.name: score.column(cuts.get(score.name, ())) for score in scores})
