"""From a term to what computes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from inspect import signature
from typing import Any

from segmentation.core.evaluation.aggregates import AGGREGATES, ROWS, aggregated
from segmentation.core.evaluation.arithmetic import ARITHMETIC
from segmentation.core.evaluation.casts import cast
from segmentation.core.evaluation.choices import CHOICES
from segmentation.core.evaluation.comparing import COMPARING
from segmentation.core.evaluation.dates import DATES
from segmentation.core.evaluation.logic import LOGIC
from segmentation.core.evaluation.structs import field_of, is_struct, struct
from segmentation.core.evaluation.texts import TEXTS
from segmentation.core.evaluation.values import KNOWN, Row, Typed, Unknown, constant, size_needed, size_of, unknown
from segmentation.core.terms import WHEN, Call, Cast, Field, Literal, Name, Over, Struct, Term

Kinds = Mapping[str, str]
# By their names in small letters; each takes its arguments.
FUNCTIONS: Mapping[str, Callable[..., Typed]] = {**LOGIC, **COMPARING, **ARITHMETIC, **CHOICES, **DATES, **TEXTS}
OF_STRUCTS = (WHEN, "if")


def typed(term: Term, kinds: Kinds) -> Typed:
    """How a term is computed.

    Args:
        term: of a condition, or a value.
        kinds: the type of each column, as Spark names it: ``bigint``, ``decimal(28,2)``.

    Returns:
        What computes it from a row (by column, null as None): three-valued logic, decimals exact. It raises `Unknown`
        for all that only an engine can say, or where engines differ.
    """
    try:
        return _typed(term, kinds)
    except Unknown as error:
        return unknown(str(error))


def over_each(term: Over, kinds: Kinds) -> Callable[[Sequence[Row]], list[Any]]:
    """How an aggregate is computed for each of some rows that are together all there are.

    Raises:
        Unknown: only an engine can say.
    """
    by, of = [_typed(one, kinds) for one in term.by], _typed(term.of, kinds)
    if any(one.kind == "double" or is_struct(one.kind) for one in by):
        raise Unknown("which of such values are equal")

    def compute(rows: Sequence[Row]) -> list[Any]:
        groups: dict[tuple[Any, ...], list[Row]] = {}
        keys = [tuple(one.of(row) for one in by) for row in rows]
        for key, row in zip(keys, rows, strict=True):
            groups.setdefault(key, []).append(row)
        found = {key: of.of({ROWS: group}) for key, group in groups.items()}
        return [found[key] for key in keys]

    return compute


def _typed(term: Term, kinds: Kinds) -> Typed:
    if isinstance(term, Name):
        return _column(term.name, kinds)
    if isinstance(term, Literal):
        return _literal(term)
    if isinstance(term, Cast):
        return cast(_typed(term.of, kinds), term.to)
    if isinstance(term, Call):
        return _call(term, kinds)
    if isinstance(term, Struct):
        return struct(term.names, [_typed(one, kinds) for one in term.args])
    if isinstance(term, Field):
        return field_of(_typed(term.of, kinds), term.name)
    raise Unknown(term.text)


def _column(name: str, kinds: Kinds) -> Typed:
    """Spark does not tell capital letters from small ones in names."""
    found = next((one for one in (name, name.lower()) if one in kinds), None)
    if found is None:
        raise Unknown(f"the column {name}")
    kind = kinds[found]
    if kind not in KNOWN and not size_of(kind):
        raise Unknown(f"a column of {kind}")
    return Typed(kind, lambda row: row[found])


def _literal(term: Literal) -> Typed:
    is_known = term.value is None or isinstance(term.value, bool | int | float | str | Decimal | date)
    # PySpark gives all decimals one size, and engines make their own of them.
    kind = size_needed(term.value) if isinstance(term.value, Decimal) else term.kind
    if not is_known or (kind not in KNOWN and not size_of(kind)):
        raise Unknown(term.text)
    return constant(term.value, kind)


def _call(term: Call, kinds: Kinds) -> Typed:
    name = term.name.lower()
    if name in AGGREGATES:
        return aggregated(name, [_typed(one, kinds) for one in term.args])
    if name not in FUNCTIONS:
        raise Unknown(f"the function {term.name}")
    # Of two conditions, one that is known may decide alone.
    args = [typed(one, kinds) if name in LOGIC else _typed(one, kinds) for one in term.args]
    if any(is_struct(one.kind) for one in args) and name not in OF_STRUCTS:
        raise Unknown(f"{term.name} of several values in one")
    if not _takes(name, len(args)):
        raise Unknown(f"{term.name} of {len(args)} values")
    return FUNCTIONS[name](*args)


@cache
def _takes(name: str, count: int) -> bool:
    try:
        signature(FUNCTIONS[name]).bind(*range(count))
    except TypeError:
        return False
    return True
