"""What all segmenters share."""

from __future__ import annotations

from abc import ABC, abstractmethod

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

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
            return Dimension(self.dimension, self.rules(), self.fallback)
        except RuleError:
            raise
        except Exception as error:
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
        if dimension.name in metrics.columns:
            raise RuleError(f"Dimension {dimension.name}: there is a column of this name already; choose another.")
        try:
            labelled = metrics.withColumn(dimension.name, dimension.label())
            # Some engines look at an expression only when its outcome is asked for.
            _ = labelled.schema
        except PySparkException as error:
            reason = str(error).splitlines()[0]
            raise RuleError(
                f"Dimension {dimension.name}: a rule cannot be computed from the metrics {', '.join(metrics.columns)}: "
                f"{reason}"
            ) from error
        return labelled
