"""The text of an expression -> its parts, as Spark's SQL reads them.

Only what is known here becomes an expression. Nobody's SQL reaches an engine: there is nothing that could name a table,
a file, a class of Java or anything else than columns and the functions of `functions`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

from sqlglot import TokenType, exp, parse_one
from sqlglot.dialects.spark import Spark
from sqlglot.errors import SqlglotError
from sqlglot.parsers.spark import SparkParser

from segmentation.errors import ConfigError

LONGEST, DEEPEST, SHOWN = 10_000, 20, 80
# What stands between conditions and in brackets adds no level.
FLAT = exp.Connector, exp.Paren, exp.Identifier
SUM = exp.Add, exp.Sub


class _Plain(Spark):
    """Spark's SQL, every function of which is called by its own name."""

    class Parser(SparkParser):
        """Spark's, which else makes one of functions that other databases have under other names."""

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {"CAST": SparkParser.FUNCTION_PARSERS["CAST"]}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: SparkParser.NO_PAREN_FUNCTION_PARSERS[name] for name in ("CASE", "IF")
        }


def parsed(sql: str) -> exp.Expr:
    """The expression.

    Raises:
        ConfigError: it is none, saying where that shows.
    """
    if len(sql) > LONGEST:
        raise ConfigError(f"expected an expression of up to {LONGEST:,} characters, found {len(sql):,}")
    try:
        _see_quotes(sql)
        found = parse_one(sql, dialect=_Plain)
        levels = _levels(found)
    except SqlglotError as error:
        raise ConfigError(_said(sql, error)) from None
    except RecursionError:
        raise ConfigError(
            f"expected an expression of up to {DEEPEST} levels, found a deeper one, {sql[:SHOWN]!r}..."
        ) from None
    if levels > DEEPEST:
        raise ConfigError(f"expected an expression of up to {DEEPEST} levels, found a deeper one")
    return found


def _levels(node: exp.Expr) -> int:
    """How many there are, one in the other; numbers are computed with room, which takes another."""
    inside = max(map(_levels, node.iter_expressions()), default=0)
    if isinstance(node, FLAT) or (isinstance(node, SUM) and isinstance(_around(node), SUM)):
        return inside
    return inside + (2 if isinstance(node, (*SUM, exp.Mul)) else 1)


def _around(node: exp.Expr) -> exp.Expr | None:
    parent = node.parent
    return _around(parent) if isinstance(parent, exp.Paren) else parent


def _see_quotes(sql: str) -> None:
    """See that no text stands right behind another: versions of Spark read that in two ways."""
    tokens = _Plain().tokenize(sql)
    if any(one.token_type == other.token_type == TokenType.STRING for one, other in pairwise(tokens)):
        raise ConfigError(f"two texts side by side; a quote in a text is written \\', found {sql!r}")


def _said(sql: str, error: SqlglotError) -> str:
    errors = getattr(error, "errors", None)
    if not errors:
        return f"is no expression in SQL: {str(error).splitlines()[0]}; found {sql!r}"
    first = errors[0]
    near = f"{first.get('start_context') or ''}{first.get('highlight') or ''}"[-40:]
    what = str(first.get("description") or "").split(" for <class")[0].rstrip(".")
    place = f"line {first['line']}, character {first['col']}" if first.get("line") else "its end"
    return f"is no expression in SQL ({what}), at {place}, after {near!r}"


def shown(node: exp.Expr) -> str:
    """A part of an expression, for messages."""
    text = node.sql(dialect="spark")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
