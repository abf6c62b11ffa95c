"""Expressions that call functions: of one row, and of all rows of a customer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from pyspark.sql import Column, Window
from pyspark.sql import functions as F
from sqlglot import exp

from segmentation.core.own import functions
from segmentation.core.own.conditions import Conditions
from segmentation.core.own.functions import AGGREGATES, SCALARS, Function
from segmentation.core.own.kinds import DAY, MOST_DECIMALS, RATIO, TEXT, WHOLE, Kind, Sort, kind_named
from segmentation.core.own.parsing import parsed, shown
from segmentation.core.own.typed import Build, Typed, as_day, together
from segmentation.errors import ConfigError, among
from segmentation.schemas import CUSTOMER_ID

CASTS = {
    exp.DType.TEXT: "string",
    exp.DType.VARCHAR: "string",
    exp.DType.INT: "integer",
    exp.DType.BIGINT: "integer",
    exp.DType.DATE: "date",
    exp.DType.BOOLEAN: "boolean",
}
CHOOSING: Mapping[str, Callable[..., Column]] = {
    "coalesce": F.coalesce,
    "ifnull": F.coalesce,
    "nvl": F.coalesce,
    "least": F.least,
    "greatest": F.greatest,
}
DIGITS_AND_DECIMALS = 2


def sums_up(sql: str) -> bool:
    """Does an expression call an aggregate, so that it is about purchases?"""
    return any(
        isinstance(node, exp.Filter | exp.Any) or (isinstance(node, exp.Anonymous) and node.name.lower() in AGGREGATES)
        for node in parsed(sql).walk()
    )


class Calling(Conditions):
    """Expressions about one row."""

    def cast(self, node: exp.Cast) -> Typed:
        """A value as another kind."""
        part, kind = self.typed(node.this), _named_kind(node)
        if kind == DAY and part.kind == TEXT and part.value is not None:
            return as_day(part)
        if part.kind != kind and kind != TEXT and not (part.kind.is_number and kind.is_number):
            raise ConfigError(
                f"{shown(node)}: {part.kind.sort} cannot become {kind.sort}; the type of a column is declared under "
                "input.extra_columns"
            )
        if part.kind == RATIO and kind != RATIO:
            raise ConfigError(f"{shown(node)}: engines round quotients differently; they are compared as they are")
        return part.made(kind, lambda: part.build().cast(kind.type))

    def text(self, node: exp.Expr) -> Typed:
        """Texts, one behind the other."""
        return self._called("concat", [node.left, node.right] if isinstance(node, exp.DPipe) else node.expressions)

    def only_some(self, node: exp.Filter) -> Typed:
        """`aggregate FILTER (WHERE condition)`."""
        raise ConfigError(f"{shown(node)}: {self.of} is one row, an aggregate is over several")

    def any_of(self, node: exp.Any) -> Typed:
        """`any(condition)`, which is a word of the language elsewhere."""
        return self.call(exp.Anonymous(this="any", expressions=[node.this.unnest()]))

    def call(self, node: exp.Anonymous) -> Typed:
        """A function by its name."""
        name = node.name.lower()
        if name in AGGREGATES:
            raise ConfigError(f"{shown(node)}: {self.of} is one row, {name} is over several; make it a metric")
        return self._called(name, node.expressions)

    def _called(self, name: str, nodes: Sequence[exp.Expr]) -> Typed:
        if name in CHOOSING and len(nodes) > 1:
            parts = self.as_one(nodes, name)
            made = together(parts, parts[0].kind, lambda: CHOOSING[name](*[part.build() for part in parts]))
        elif name == "nullif" and len(nodes) > 1:
            parts = one, other = self.alike(nodes[:2], name)
            made = together(parts, one.kind, lambda: F.when(~one.build().eqNullSafe(other.build()), one.build()))
        elif name == "concat" and nodes:
            parts = [self.typed(node) for node in nodes]
            if any(part.kind != TEXT for part in parts):
                raise ConfigError("concat and || take texts; write cast(... as string) around other values")
            made = together(parts, TEXT, lambda: F.concat(*[part.build() for part in parts]))
        elif name == "round" and nodes:
            made = self._rounded(*nodes)
        else:
            made = self._scalar(name, nodes)
        return _marked(name, made)

    def _rounded(self, node: exp.Expr, to: exp.Expr | None = None, *_: exp.Expr) -> Typed:
        """Half away from zero."""
        part, places = self.typed(node), self.typed(to).value if to else 0
        if part.kind.sort not in functions.ADDABLE or not isinstance(places, int) or not 0 <= places <= MOST_DECIMALS:
            raise ConfigError(
                f"round takes a whole or decimal number and how many decimals to keep, found {part.kind.sort}; a "
                "quotient is compared as it is"
            )
        kind = Kind(Sort.EXACT, min(places, part.kind.scale)) if part.kind.sort is Sort.EXACT else WHOLE
        return part.made(kind, lambda: F.round(part.build(), places).cast(kind.type))

    def _scalar(self, name: str, nodes: Sequence[exp.Expr]) -> Typed:
        function = SCALARS.get(name)
        if function is None:
            why = functions.why_refused(name)
            if why:
                raise ConfigError(f"the function {name} is refused: {why}")
            raise ConfigError(f"there is no function {name!r}{among(name, functions.known(), 'There are')}")
        parts = self.arguments(name, function, nodes)
        kind = function.gives([part.kind for part in parts])
        return together(parts, kind, lambda: function.made(*[part.build() for part in parts]))

    def arguments(self, name: str, function: Function, nodes: Sequence[exp.Expr]) -> list[Typed]:
        """What a function is called with, as it takes it."""
        if len(nodes) != len(function.takes):
            raise ConfigError(f"{name} takes {len(function.takes)} values, found {len(nodes)}")
        parts = []
        for node, takes in zip(nodes, function.takes, strict=True):
            part = as_day(self.typed(node)) if takes == functions.DAYS else self.typed(node)
            if part.kind.sort not in takes:
                words = " or ".join(sorted(takes)) if takes != functions.ANY else "a value"
                hint = "; the sum of quotients hangs on the order of rows: divide the sum" if part.kind == RATIO else ""
                raise ConfigError(f"{name} takes {words}, found {part.kind.sort}{hint}: {shown(node)}")
            parts.append(part)
        return parts


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
        first = self._counted(parts[0], only)
        build, before = self._form(name, first, parts[1:], _key(node, where), distinct=distinct)
        return replace(_marked(name, used), build=build, sums_up=True, before={**(used.before or {}), **before})

    def _counted(self, part: Typed, only: Typed | None) -> Build:
        """The value of the rows that count, nothing of others."""

        def build() -> Column:
            conditions = [*([self.counts()] if self.counts else []), *([only.build()] if only else [])]
            value = part.build()
            return F.when(reduce(lambda one, other: one & other, conditions), value) if conditions else value

        return build

    def _form(
        self, name: str, first: Build, others: Sequence[Typed], key: str, *, distinct: bool
    ) -> tuple[Build, Mapping[str, Build]]:
        """The aggregate, and the columns that must be there before."""
        if distinct:
            return lambda: F.count_distinct(first()), {}
        if name == "mode":
            return lambda: _most_frequent(first(), key), {key: lambda: _how_often(first())}
        return lambda: AGGREGATES[name].made(first(), *[other.build() for other in others]), {}


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


def _named_kind(node: exp.Cast) -> Kind:
    to = node.to
    if to.is_type(exp.DType.DECIMAL) and len(to.expressions) == DIGITS_AND_DECIMALS:
        return kind_named(f"decimal({to.expressions[0].name},{min(int(to.expressions[1].name), MOST_DECIMALS)})")
    if to.is_type(exp.DType.DOUBLE):
        return RATIO
    if to.this not in CASTS:
        raise ConfigError(
            f"cast to string, int, bigint, decimal(digits,decimals), double, date or boolean, found {to.sql()}"
        )
    return kind_named(CASTS[to.this])


def _marked(name: str, part: Typed) -> Typed:
    """With the function among those that are in it."""
    return replace(part, functions=part.functions | {name})
