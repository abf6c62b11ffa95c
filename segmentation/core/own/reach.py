"""Can a rule be reached? One whose customers an earlier rule takes all is a slip, and so is one that nobody can meet.

A condition is looked at as ranges of numbers and sets of texts. What is neither is left open: it never makes a rule
look unreachable that is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import NamedTuple

from sqlglot import exp

from segmentation.core.own.parsing import parsed

INFINITE = Decimal("Infinity")
# Cases of a condition that are looked at; one with more is left open.
MOST_CASES = 64


class Range(NamedTuple):
    """Numbers from one to another; is the end itself inside?"""

    low: Decimal = -INFINITE
    has_low: bool = False
    high: Decimal = INFINITE
    has_high: bool = False

    def and_(self, other: Range) -> Range:
        """What is in both."""
        low = max(self[:2], other[:2], key=lambda end: (end[0], not end[1]))
        high = min(self[2:], other[2:], key=lambda end: (end[0], end[1]))
        return Range(*low, *high)

    @property
    def is_empty(self) -> bool:
        """Is there no number in it?"""
        return self.low > self.high or (self.low == self.high and not (self.has_low and self.has_high))

    def holds(self, other: Range) -> bool:
        """Is all of another one in it?"""
        return self.and_(other) == other


Allowed = Range | frozenset[str]


@dataclass(frozen=True)
class Case:
    """What a customer is like whom a case of a condition is about.

    Attributes:
        allowed: per column its numbers or texts.
        is_all: is this all that the case asks for?
    """

    allowed: Mapping[str, Allowed]
    is_all: bool = True

    @property
    def is_empty(self) -> bool:
        """Can nobody be like this?"""
        return any(one.is_empty if isinstance(one, Range) else not one for one in self.allowed.values())

    def and_(self, other: Case) -> Case:
        """What is like both."""
        allowed = dict(self.allowed)
        for name, one in other.allowed.items():
            allowed[name] = _both(allowed[name], one) if name in allowed else one
        return Case(allowed, self.is_all and other.is_all)

    def takes(self, other: Case) -> bool:
        """Does it hold for everybody who is like another?"""
        return self.is_all and all(
            name in other.allowed and _holds(one, other.allowed[name]) for name, one in self.allowed.items()
        )


def _both(one: Allowed, other: Allowed) -> Allowed:
    if isinstance(one, Range) and isinstance(other, Range):
        return one.and_(other)
    return one & other if isinstance(one, frozenset) and isinstance(other, frozenset) else one


def _holds(one: Allowed, other: Allowed) -> bool:
    if isinstance(one, Range) and isinstance(other, Range):
        return one.holds(other)
    return isinstance(one, frozenset) and isinstance(other, frozenset) and other <= one


def unreachable(conditions: Sequence[str]) -> tuple[int, str] | None:
    """The first of the conditions that is never reached, counted from 0, and why; None where each may be."""
    known = [cases(sql) for sql in conditions]
    for number, mine in enumerate(known):
        if all(case.is_empty for case in mine):
            return number, "nobody can meet it"
        for before, theirs in enumerate(known[:number]):
            same = parsed(conditions[before]) == parsed(conditions[number])
            if same or all(case.is_empty or any(one.takes(case) for one in theirs) for case in mine):
                return number, f"rule {before + 1} takes everybody who meets it"
    return None


def cases(sql: str) -> list[Case]:
    """The cases of a condition, one of which must hold."""
    return _cases(parsed(sql))


def _cases(node: exp.Expr) -> list[Case]:
    if isinstance(node, exp.Paren):
        return _cases(node.this)
    if isinstance(node, exp.Or):
        return [*_cases(node.left), *_cases(node.right)]
    if isinstance(node, exp.And):
        left, right = _cases(node.left), _cases(node.right)
        if len(left) * len(right) > MOST_CASES:
            return [Case({}, is_all=False)]
        return [one.and_(other) for one, other in product(left, right)]
    if isinstance(node, exp.Boolean):
        return [Case({})] if node.this else [Case({"": frozenset()})]
    return [_one(node)]


def _one(node: exp.Expr) -> Case:
    if isinstance(node, exp.Between):
        found = _range(node.this, exp.GTE, node.args["low"]), _range(node.this, exp.LTE, node.args["high"])
        return found[0].and_(found[1])
    if isinstance(node, exp.In) and isinstance(node.this, exp.Column):
        return _texts(node.this, node.expressions)
    if isinstance(node, exp.EQ) and isinstance(node.left, exp.Column) and node.right.is_string:
        return _texts(node.left, [node.right])
    if isinstance(node, exp.Binary):
        turned = {exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.EQ: exp.EQ}
        if isinstance(node.right, exp.Column) and type(node) in turned:
            return _range(node.right, turned[type(node)], node.left)
        return _range(node.left, type(node), node.right)
    return Case({}, is_all=False)


def _texts(column: exp.Column, texts: Sequence[exp.Expr]) -> Case:
    if all(text.is_string for text in texts):
        return Case({column.name.lower(): frozenset(text.name for text in texts)})
    return Case({}, is_all=False)


def _range(column: exp.Expr, kind: type[exp.Expr], number: exp.Expr) -> Case:
    if not isinstance(column, exp.Column) or not number.is_number:
        return Case({}, is_all=False)
    at = Decimal(number.sql())
    ranges = {
        exp.GT: Range(at, False, INFINITE, False),
        exp.GTE: Range(at, True, INFINITE, False),
        exp.LT: Range(-INFINITE, False, at, False),
        exp.LTE: Range(-INFINITE, False, at, True),
        exp.EQ: Range(at, True, at, True),
    }
    return Case({column.name.lower(): ranges[kind]}) if kind in ranges else Case({}, is_all=False)
