"""What a condition is made of, as plain values: a Column that needs neither PySpark nor an engine to be looked at.

The columns of Spark Connect, which are those of the embedded engine, keep the expression that they were made from. Its
classes are PySpark's own affair; here is all that is known of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from pyspark.sql import Column

EPOCH = date(1970, 1, 1)
# Of a CASE, whose parts are conditions and values in turn, and the value of all others last.
WHEN = "when"


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
class Opaque(Term):
    """Something that only engines understand."""


def term_of(condition: Column | Term) -> Term:
    """A Column as a term; what is one already stays as it is.

    Args:
        condition: a Column of Spark Connect.
    """
    return condition if isinstance(condition, Term) else _of(condition._expr)


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
    if kind in ("UnresolvedFunction", "CallFunction") and not getattr(node, "_is_distinct", False):
        return Call(node._name, tuple(map(_of, node._args)))
    return None


def _literal(node: Any) -> Literal:
    kind = node._dataType.simpleString()
    # PySpark keeps days as their number.
    value = EPOCH + timedelta(days=node._value) if kind == "date" and isinstance(node._value, int) else node._value
    return Literal(value, kind, text=str(node))


def _cast(node: Any) -> Term:
    to = node._data_type if isinstance(node._data_type, str) else node._data_type.simpleString()
    # What cannot be cast is null with one that tries.
    return Cast(_of(node._expr), to.lower()) if node._eval_mode is None else Opaque(text=str(node))
