"""The segmenters: metrics -> labels."""

from segmentation.core.segmenters.base import Segmenter
from segmentation.core.segmenters.category import CategorySegmenter
from segmentation.core.segmenters.frequency import PurchaseFrequencySegmenter
from segmentation.core.segmenters.spending import SpendingSegmenter

DEFAULT_SEGMENTERS: tuple[type[Segmenter], ...] = (PurchaseFrequencySegmenter, SpendingSegmenter, CategorySegmenter)

__all__ = [
    "DEFAULT_SEGMENTERS",
    "CategorySegmenter",
    "PurchaseFrequencySegmenter",
    "Segmenter",
    "SpendingSegmenter",
]
