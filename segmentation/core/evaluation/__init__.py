"""The value of a condition for one row, without an engine, and only where it is certain to be what engines say."""

from segmentation.core.evaluation.compiled import over_each, typed
from segmentation.core.evaluation.values import Row, Typed, Unknown, as_text, value_of

__all__ = ["Row", "Typed", "Unknown", "as_text", "over_each", "typed", "value_of"]
