"""Customer segmentation on Spark.

A metric is an aggregate over one customer's purchases; a rule is a condition on metrics plus a label; a dimension is
an ordered list of rules, first match wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segmentation.version import VERSION

if TYPE_CHECKING:
    from segmentation.api import run_segmentation
    from segmentation.core.metric import Metric
    from segmentation.core.rules import Rule
    from segmentation.core.segmenters import CategorySegmenter, PurchaseFrequencySegmenter, Segmenter, SpendingSegmenter
    from segmentation.pipeline import CustomerSegmentationPipeline
    from segmentation.sources.base import Source

__version__ = VERSION
__all__ = [
    "CategorySegmenter",
    "CustomerSegmentationPipeline",
    "Metric",
    "PurchaseFrequencySegmenter",
    "Rule",
    "Segmenter",
    "Source",
    "SpendingSegmenter",
    "run_segmentation",
]

_HOME = {
    "run_segmentation": "segmentation.api",
    "CustomerSegmentationPipeline": "segmentation.pipeline",
    "Metric": "segmentation.core.metric",
    "Rule": "segmentation.core.rules",
    "Source": "segmentation.sources.base",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that the command line answers before Spark's Python package is loaded."""
    if name not in __all__:
        raise AttributeError(f"module 'segmentation' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME.get(name, "segmentation.core.segmenters")), name)
