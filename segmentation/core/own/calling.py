"""Expressions about one row that call functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pyspark.sql import Column
from pyspark.sql import functions as F
from sqlglot import exp

from segmentation.core.own import functions
from segmentation.core.own.conditions import Conditions
from segmentation.core.own.functions import AGGREGATES, SCALARS, Function
from segmentation.core.own.kinds import DAY, MOST_DECIMALS, RATIO, TEXT, WHOLE, Kind, Sort, kind_named
from segmentation.core.own.parsing import shown
from segmentation.core.own.typed import Typed, as_day, together
from segmentation.errors import ConfigError, among

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
        if name in CHOOSING or name in ("nullif", "concat", "round"):
            functions.see_number(name, len(nodes))
        if name in CHOOSING:
            parts = self.as_one(nodes, name)
            made = together(parts, parts[0].kind, lambda: CHOOSING[name](*[part.build() for part in parts]))
        elif name == "nullif":
            parts = one, other = self.alike(nodes, name)
            made = together(parts, one.kind, lambda: F.when(~one.build().eqNullSafe(other.build()), one.build()))
        elif name == "concat":
            parts = [self.typed(node) for node in nodes]
            if any(part.kind != TEXT for part in parts):
                raise ConfigError("concat and || take texts; write cast(... as string) around other values")
            made = together(parts, TEXT, lambda: F.concat(*[part.build() for part in parts]))
        elif name == "round":
            made = self._rounded(*nodes)
        else:
            made = self._scalar(name, nodes)
        return marked(name, made)

    def _rounded(self, node: exp.Expr, to: exp.Expr | None = None) -> Typed:
        """Half away from zero."""
        part, places = self.typed(node), self.typed(to).value if to else 0
        if part.kind.sort not in functions.ADDABLE or not isinstance(places, int) or not 0 <= places <= MOST_DECIMALS:
            raise ConfigError(
                f"round takes a whole or decimal number and how many decimals to keep, 0 to {MOST_DECIMALS}, found "
                f"{part.kind.sort}{f' and {shown(to)}' if to else ''}; a quotient is compared as it is"
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


def marked(name: str, part: Typed) -> Typed:
    """With the function among those that are in it."""
    return replace(part, functions=part.functions | {name})
