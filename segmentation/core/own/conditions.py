"""Expressions that are true or false, and what is chosen by them."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F
from sqlglot import exp

from segmentation.core.joined import all_of, any_of
from segmentation.core.own.forms import COMPARED
from segmentation.core.own.kinds import TEXT, TRUTH
from segmentation.core.own.language import Language
from segmentation.core.own.parsing import shown
from segmentation.core.own.typed import Typed, together
from segmentation.errors import ConfigError, among


class Conditions(Language):
    """Comparisons, and what is made of them."""

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

    def joined(self, node: exp.Connector) -> Typed:
        """Conditions, both or either."""
        parts = [self.truth(part) for part in node.flatten(unnest=False)]
        join = all_of if isinstance(node, exp.And) else any_of
        return together(parts, TRUTH, lambda: join([part.build() for part in parts]))

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
        if node.args.get("query"):
            raise ConfigError(f"queries are refused: IN takes a list of values, found {shown(node)}")
        if not node.expressions:
            raise ConfigError(f"IN takes a list of at least one value, found {shown(node)}")
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
