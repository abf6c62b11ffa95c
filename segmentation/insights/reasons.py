"""Why a customer has its labels: what each rule asks for, and what the customer has to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from pyspark.sql.types import StructType

from segmentation.config import SegmentationConfig
from segmentation.core.conditions import Comparison, comparisons, in_words, joined_by
from segmentation.core.evaluation import Row, Unknown, as_text
from segmentation.core.metrics import LOYAL_WINDOW
from segmentation.core.terms import Term
from segmentation.insights.ruled import Ruled, RuledDimension
from segmentation.insights.solving import Ask, solved
from segmentation.schemas import CUSTOMER_ID

# Of which dimension, and its label.
Rule = tuple[str, str]
TOTAL = "all purchases"
WORDS: Mapping[str, str] = {
    "total_purchases": TOTAL,
    "purchases_last_6_months": "purchases in the last 6 months",
    "purchases_last_90_days": "purchases in the last 90 days",
    "days_since_last_purchase": "days since the last purchase",
    "festive_purchases": "purchases on festive days",
    "womens_purchases": "Womens purchases",
    "mens_purchases": "Mens purchases",
    "kids_purchases": "Kids purchases",
    "average_days_between_purchases": "days between purchases on average",
}


def words(config: SegmentationConfig) -> dict[str, str]:
    """What people call the metrics."""
    months = config.loyal_window_months
    window = "the last month" if months == 1 else f"the last {months} months"
    return {**WORDS, LOYAL_WINDOW: f"purchases in {window}"}


def reasons(ruled: Ruled, row: Mapping[str, Any], ask: Ask | None = None) -> list[dict[str, Any]]:
    """Why a customer has its labels, computed by the rules themselves.

    Args:
        ruled: the rules.
        row: the customer, as published.
        ask: who is asked for what only an engine can say; None for nobody. Then its values are null, and the rule that
            decides is the one whose label was published.

    Returns:
        Per dimension ``dimension``, ``label``, and ``rules`` in their order, each with ``label``, ``holds`` (null: not
        known), ``decides``, ``condition`` in words, ``joined_by`` (``and``, ``or``, null), and ``comparisons``:
        ``words``, ``metric`` (null where another value than a metric is compared), ``operator``, ``value``,
        ``threshold``, ``missing`` (how far the value is from the threshold, null where it holds or is no number),
        ``holds``; and ``unknown``, what is not known of the rule, null where all is.
    """
    known = words(ruled.config)
    conditions = {(one.name, label): condition for one in ruled.dimensions for label, condition in one.rules}
    compared = {rule: comparisons(condition, known) for rule, condition in conditions.items()}
    values = _Values(ruled.schema, conditions, compared, metrics_of(ruled, row), ask)
    return [_of_dimension(one, row.get(one.name), compared, values, known) for one in ruled.dimensions]


def metrics_of(ruled: Ruled, row: Row) -> dict[str, Any]:
    """What rules look at, of a customer as published."""
    metrics = {name: row.get(name) for name in ruled.schema.names}
    # Where it is the same as another window, it is published once.
    if metrics[LOYAL_WINDOW] is None:
        metrics[LOYAL_WINDOW] = row["purchases_last_6_months"]
    return metrics


def decided(holds: Sequence[Any], labels: Sequence[str], published: str | None) -> int | None:
    """The first rule that holds, None for none of them.

    Args:
        holds: true, false, null or `Unknown` per rule; where an unknown one comes first, the published label tells.
        labels: of the rules.
        published: the label.
    """
    first = first_open(holds)
    if first is None or holds[first] is True:
        return first
    return labels.index(published) if published in labels else None


def first_open(holds: Sequence[Any]) -> int | None:
    """The first rule that holds or may hold, None where none does."""
    return next((at for at, one in enumerate(holds) if one is True or isinstance(one, Unknown)), None)


def longest_silence(why: Sequence[Mapping[str, Any]]) -> int:
    """The most days since the last purchase that a rule of `reasons` asks for."""
    asked = [
        compared["threshold"]
        for one in why
        for rule in one["rules"]
        for compared in rule["comparisons"]
        if compared["metric"] == "days_since_last_purchase" and compared["threshold"]
    ]
    return max((int(Decimal(one)) for one in asked), default=0)


class _Values:
    """All conditions, all comparisons and their two sides, for one customer; a condition that is null does not hold."""

    def __init__(
        self,
        schema: StructType,
        conditions: Mapping[Rule, Term],
        compared: Mapping[Rule, Sequence[Comparison]],
        row: Row,
        ask: Ask | None,
    ) -> None:
        terms = {f"{rule}": condition for rule, condition in conditions.items()}
        for rule, several in compared.items():
            for at, one in enumerate(several):
                sides = {"holds": one.holds, "left": one.left, "right": one.right}
                terms |= {f"{rule} {at} {side}": term for side, term in sides.items()}
        (self._found,) = solved(terms, [row], schema, ask)

    def of(self, rule: Rule) -> Any:
        return _or_false(self._found[f"{rule}"])

    def holds(self, rule: Rule, at: int) -> bool | None:
        value = _or_false(self._found[f"{rule} {at} holds"])
        return None if isinstance(value, Unknown) else bool(value)

    def side(self, rule: Rule, at: int, side: str) -> str | None:
        value = self._found[f"{rule} {at} {side}"]
        return None if isinstance(value, Unknown) else as_text(value)

    def unknown(self, rule: Rule) -> str | None:
        """The first thing that is not known."""
        found = (value for name, value in self._found.items() if name.startswith(f"{rule}"))
        return next((str(value) for value in found if isinstance(value, Unknown)), None)


def _or_false(value: Any) -> Any:
    return False if value is None else value


def _of_dimension(
    dimension: RuledDimension,
    published: str | None,
    compared: Mapping[Rule, Sequence[Comparison]],
    values: _Values,
    known: Mapping[str, str],
) -> dict[str, Any]:
    keys = [(dimension.name, label) for label, _ in dimension.rules]
    holds = [values.of(key) for key in keys]
    decides = decided(holds, [label for _, label in keys], published)
    # Had one before it held, that one would have decided.
    said = [_told(one, at, decides) for at, one in enumerate(holds)]
    rules = [
        {
            "label": label,
            "holds": said[at],
            "decides": at == decides,
            "condition": in_words(condition, known),
            "joined_by": joined_by(condition),
            "comparisons": [_shown(one, keys[at], number, values) for number, one in enumerate(compared[keys[at]])],
            "unknown": values.unknown(keys[at]),
        }
        for at, (label, condition) in enumerate(dimension.rules)
    ]
    label = dimension.fallback if decides is None else keys[decides][1]
    return {"dimension": dimension.name, "label": label, "rules": rules}


def _told(holds: Any, at: int, decides: int | None) -> bool | None:
    if not isinstance(holds, Unknown):
        return bool(holds)
    return at == decides if decides is None or at <= decides else None


def _shown(one: Comparison, rule: Rule, at: int, values: _Values) -> dict[str, Any]:
    left, right, holds = values.side(rule, at, "left"), values.side(rule, at, "right"), values.holds(rule, at)
    return {
        "words": one.words,
        "metric": one.metric,
        "operator": one.operator,
        "value": _plain(left) if one.metric != CUSTOMER_ID else left,
        "threshold": _plain(right) if one.metric != CUSTOMER_ID else right,
        "missing": None if holds else _distance(left, right),
        "holds": holds,
    }


def _distance(left: str | None, right: str | None) -> str | None:
    try:
        return _plain(str(abs(Decimal(str(right)) - Decimal(str(left)))))
    except InvalidOperation:
        return None


def _plain(text: str | None) -> str | None:
    """A number without zeros at its end."""
    try:
        return None if text is None else f"{Decimal(text).normalize():f}"
    except InvalidOperation:
        return text
