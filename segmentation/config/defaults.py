"""Longer values of settings: what they are unless told otherwise, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping

from segmentation.schemas import Category

RESERVED_FILENAMES = (
    "automation_status.json",
    "segmentation_runs.log",
    "delta",
    "segmentation_report.html",
    "segmentation_report.md",
)
DEFAULT_ALIASES: Mapping[str, Category] = {
    **dict.fromkeys(("womens", "women", "woman", "ladies"), Category.WOMENS),
    **dict.fromkeys(("mens", "men", "man", "gents"), Category.MENS),
    **dict.fromkeys(("kids", "kid", "children", "child", "boys", "girls"), Category.KIDS),
}
