"""The spellings of categories."""

from __future__ import annotations

from collections.abc import Mapping

from segmentation.schemas import APOSTROPHES, EDGES, Category

DEFAULT_ALIASES: Mapping[str, Category] = {
    **dict.fromkeys(("womens", "women", "woman", "ladies"), Category.WOMENS),
    **dict.fromkeys(("mens", "men", "man", "gents"), Category.MENS),
    **dict.fromkeys(("kids", "kid", "children", "child", "boys", "girls"), Category.KIDS),
}


def by_spelling(aliases: Mapping[str, str]) -> dict[str, str]:
    """Category by normalised spelling; the canonical names always stand for themselves."""
    drop = str.maketrans("", "", APOSTROPHES)
    given = {spelling.strip(EDGES).lower().translate(drop): str(to) for spelling, to in aliases.items()}
    return {**given, **{category.lower(): str(category) for category in Category}}
