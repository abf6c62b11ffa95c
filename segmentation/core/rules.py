"""A rule is a condition on metrics plus a label; a dimension is an ordered list of rules, first match wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from segmentation.errors import RuleError
from segmentation.schemas import CUSTOMER_ID, UNPRINTABLE

# What is published beside labels and metrics.
TAKEN = (CUSTOMER_ID, "as_of", "run_id", "updated_at")


@dataclass(frozen=True)
class Rule:
    """A customer whose metrics meet `condition` gets `label`, unless an earlier rule matched."""

    label: str
    condition: Column


@dataclass(frozen=True)
class Dimension:
    """An ordered list of rules and the label of those whom none matches; checked when it is built.

    Raises:
        RuleError: an empty label, one with control characters, or the same label twice.
    """

    name: str
    rules: Sequence[Rule]
    fallback: str

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise RuleError(
                f"A dimension's name becomes a column: expected a word such as 'loyalty', found {self.name!r}."
            )
        if self.name.lower() in TAKEN:
            raise RuleError(f"Dimension {self.name}: a column of this name is published already; choose another.")
        if not all(isinstance(label, str) and label.strip() for label in self.labels):
            raise RuleError(f"Dimension {self.name}: every rule and the fallback need a label, found {self.labels}.")
        odd = next((label for label in self.labels if UNPRINTABLE.search(label)), None)
        if odd is not None:
            raise RuleError(f"Dimension {self.name}: a label has a control character, found {odd!r}.")
        twice = sorted({label for label in self.labels if self.labels.count(label) > 1})
        if twice:
            raise RuleError(f"Dimension {self.name}: labels must differ, found {', '.join(twice)} more than once.")

    @property
    def labels(self) -> list[str]:
        """Every label a customer can get, in the order of the rules, the fallback last."""
        return [*(rule.label for rule in self.rules), self.fallback]

    def label(self) -> Column:
        """Metrics -> the label, string, never null: a condition that is null does not match."""
        if not self.rules:
            return F.lit(self.fallback)
        first, *others = self.rules
        chain = F.when(first.condition, first.label)
        for rule in others:
            chain = chain.when(rule.condition, rule.label)
        return chain.otherwise(self.fallback)
