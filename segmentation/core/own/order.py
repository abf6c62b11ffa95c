"""What expressions look at, each of which may look at what comes before it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from segmentation.core.own.parsing import parsed
from segmentation.errors import ConfigError


def looks_at(sql: str) -> set[str]:
    """The names in an expression, in lower case."""
    return {node.name.lower() for node in parsed(sql).find_all(exp.Column)}


def see_above(name: str, sql: str, below: Mapping[str, set[str]]) -> None:
    """See that an expression looks at nothing that comes after it.

    Args:
        name: what it is called.
        sql: the expression.
        below: what comes after it, and what each of them looks at; in lower case.

    Raises:
        ConfigError: it does.
    """
    seen = looks_at(sql)
    if name.lower() in seen:
        raise ConfigError(f"goes in a circle: {name} -> {name}")
    for other in sorted(seen & below.keys()):
        circle = _way(other, name.lower(), below, ())
        if circle:
            raise ConfigError(f"goes in a circle: {' -> '.join((name.lower(), *circle))}")
        raise ConfigError(f"looks at {other}, which stands below it: put {other} above")


def _way(start: str, end: str, graph: Mapping[str, set[str]], been: tuple[str, ...]) -> tuple[str, ...] | None:
    if start == end:
        return (*been, end)
    if start in been:
        return None
    ways = (_way(one, end, graph, (*been, start)) for one in sorted(graph.get(start, ())))
    return next((way for way in ways if way), None)
