"""The segmenters: metrics -> labels."""

from segmentation.segmenters.base import Segmenter
from segmentation.segmenters.category import CategorySegmenter
from segmentation.segmenters.frequency import PurchaseFrequencySegmenter
from segmentation.segmenters.spending import SpendingSegmenter

DEFAULT_SEGMENTERS: tuple[type[Segmenter], ...] = (PurchaseFrequencySegmenter, SpendingSegmenter, CategorySegmenter)

__all__ = [
    "DEFAULT_SEGMENTERS",
    "CategorySegmenter",
    "PurchaseFrequencySegmenter",
    "Segmenter",
    "SpendingSegmenter",
]
