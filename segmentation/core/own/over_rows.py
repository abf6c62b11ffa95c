"""Expressions over all rows of a customer: aggregates, and what is made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from pyspark.sql import Column, Window
from pyspark.sql import functions as F
from sqlglot import exp

from segmentation.core.own.calling import Calling, marked
from segmentation.core.own.functions import AGGREGATES
from segmentation.core.own.kinds import roomy
from segmentation.core.own.parsing import parsed, shown
from segmentation.core.own.typed import Build, Typed, together
from segmentation.errors import ConfigError
from segmentation.schemas import CUSTOMER_ID


def sums_up(sql: str) -> bool:
    """Does an expression call an aggregate, so that it is about purchases?"""
    return any(
        isinstance(node, exp.Filter | exp.Any) or (isinstance(node, exp.Anonymous) and node.name.lower() in AGGREGATES)
        for node in parsed(sql).walk()
    )


# Those that add up, which takes room.
SUMS = ("sum", "avg", "mean")
# Those that look at a second value of each row.
BY = ("max_by", "min_by")


@dataclass(frozen=True)
class OverRows(Calling):
    """Expressions over all rows of a customer: an aggregate, or what is made of several.

    Attributes:
        same: columns that are the same in all rows of a customer, and may stand outside of an aggregate.
        counts: which rows count, None for all.
        within: the aggregate that is looked into.
    """

    same: frozenset[str] = frozenset()
    counts: Build | None = None
    within: str | None = None

    def column(self, node: exp.Column) -> Typed:
        """A column of a row in an aggregate; outside of one, what is the same in all rows."""
        name, kind = self.known(node), self.scope[self.known(node)]
        if self.within:
            return Typed(kind, lambda: F.col(name), frozenset({name}))
        if name not in self.same:
            raise ConfigError(f"{name} must stand in an aggregate, such as max({name}): a customer has many purchases")
        return Typed(kind, lambda: F.max(name), frozenset({name}), sums_up=True)

    def call(self, node: exp.Anonymous) -> Typed:
        """A function by its name."""
        if node.name.lower() in AGGREGATES:
            return self._aggregated(node, None)
        return self._called(node.name.lower(), node.expressions)

    def only_some(self, node: exp.Filter) -> Typed:
        """`aggregate FILTER (WHERE condition)`."""
        if not isinstance(node.this, exp.Anonymous) or node.this.name.lower() not in AGGREGATES:
            raise ConfigError(f"FILTER stands behind an aggregate such as sum, found {shown(node)}")
        return self._aggregated(node.this, node.expression.this)

    def _aggregated(self, node: exp.Anonymous, where: exp.Expr | None) -> Typed:
        name, nodes = node.name.lower(), node.expressions
        if self.within:
            raise ConfigError(f"{name} cannot stand in {self.within}: an aggregate is over purchases")
        inside = replace(self, within=name)
        only = inside.truth(where) if where else None
        distinct = bool(nodes) and isinstance(nodes[0], exp.Distinct)
        if distinct and name != "count":
            raise ConfigError(f"{name} takes no DISTINCT, which only count does")
        given = nodes[0].expressions if distinct else [_one_for_star(one) for one in nodes]
        parts = inside.arguments(name, AGGREGATES[name], given)
        if any(part.value is None for part in parts[1:] if name == "percentile"):
            raise ConfigError("percentile takes a number between 0 and 1 behind the value")
        kind = AGGREGATES[name].gives([part.kind for part in parts])
        used = together([*parts, *([only] if only else [])], kind, parts[0].build)
        key = _key(node, where)
        of_key = key if any(one.find(exp.Cast) for one in (node, where) if one) else None
        first, *others = [
            self._counted(part, only, of_key) if number == 0 or name in BY else part.build
            for number, part in enumerate(parts)
        ]
        if name in SUMS:
            others = [lambda: roomy(first(), parts[0].kind)]
        build, before = self._form(name, first, others, key, distinct=distinct)
        return replace(marked(name, used), build=build, sums_up=True, before={**(used.before or {}), **before})

    def _counted(self, part: Typed, only: Typed | None, key: str | None) -> Build:
        """The value of the rows that count, nothing of others; Sail tells aggregates apart by words without casts."""

        def build() -> Column:
            its_own = [F.lit(key).isNotNull()] if key else []
            conditions = [*its_own, *([self.counts()] if self.counts else []), *([only.build()] if only else [])]
            value = part.build()
            return F.when(reduce(lambda one, other: one & other, conditions), value) if conditions else value

        return build

    def _form(
        self, name: str, first: Build, others: Sequence[Build], key: str, *, distinct: bool
    ) -> tuple[Build, Mapping[str, Build]]:
        """The aggregate, and the columns that must be there before."""
        if distinct:
            return lambda: F.count_distinct(first()), {}
        if name == "mode":
            return lambda: _most_frequent(first(), key), {key: lambda: _how_often(first())}
        # Sail's words for a struct are the names in it.
        keys = [key] if name in BY else []
        return lambda: AGGREGATES[name].made(first(), *[other() for other in others], *keys), {}


def _how_often(value: Column) -> Column:
    """How many rows of the customer have the same value."""
    return F.count(F.lit(1)).over(Window.partitionBy(CUSTOMER_ID, value))


def _most_frequent(value: Column, count: str) -> Column:
    """Of several that are as frequent, the smallest."""
    return F.min(F.when(value.isNotNull(), F.struct((-F.col(count)).alias("by"), value.alias("value"))))["value"]


def _key(node: exp.Expr, where: exp.Expr | None) -> str:
    """One name for one aggregate."""
    text = f"{node.sql()} {where.sql() if where else ''}"
    return f"count_of_{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _one_for_star(node: exp.Expr) -> exp.Expr:
    return exp.Literal.number(1) if isinstance(node, exp.Star) else node
