"""What the condition of a rule says: in words, and taken apart into the comparisons that it is made of.

A condition is a Column, so nothing has to be said twice, and a rule that somebody else wrote explains itself. The
columns of Spark Connect, which are those of the embedded engine, keep the expression that they were made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pyspark.sql import Column

SAYS: Mapping[str, str] = {
    "==": "equal to",
    ">=": "at least",
    ">": "more than",
    "<=": "at most",
    "<": "less than",
}
JOINED: Mapping[str, str] = {"and": ", and ", "or": ", or "}
Words = Mapping[str, str]


@dataclass(frozen=True)
class Comparison:
    """Two values that a condition compares.

    Attributes:
        words: what it asks for; of conditions that it counts, which follow as comparisons of their own, only that.
        metric: the column on its left, None where that is no column.
        operator: a key of `SAYS`.
        left: the value, as a rule the customer's number.
        right: what it is compared with, as a rule the threshold.
        limit: the same, where it is a number that stands there.
        holds: the comparison itself.
    """

    words: str
    metric: str | None
    operator: str
    left: Column
    right: Column
    limit: Decimal | None
    holds: Column


def in_words(condition: Column, words: Words) -> str:
    """A condition for people.

    Args:
        condition: a Column of Spark Connect.
        words: what to call a column; one that is not there goes by its name.
    """
    return _said(_expression(condition), words)


def joined_by(condition: Column) -> str | None:
    """``and`` or ``or``, where a condition, a Column of Spark Connect, is made of several in this way."""
    name = getattr(_expression(condition), "_name", None)
    return str(name) if name in JOINED else None


def comparisons(condition: Column, words: Words) -> list[Comparison]:
    """All comparisons in a condition, a Column of Spark Connect, outer ones first."""
    from pyspark.sql.connect.column import Column as ConnectColumn

    found = []
    for node in _nodes(_expression(condition)):
        operator = str(getattr(node, "_name", ""))
        if operator in SAYS:
            left, right = (ConnectColumn(side) for side in node._args)
            metric = getattr(node._args[0], "_unparsed_identifier", None)
            said = _compared(node, words, in_short=True)
            limit = _limit(node._args[1])
            found.append(Comparison(said, metric, operator, left, right, limit, ConnectColumn(node)))
    return found


def _limit(node: Any) -> Decimal | None:
    value = getattr(node, "_value", None)
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return Decimal(str(value)) if is_number else None


def _expression(column: Column) -> Any:
    return column._expr


def _parts(node: Any) -> Sequence[Any]:
    """What an expression is made of; of a kind that is not known here, nothing."""
    inner = getattr(node, "_expr", getattr(node, "_child", None))
    return list(getattr(node, "_args", None) or ([inner] if inner is not None else []))


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for part in _parts(node):
        yield from _nodes(part)


def _said(node: Any, words: Words) -> str:
    kind = type(node).__name__
    if kind == "ColumnReference":
        name = str(node._unparsed_identifier)
        return words.get(name, name.replace("_", " "))
    if kind == "LiteralExpression":
        return _literal(node)
    if kind in ("CastExpression", "ColumnAlias"):
        return _said(_parts(node)[0], words)
    if kind == "UnresolvedFunction":
        return _of_function(node, words)
    return str(node)


def _literal(node: Any) -> str:
    value, is_plain = node._value, type(node._dataType).__name__ not in ("DateType", "TimestampType", "BooleanType")
    if is_plain and isinstance(value, int | float | Decimal):
        return number(value)
    return repr(value) if isinstance(value, str) else str(node)


def _of_function(node: Any, words: Words) -> str:
    name, parts = node._name, _parts(node)
    if name in SAYS:
        return _compared(node, words)
    said = [_said(part, words) for part in parts]
    if name in JOINED:
        inner = [f"({text})" if _is_joined(part, name) else text for part, text in zip(parts, said, strict=True)]
        return JOINED[name].join(inner)
    if name == "not":
        return f"not ({said[0]})"
    if name == "greatest":
        return f"the largest of {', '.join(said)}"
    if name == "*":
        return _product(parts, said)
    if name in ("+", "-", "/", "%"):
        return f" {name} ".join(said)
    return f"{name}({', '.join(said)})"


def _compared(node: Any, words: Words, *, in_short: bool = False) -> str:
    left, right = _parts(node)
    counted = list(_counted(left))
    if not counted or None in counted:
        return f"{_said(left, words)}: {SAYS[node._name]} {_said(right, words)}"
    which = "" if in_short else f" ({'; '.join(_said(one, words) for one in counted)})"
    return f"{SAYS[node._name]} {_said(right, words)} of these{which}"


def _is_joined(node: Any, by: str) -> bool:
    return getattr(node, "_name", None) in JOINED and node._name != by


def _product(parts: Sequence[Any], said: Sequence[str]) -> str:
    """A share of something is said in per cent."""
    share = getattr(parts[0], "_value", None)
    if isinstance(share, int | float | Decimal) and not isinstance(share, bool) and 0 <= share <= 1:
        return f"{number(Decimal(str(share)) * 100)}% of {said[1]}"
    return " × ".join(said)


def _counted(node: Any) -> Iterator[Any]:
    """What a sum of conditions adds up; None for what is no condition."""
    if getattr(node, "_name", None) == "+":
        for part in _parts(node):
            yield from _counted(part)
    else:
        inner = _parts(node)[0] if type(node).__name__ == "CastExpression" else None
        yield inner if getattr(inner, "_name", None) in (*SAYS, *JOINED, "not") else None


def number(value: float | Decimal) -> str:
    """A number as people write it, without zeros at its end."""
    text = f"{Decimal(str(value)):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
