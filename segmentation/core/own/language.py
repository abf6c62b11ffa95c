"""Expressions about one row: their parts -> what is known of each, and its Column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F
from sqlglot import exp

from segmentation.core.own import functions
from segmentation.core.own.kinds import DAY, MOST_DECIMALS, NOTHING, RATIO, TEXT, TRUTH, WHOLE, Kind, Sort, common
from segmentation.core.own.parsing import parsed, shown
from segmentation.core.own.typed import Typed, as_day, literal, literal_of, together
from segmentation.errors import ConfigError, UnknownNameError, among

COMPARED: Mapping[type[exp.Expr], Callable[[Column, Column], Column]] = {
    exp.EQ: lambda one, other: one == other,
    exp.NEQ: lambda one, other: one != other,
    exp.GT: lambda one, other: one > other,
    exp.GTE: lambda one, other: one >= other,
    exp.LT: lambda one, other: one < other,
    exp.LTE: lambda one, other: one <= other,
    exp.NullSafeEQ: lambda one, other: one.eqNullSafe(other),
}
COMPUTED: Mapping[type[exp.Expr], Callable[[Column, Column], Column]] = {
    exp.Add: lambda one, other: one + other,
    exp.Sub: lambda one, other: one - other,
    exp.Mul: lambda one, other: one * other,
}
QUERIES = (exp.Query, exp.Subquery, exp.Exists, exp.Table)


@dataclass(frozen=True)
class Language:
    """What an expression may name.

    Attributes:
        scope: the columns there are.
        of: whose they are, for messages.
        labels: of columns that hold labels, which there are.
    """

    scope: Mapping[str, Kind]
    of: str
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def expression(self, sql: str) -> Typed:
        """A text, checked.

        Raises:
            ConfigError: what is wrong with it.
        """
        return self.typed(parsed(sql))

    def condition(self, sql: str) -> Typed:
        """The same; it must be true or false."""
        return self.truth(parsed(sql))

    def typed(self, node: exp.Expr) -> Typed:
        """A part."""
        if isinstance(node, QUERIES):
            raise ConfigError(f"queries are refused: an expression is about {self.of} alone, found {shown(node)}")
        form = FORMS.get(type(node))
        if form is None:
            raise ConfigError(f"{shown(node)} cannot be used in an expression")
        made: Typed = getattr(self, form)(node)
        return made

    def alike(self, nodes: Sequence[exp.Expr], what: str) -> list[Typed]:
        """Parts that may be compared; a text that names a day is one beside days."""
        parts = [self.typed(node) for node in nodes]
        if any(part.kind == DAY for part in parts):
            parts = [as_day(part) for part in parts]
        kind = reduce(lambda so_far, part: common(so_far, part.kind, what), parts, NOTHING)
        # Whole and decimal numbers are compared as they are.
        return parts if kind.sort is Sort.EXACT else [part.to(kind) for part in parts]

    def as_one(self, nodes: Sequence[exp.Expr], what: str) -> list[Typed]:
        """Parts, of one kind."""
        parts = self.alike(nodes, what)
        kind = reduce(lambda so_far, part: common(so_far, part.kind, what), parts, NOTHING)
        return [part.to(kind) for part in parts]

    def truth(self, node: exp.Expr) -> Typed:
        """A part that is true or false."""
        part = self.typed(node)
        if part.kind != TRUTH:
            raise ConfigError(f"expected a condition, which is true or false, found {part.kind.sort}: {shown(node)}")
        return part

    def _numeric(self, node: exp.Expr, whole: exp.Expr) -> Typed:
        part = self.typed(node)
        if not part.kind.is_number:
            hint = "; days are added with date_add, and subtracted with datediff" if part.kind == DAY else ""
            raise ConfigError(f"{shown(whole)} takes numbers, found {part.kind.sort}{hint}")
        return part

    def column(self, node: exp.Column) -> Typed:
        """A name."""
        name = self.known(node)
        return Typed(self.scope[name], lambda: F.col(name), frozenset({name}))

    def known(self, node: exp.Column) -> str:
        """The column that a name stands for, in upper or lower case."""
        if node.table:
            raise ConfigError(f"tables are refused: an expression is about {self.of} alone, found {shown(node)}")
        found = next((one for one in self.scope if one.lower() == node.name.lower()), None)
        if found is None:
            why = functions.why_refused(node.name.lower())
            if why:
                raise ConfigError(f"{node.name} is refused: {why}")
            raise UnknownNameError(f"{self.of} has no {node.name!r}{among(node.name, sorted(self.scope), 'It has')}")
        return found

    def number(self, node: exp.Literal) -> Typed:
        """A number or a text as it stands there."""
        return literal_of(node.name, is_text=bool(node.is_string))

    def true_or_false(self, node: exp.Boolean) -> Typed:
        """One of the two."""
        return literal(bool(node.this), TRUTH)

    def nothing(self, _: exp.Null) -> Typed:
        """`NULL`."""
        return Typed(NOTHING, lambda: F.lit(None).cast("string"))

    def inner(self, node: exp.Paren) -> Typed:
        """What is in brackets."""
        return self.typed(node.this)

    def compared(self, node: exp.Binary) -> Typed:
        """Two values, of kinds that go together."""
        one, other = self.alike([node.left, node.right], shown(node))
        self._see_label(node.left, [node.right])
        self._see_label(node.right, [node.left])
        form = COMPARED[type(node)]
        return together([one, other], TRUTH, lambda: form(one.build(), other.build()))

    def _see_label(self, node: exp.Expr, texts: Sequence[exp.Expr]) -> None:
        """A label that nobody can have is a slip."""
        if not isinstance(node, exp.Column) or node.name not in self.labels:
            return
        labels = self.labels[node.name]
        for text in texts:
            if isinstance(text, exp.Literal) and text.is_string and text.name not in labels:
                raise ConfigError(f"{node.name} has no label {text.name!r}{among(text.name, labels, 'It has')}")

    def computed(self, node: exp.Binary) -> Typed:
        """A sum, a difference or a product."""
        one, other = (self._numeric(part, node) for part in (node.left, node.right))
        kind = common(one.kind, other.kind, shown(node))
        if kind == RATIO:
            one, other = one.to(kind), other.to(kind)
        elif isinstance(node, exp.Mul) and kind.sort is Sort.EXACT:
            kind = Kind(Sort.EXACT, min(one.kind.scale + other.kind.scale, MOST_DECIMALS))
        form = COMPUTED[type(node)]
        return together([one, other], kind, lambda: form(one.build(), other.build()).cast(kind.type))

    def divided(self, node: exp.Binary) -> Typed:
        """A quotient; nothing where the divisor is zero."""
        one, other = (self._numeric(part, node).to(RATIO) for part in (node.left, node.right))
        return together([one, other], RATIO, lambda: F.when(other.build() != 0, one.build() / other.build()))

    def remainder(self, node: exp.Binary) -> Typed:
        """What is left over; nothing where the divisor is zero."""
        parts = one, other = [self._numeric(part, node) for part in (node.left, node.right)]
        if any(part.kind != WHOLE for part in parts):
            raise ConfigError(f"{shown(node)}: % takes whole numbers, found {one.kind.sort} and {other.kind.sort}")
        return together(parts, WHOLE, lambda: F.when(other.build() != 0, _whole(one) % _whole(other)))

    def negative(self, node: exp.Neg) -> Typed:
        """A number below zero."""
        part = self._numeric(node.this, node)
        return (
            literal(-part.value, part.kind) if part.value is not None else part.made(part.kind, lambda: -part.build())
        )

    def joined(self, node: exp.Binary) -> Typed:
        """Conditions, both or either."""
        parts = one, other = [self.truth(part) for part in (node.left, node.right)]
        both = isinstance(node, exp.And)
        return together(parts, TRUTH, lambda: one.build() & other.build() if both else one.build() | other.build())

    def negated(self, node: exp.Not) -> Typed:
        """A condition that does not hold."""
        part = self.truth(node.this)
        return part.made(TRUTH, lambda: ~part.build())

    def is_nothing(self, node: exp.Is) -> Typed:
        """`IS NULL`, and `IS TRUE`."""
        part, asked = self.typed(node.this), node.expression
        if isinstance(asked, exp.Null):
            return part.made(TRUTH, lambda: part.build().isNull())
        if isinstance(asked, exp.Boolean) and part.kind == TRUTH:
            return part.made(TRUTH, lambda: part.build().eqNullSafe(F.lit(bool(asked.this))))
        raise ConfigError(f"expected IS NULL, or IS TRUE of a condition, found {shown(node)}")

    def is_among(self, node: exp.In) -> Typed:
        """`IN` a list."""
        if not node.expressions:
            raise ConfigError(f"queries are refused: IN takes a list of values, found {shown(node)}")
        self._see_label(node.this, node.expressions)
        parts = one, *others = self.alike([node.this, *node.expressions], shown(node))
        return together(parts, TRUTH, lambda: one.build().isin(*[other.build() for other in others]))

    def is_between(self, node: exp.Between) -> Typed:
        """Both ends inside."""
        parts = one, low, high = self.alike([node.this, node.args["low"], node.args["high"]], shown(node))
        return together(parts, TRUTH, lambda: (one.build() >= low.build()) & (one.build() <= high.build()))

    def is_like(self, node: exp.Like) -> Typed:
        """`LIKE` a pattern."""
        one, pattern = self.typed(node.this), self.typed(node.expression).value
        if one.kind != TEXT or not isinstance(pattern, str):
            raise ConfigError(f"LIKE takes a text and a pattern in quotes, found {shown(node)}")
        return one.made(TRUTH, lambda: one.build().like(pattern))

    def chosen(self, node: exp.If) -> Typed:
        """`if(condition, value, otherwise)`."""
        return self._cases([node], node.args.get("false"), node)

    def cases(self, node: exp.Case) -> Typed:
        """`CASE WHEN condition THEN value ... ELSE otherwise END`."""
        if node.this is not None:
            raise ConfigError(f"write CASE WHEN {shown(node.this)} = ... THEN, found {shown(node)}")
        return self._cases(node.args["ifs"], node.args.get("default"), node)

    def _cases(self, ifs: Sequence[exp.If], otherwise: exp.Expr | None, node: exp.Expr) -> Typed:
        conditions = [self.truth(one.this) for one in ifs]
        *values, last = self.as_one([*(one.args["true"] for one in ifs), otherwise or exp.Null()], shown(node))

        def build() -> Column:
            first, *others = zip(conditions, values, strict=True)
            chain = F.when(first[0].build(), first[1].build())
            for condition, value in others:
                chain = chain.when(condition.build(), value.build())
            return chain.otherwise(last.build())

        return together([*conditions, *values, last], values[0].kind, build)


def _whole(part: Typed) -> Column:
    return part.build().cast("bigint")


FORMS: Mapping[type[exp.Expr], str] = {
    exp.Column: "column",
    exp.Literal: "number",
    exp.Boolean: "true_or_false",
    exp.Null: "nothing",
    exp.Paren: "inner",
    **dict.fromkeys(COMPARED, "compared"),
    **dict.fromkeys(COMPUTED, "computed"),
    exp.Div: "divided",
    exp.Mod: "remainder",
    exp.Neg: "negative",
    exp.And: "joined",
    exp.Or: "joined",
    exp.Not: "negated",
    exp.Is: "is_nothing",
    exp.In: "is_among",
    exp.Between: "is_between",
    exp.Like: "is_like",
    exp.If: "chosen",
    exp.Case: "cases",
    # Of `calling.Calling`.
    exp.Cast: "cast",
    exp.TryCast: "cast",
    exp.DPipe: "text",
    exp.Concat: "text",
    exp.Filter: "only_some",
    exp.Any: "any_of",
    exp.Anonymous: "call",
}
