"""What all segmenters share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, NullType

from segmentation.config import SegmentationConfig, load_config
from segmentation.core.rules import Dimension, Rule
from segmentation.errors import RuleError


class Segmenter(ABC):
    """One dimension of the segmentation.

    A subclass names its dimension and gives its rules; to put one in front, override `rules`::

        class WithVip(PurchaseFrequencySegmenter):
            def rules(self):
                return [Rule("VIP", F.col("total_purchases") >= 10), *super().rules()]
    """

    dimension: str

    def __init_subclass__(cls, **options: Any) -> None:
        """Other rules have other labels, which their class need not tell."""
        super().__init_subclass__(**options)
        if "rules" in vars(cls) and "rule_labels" not in vars(cls):
            cls.rule_labels = Segmenter.rule_labels  # type: ignore[method-assign]

    def __init__(self, config: SegmentationConfig | None = None) -> None:
        self.config = load_config(config)

    @abstractmethod
    def rules(self) -> list[Rule]:
        """The rules in order; conditions may use every column of `metrics.customer_metrics`."""

    @property
    @abstractmethod
    def fallback(self) -> str:
        """The label of a customer whom no rule matches."""

    @property
    def rule_labels(self) -> tuple[str, ...] | None:
        """The labels of the rules in their order, where they are known before an engine is; else None."""
        return None

    def threshold(self, name: str) -> Column:
        """A threshold of the configuration; where it differs by market, that of the customer's."""
        of_all = F.lit(getattr(self.config, name))
        by_market = self.config.per.of(name)
        if not by_market:
            return of_all
        market, first, *others = F.col(str(self.config.per.column)), *by_market.items()
        chain = F.when(market == first[0], F.lit(first[1]))
        for name_of_market, value in others:
            chain = chain.when(market == name_of_market, F.lit(value))
        return chain.otherwise(of_all)

    def build(self) -> Dimension:
        """The dimension, checked.

        Raises:
            RuleError: the rules are ill-formed, or making them fails.
        """
        try:
            return Dimension(self.dimension, tuple(self.rules()), self.fallback)
        except RuleError:
            raise
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            raise RuleError(f"Dimension {self.dimension}: its rules cannot be made: {reason}.") from error

    def segment_customers(self, metrics: DataFrame) -> DataFrame:
        """Add the label of every customer.

        Args:
            metrics: one row per customer, the columns of `metrics.customer_metrics`.

        Returns:
            The same rows and columns, and one more, named like the dimension: string, never null.

        Raises:
            RuleError: a rule uses a metric that does not exist, or the rules are ill-formed.
        """
        dimension = self.build()
        if dimension.name.lower() in map(str.lower, metrics.columns):
            raise RuleError(f"Dimension {dimension.name}: there is a column of this name already; choose another.")
        with _named(dimension.name, metrics):
            labelled = metrics.withColumn(dimension.name, dimension.label())
            # Some engines look at an expression only when its outcome is asked for.
            _ = labelled.schema
        return labelled

    def try_rules(self, metrics: DataFrame) -> None:
        """See that conditions can be computed of each customer alone, and are true or false.

        Args:
            metrics: without rows.

        Raises:
            RuleError: one is not.
        """
        rules = self.build().rules
        if not rules:
            return
        with _named(self.dimension, metrics):
            tried = metrics.withColumns({f"rule_{number}_": rule.condition for number, rule in enumerate(rules)})
            types = {field.name: field.dataType for field in tried.schema.fields}
            tried.collect()
        for number, rule in enumerate(rules):
            found = types[f"rule_{number}_"]
            if not isinstance(found, BooleanType | NullType):
                raise RuleError(
                    f"Dimension {self.dimension}: the condition of {rule.label!r} is {found.simpleString()}: expected "
                    "one that is true or false."
                )


@contextmanager
def _named(dimension: str, metrics: DataFrame) -> Iterator[None]:
    try:
        yield
    except PySparkException as error:
        reason = str(error).splitlines()[0]
        raise RuleError(
            f"Dimension {dimension}: a rule cannot be computed from the metrics {', '.join(metrics.columns)}: {reason}"
        ) from error
