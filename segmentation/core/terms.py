"""What a condition is made of, as plain values: a Column that needs neither PySpark nor an engine to be looked at.

The columns of Spark Connect, which are those of the embedded engine, keep the expression that they were made from. Its
classes are PySpark's own affair; here is all that is known of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from pyspark.sql import Column

EPOCH = date(1970, 1, 1)
# Of a CASE, whose parts are conditions and values in turn, and the value of all others last.
WHEN = "when"
# Of an aggregate that counts each value once.
DISTINCT = "{} distinct"


@dataclass(frozen=True)
class Term:
    """A part of a condition.

    Attributes:
        text: how PySpark writes it, where there is no better word for it.
        node: the expression that it was made from, for an engine; it does not travel to other processes.
    """

    text: str = field(default="", kw_only=True, compare=False)
    node: Any = field(default=None, kw_only=True, compare=False, repr=False)

    @property
    def parts(self) -> tuple[Term, ...]:
        """What it is made of."""
        return ()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "node": None}


@dataclass(frozen=True)
class Name(Term):
    """A column of the row."""

    name: str


@dataclass(frozen=True)
class Literal(Term):
    """A value, and its type as Spark names it."""

    value: Any
    kind: str


@dataclass(frozen=True)
class Call(Term):
    """A function or an operator."""

    name: str
    args: tuple[Term, ...]

    @property
    def parts(self) -> tuple[Term, ...]:
        """The arguments."""
        return self.args


@dataclass(frozen=True)
class Cast(Term):
    """A value as another type."""

    of: Term
    to: str

    @property
    def parts(self) -> tuple[Term, ...]:
        """The value."""
        return (self.of,)


@dataclass(frozen=True)
class Struct(Term):
    """Several values, each under its name."""

    names: tuple[str, ...]
    args: tuple[Term, ...]

    @property
    def parts(self) -> tuple[Term, ...]:
        """The values."""
        return self.args


@dataclass(frozen=True)
class Field(Term):
    """One of the values of a struct."""

    of: Term
    name: str

    @property
    def parts(self) -> tuple[Term, ...]:
        """The struct."""
        return (self.of,)


@dataclass(frozen=True)
class Over(Term):
    """An aggregate of a row and all others that have the same values in some respects."""

    of: Term
    by: tuple[Term, ...]

    @property
    def parts(self) -> tuple[Term, ...]:
        """What is aggregated, and the respects."""
        return (self.of, *self.by)


@dataclass(frozen=True)
class Opaque(Term):
    """Something that only engines understand."""


def term_of(condition: Column | Term) -> Term:
    """A Column as a term; what is one already stays as it is.

    Args:
        condition: a Column of Spark Connect.
    """
    return condition if isinstance(condition, Term) else _of(condition._expr)


def names_in(term: Term) -> frozenset[str]:
    """The columns that a term looks at, in small letters, by which Spark knows them; those of what is opaque are not
    known.
    """
    own = {term.name.lower()} if isinstance(term, Name) else set()
    return frozenset(own).union(*map(names_in, term.parts))


def has_opaque(term: Term) -> bool:
    """Is there a part that only engines understand?"""
    return isinstance(term, Opaque) or any(map(has_opaque, term.parts))


def in_place_of(names: Mapping[str, Term], term: Term) -> Term:
    """A term with others in the place of columns; engines have no expression for it."""
    if isinstance(term, Name):
        return names.get(term.name.lower(), term)
    if isinstance(term, Cast | Field):
        return replace(term, of=in_place_of(names, term.of), node=None)
    if isinstance(term, Call | Struct):
        return replace(term, args=tuple(in_place_of(names, part) for part in term.args), node=None)
    if isinstance(term, Over):
        by = tuple(in_place_of(names, part) for part in term.by)
        return replace(term, of=in_place_of(names, term.of), by=by, node=None)
    return term


def _of(node: Any) -> Term:
    term = _known(node) or Opaque(text=str(node))
    return replace(term, node=node)


def _known(node: Any) -> Term | None:
    kind = type(node).__name__
    if kind == "ColumnReference":
        return Name(str(node._unparsed_identifier))
    if kind == "LiteralExpression":
        return _literal(node)
    if kind == "ColumnAlias":
        return _of(node._child)
    if kind == "CastExpression":
        return _cast(node)
    if kind == "CaseWhen":
        return Call(WHEN, tuple(map(_of, node.children)), text=str(node))
    if kind == "UnresolvedExtractValue":
        return _field(node)
    if kind == "WindowExpression":
        return _over(node)
    if kind in ("UnresolvedFunction", "CallFunction"):
        return _struct(node) if node._name == "struct" else _call(node)
    return None


def _call(node: Any) -> Call:
    name = DISTINCT.format(node._name) if getattr(node, "_is_distinct", False) else node._name
    return Call(name, tuple(map(_of, node._args)))


def _struct(node: Any) -> Struct | None:
    """Of values that are given names, which else would be the engine's affair."""
    if any(type(part).__name__ != "ColumnAlias" for part in node._args):
        return None
    return Struct(tuple(str(part._alias[0]) for part in node._args), tuple(map(_of, node._args)), text=str(node))


def _over(node: Any) -> Over | None:
    """Where the order of rows and how far it looks are of no account."""
    window = node._windowSpec
    if window._orderSpec or window._frame is not None:
        return None
    return Over(_of(node._windowFunction), tuple(map(_of, window._partitionSpec)), text=str(node))


def _field(node: Any) -> Field | None:
    name = _of(node._extraction)
    if not (isinstance(name, Literal) and isinstance(name.value, str)):
        return None
    return Field(_of(node._child), name.value, text=str(node))


def _literal(node: Any) -> Literal:
    kind = node._dataType.simpleString()
    # PySpark keeps days as their number.
    value = EPOCH + timedelta(days=node._value) if kind == "date" and isinstance(node._value, int) else node._value
    return Literal(value, kind, text=str(node))


def _cast(node: Any) -> Term:
    to = node._data_type if isinstance(node._data_type, str) else node._data_type.simpleString()
    # What cannot be cast is null with one that tries.
    return Cast(_of(node._expr), to.lower()) if node._eval_mode is None else Opaque(text=str(node))
