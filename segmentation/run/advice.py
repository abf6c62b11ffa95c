"""What was found in rows -> the settings that would read more of them, and what else people should know."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation.config import SegmentationConfig
from segmentation.core.date_formats import digits_of
from segmentation.core.date_shapes import Proposal, Shape, proposed, together, what_of
from segmentation.core.hints import (
    amounts_by_separators,
    date_shapes,
    odd_amounts,
    orders_with_lines,
    separators_to_try,
    three_decimals,
    unknown_categories,
    words_like_null,
)
from segmentation.core.quality import Profile
from segmentation.schemas import APOSTROPHES, Category, Reason, Warn
from segmentation.sources.guessing import Setting

# So many shapes and words, the most frequent ones, come to the driver.
MOST = 50
MOST_WORDS = 1000
# Of the rows, those that conflict as lines of an order do: a few may be corrections.
LIKE_LINES = 20


def counted(number: int, what: str = "row") -> str:
    """``1 row``, ``2 rows``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def settings_for(rows: DataFrame, found: Profile, config: SegmentationConfig) -> Iterator[Setting]:
    """Settings that would read more of the rows.

    Args:
        rows: the settled frame.
        found: what was counted of it.
        config: what it was read with.
    """
    if found.rejected_by_reason.get(Reason.INVALID_PURCHASE_DATE):
        yield from _dates(rows, config)
    if found.rejected_by_reason.get(Reason.INVALID_AMOUNT):
        yield from _separators(rows, config)
    yield from _null_words(rows, config)
    negative = found.rejected_by_reason.get(Reason.NEGATIVE_AMOUNT, 0)
    if negative:
        share = f"{negative:,} of {counted(found.rows_read)} ({negative / found.rows_read:.1%}) have a negative amount"
        yield Setting("returns", "net", f"{share}: returns, if a shop writes them so")
    conflicts = found.rejected_by_reason.get(Reason.CONFLICTING_PURCHASE, 0)
    if 2 * found.rows_like_lines > conflicts and _looks_like_lines(found) and not _repeats_totals(rows):
        why = f"{counted(found.rows_like_lines)} with the purchase id, the customer and the day of another one"
        yield Setting("grain", "line", f"{why}, as lines of an order have")
    if found.warnings_by_reason.get(Warn.UNKNOWN_CATEGORY):
        yield from _aliases(rows, config)


def notes_on(rows: DataFrame, found: Profile, config: SegmentationConfig) -> Iterator[str]:
    """What no setting mends, or nobody but the reader can decide."""
    for row in words_like_null(rows).where(~F.col("sure")).limit(MOST).collect():
        if row["word"] not in config.null_values:
            yield (
                f"{row['column']} is {row['word']!r} in {counted(row['rows'])}, as one customer. If it stands "
                "for nobody, add the word to null_values."
            )
    ids = found.warnings_by_reason.get(Warn.SPREADSHEET_ID)
    if ids:
        yield (
            f"{counted(ids)} with an id like 8.69712E+12, which a spreadsheet has rounded: different ids may have "
            "become one. Export them again from where they come from, not through a spreadsheet."
        )
    unknown = unknown_categories(rows).limit(10).collect() if Warn.UNKNOWN_CATEGORY in found.warnings_by_reason else []
    if unknown:
        words = ", ".join(f"{row['word'][:40]!r} {row['rows']:,}" for row in unknown)
        yield f"Categories that count as Other (category_aliases can name them): {words}."
    if found.rejected_by_reason.get(Reason.INVALID_PURCHASE_DATE):
        for shape in [shape for shape, proposal in _dates_of(rows, config) if proposal is None][:3]:
            yield f"{counted(shape.rows, 'date')} like {shape.example[:40]!r}: {what_of(shape)}."
    yield from _on_amounts(rows, found, config)
    if (config.grain == "line" or _looks_like_lines(found)) and _repeats_totals(rows):
        yield (
            "Several rows have one purchase id, and the same amount: that of the whole order, it seems. With "
            "grain: line they would be added up, so name the column with the amount of the line (columns)."
        )


def _on_amounts(rows: DataFrame, found: Profile, config: SegmentationConfig) -> Iterator[str]:
    if found.rejected_by_reason.get(Reason.INVALID_AMOUNT):
        for row in odd_amounts(rows).orderBy(F.col("rows").desc(), "form").limit(3).collect():
            yield (
                f"{counted(row['rows'], 'amount')} like {row['example'][:40]!r}, which no setting reads: an amount is "
                "a number with a sign before it at most, no currency, no brackets. Export or convert it so."
            )
    missing = found.rejected_by_reason.get(Reason.MISSING_AMOUNT, 0)
    if missing * LIKE_LINES > found.rows_read:
        yield (
            f"{counted(missing)} without an amount. Where only the first line of an order shows its total, name a "
            "column with the amount of each line (docs/line-items-and-returns.md)."
        )
    seen = three_decimals(rows, config).first()
    assert seen is not None  # an aggregate without groups has one row
    if 2 * seen["three"] > seen["amounts"]:
        mark = config.decimal_separator
        yield (
            f"{counted(seen['three'], 'amount')} have three digits behind the {mark!r}. If 1{mark}200 means twelve "
            f"hundred here, set thousands_separator: {mark!r} and decimal_separator to the other mark."
        )


def _looks_like_lines(found: Profile) -> bool:
    return found.rows_like_lines * LIKE_LINES > found.rows_read


def _repeats_totals(rows: DataFrame) -> bool:
    found = orders_with_lines(rows).first()
    assert found is not None  # an aggregate without groups has one row
    return bool(2 * found["alike"] > found["orders"])


def _dates_of(rows: DataFrame, config: SegmentationConfig) -> list[tuple[Shape, Proposal | None]]:
    """Shapes of what is no date, and what would read each; not in the other order than what is configured."""
    found = date_shapes(rows).orderBy(F.col("rows").desc(), "form").limit(MOST).collect()
    shapes = together([Shape(**row.asDict()) for row in found])
    proposals = [(shape, proposed(shape)) for shape in shapes]
    return [(shape, one if one and one.opposite not in config.date_formats else None) for shape, one in proposals]


def _dates(rows: DataFrame, config: SegmentationConfig) -> Iterator[Setting]:
    patterns, why = list(config.date_formats), []
    for shape, proposal in _dates_of(rows, config):
        added = [pattern for pattern in proposal.patterns if pattern not in patterns] if proposal else []
        if proposal and added:
            patterns += added
            doubt = f" ({proposal.doubt})" if proposal.doubt else ""
            engine = "" if all(map(digits_of, added)) else " (only Spark reads it: every run needs Java then)"
            why.append(f"{counted(shape.rows, 'date')} like {shape.example[:40]!r}{doubt}{engine}")
    if why:
        yield Setting("date_formats", patterns, "; ".join(why))


def _separators(rows: DataFrame, config: SegmentationConfig) -> Iterator[Setting]:
    pairs, row = separators_to_try(config), amounts_by_separators(rows, config).first()
    assert row is not None  # an aggregate without groups has one row
    # What reads more, and changes less of what is read already than that.
    better = [at for at in range(1, len(pairs)) if row[str(at)] - row["0"] > row[f"changed_{at}"]]
    if not better:
        return
    best = max(better, key=lambda at: (row[str(at)] - row[f"changed_{at}"], -at))
    why = f"{row[str(best)]:,} amounts can be read with it, {row['0']:,} without"
    if row[f"changed_{best}"]:
        why += f"; {row[f'changed_{best}']:,} that are read now would be other numbers, see that they should"
    if row[f"three_{best}"]:
        why += f"; {row[f'three_{best}']:,} have three digits behind it, see that these are no thousands"
    now = config.decimal_separator, config.thousands_separator
    for name, value, has in zip(("decimal_separator", "thousands_separator"), pairs[best], now, strict=True):
        if value is not None and value != has:
            yield Setting(name, value, why)


def _null_words(rows: DataFrame, config: SegmentationConfig) -> Iterator[Setting]:
    found = words_like_null(rows).where("sure").orderBy(F.col("rows").desc(), "column", "word").limit(MOST).collect()
    new = [row for row in found if row["word"] not in config.null_values]
    if new:
        why = ", ".join(f"{row['column']} is {row['word']!r} in {counted(row['rows'])}" for row in new[:5])
        words = dict.fromkeys(row["word"] for row in new)
        yield Setting("null_values", [*config.null_values, *words], why)


def _aliases(rows: DataFrame, config: SegmentationConfig) -> Iterator[Setting]:
    """Words that hold the name of just one category: "Women > Shoes"."""
    new = {}
    for row in unknown_categories(rows).limit(MOST_WORDS).collect():
        spelling = re.sub(f"[{APOSTROPHES}]", "", row["word"].lower())
        named = {config.aliases[part] for part in re.split(r"[\W\d_]+", spelling) if part in config.aliases}
        if len(named) == 1 and spelling not in config.aliases and named <= set(Category):
            new[spelling] = named.pop()
    if new:
        why = ", ".join(f"{word!r} is {category}" for word, category in list(new.items())[:5])
        yield Setting("category_aliases", {**config.category_aliases, **new}, f"by a word in them: {why}")
