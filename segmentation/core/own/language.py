"""Expressions about one row: names, values and arithmetic -> what is known of each part, and its Column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F
from sqlglot import exp

from segmentation.core.joined import balanced
from segmentation.core.own import functions
from segmentation.core.own.forms import FORMS, QUERIES
from segmentation.core.own.kinds import DAY, MOST_DECIMALS, NOTHING, RATIO, TRUTH, WHOLE, Kind, Sort, common, roomy
from segmentation.core.own.parsing import parsed, shown
from segmentation.core.own.typed import Typed, as_day, literal, literal_of, together
from segmentation.errors import ConfigError, UnknownNameError, among


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

    def summed(self, node: exp.Binary) -> Typed:
        """Sums and differences, one behind the other."""
        terms = list(_terms(node))
        parts = [self._numeric(one, node) for _, one in terms]
        kind = reduce(lambda so_far, part: common(so_far, part.kind, shown(node)), parts, parts[0].kind)
        parts = [part.to(RATIO) for part in parts] if kind == RATIO else parts

        def build() -> Column:
            columns = map(_with_room, parts)
            signed = [-column if less else column for column, (less, _) in zip(columns, terms, strict=True)]
            return balanced(signed, lambda one, other: one + other).cast(kind.type)

        return together(parts, kind, build)

    def multiplied(self, node: exp.Binary) -> Typed:
        """A product."""
        one, other = (self._numeric(part, node) for part in (node.left, node.right))
        kind = common(one.kind, other.kind, shown(node))
        if kind == RATIO:
            one, other = one.to(kind), other.to(kind)
        elif kind.sort is Sort.EXACT:
            kind = Kind(Sort.EXACT, min(one.kind.scale + other.kind.scale, MOST_DECIMALS))
        parts = [one, other]
        return together(parts, kind, lambda: (_with_room(one) * _with_room(other)).cast(kind.type))

    def divided(self, node: exp.Binary) -> Typed:
        """A quotient; nothing where the divisor is zero."""
        self._see_divisor(node)
        one, other = (self._numeric(part, node).to(RATIO) for part in (node.left, node.right))
        return together([one, other], RATIO, lambda: F.when(other.build() != 0, one.build() / other.build()))

    def _see_divisor(self, node: exp.Binary) -> None:
        """Zero as it stands there is a slip, which one engine refuses and another does not."""
        value = self._numeric(node.right, node).value
        if value is not None and value == 0:
            raise ConfigError(f"{shown(node)} divides by zero")

    def remainder(self, node: exp.Binary) -> Typed:
        """What is left over; nothing where the divisor is zero."""
        self._see_divisor(node)
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


def _terms(node: exp.Expr, *, less: bool = False) -> Iterator[tuple[bool, exp.Expr]]:
    """What is added, and whether it is taken away."""
    if isinstance(node, exp.Add | exp.Sub):
        yield from _terms(node.left, less=less)
        yield from _terms(node.right, less=less != isinstance(node, exp.Sub))
    elif isinstance(node, exp.Paren):
        yield from _terms(node.this, less=less)
    else:
        yield less, node


def _with_room(part: Typed) -> Column:
    return roomy(part.build(), part.kind)


def _whole(part: Typed) -> Column:
    return part.build().cast("bigint")
