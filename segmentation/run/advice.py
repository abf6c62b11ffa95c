"""What was found in rows -> the settings that would read more of them, and what else people should know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from pyspark.sql import DataFrame, Row
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
from segmentation.core.quality import Profile, only_row
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


class Advice:
    """What rows say of the configuration they were read with. What is asked of the engine is asked once.

    Args:
        rows: the settled frame.
        found: what was counted of it.
        config: what it was read with.
    """

    def __init__(self, rows: DataFrame, found: Profile, config: SegmentationConfig) -> None:
        self.rows, self.found, self.config = rows, found, config

    def settings(self) -> Iterator[Setting]:
        """Settings that would read more of the rows."""
        found = self.found
        yield from self._date_formats()
        if found.rejected_by_reason.get(Reason.INVALID_AMOUNT):
            yield from self._separators()
        yield from self._null_values()
        negative = found.rejected_by_reason.get(Reason.NEGATIVE_AMOUNT, 0)
        if negative:
            share = f"{negative:,} of {counted(found.rows_read)} ({negative / found.rows_read:.1%})"
            yield Setting("returns", "net", f"{share} have a negative amount: returns, if a shop writes them so")
        conflicts = found.rejected_by_reason.get(Reason.CONFLICTING_PURCHASE, 0)
        if 2 * found.rows_like_lines > conflicts and self._looks_like_lines and not self._repeats_totals:
            why = f"{counted(found.rows_like_lines)} with the purchase id, the customer and the day of another one"
            yield Setting("grain", "line", f"{why}, as lines of an order have")
        yield from self._aliases()

    def notes(self) -> Iterator[str]:
        """What no setting mends, or nobody but the reader can decide."""
        for row in self._null_words:
            if not row["sure"]:
                yield (
                    f"{row['column']} is {row['word']!r} in {counted(row['rows'])}, as one customer. If it stands "
                    "for nobody, add the word to null_values."
                )
        ids = self.found.warnings_by_reason.get(Warn.SPREADSHEET_ID)
        if ids:
            yield (
                f"{counted(ids)} with an id like 8.69712E+12, which a spreadsheet has rounded: different ids may have "
                "become one. Export them again from where they come from, not through a spreadsheet."
            )
        if self._unknown:
            words = ", ".join(f"{row['word'][:40]!r} {row['rows']:,}" for row in self._unknown[:10])
            yield f"Categories that count as Other (category_aliases can name them): {words}."
        for shape in [shape for shape, proposal in self._dates if proposal is None][:3]:
            yield f"{counted(shape.rows, 'date')} like {shape.example[:40]!r}: {what_of(shape)}."
        yield from self._on_amounts()
        if (self.config.grain == "line" or self._looks_like_lines) and self._repeats_totals:
            yield (
                "Several rows have one purchase id, and the same amount: that of the whole order, it seems. With "
                "grain: line they would be added up, so name the column with the amount of the line (columns)."
            )

    @cached_property
    def _dates(self) -> list[tuple[Shape, Proposal | None]]:
        """Shapes of what is no date, and what would read each; not in the other order than what is configured."""
        if Reason.INVALID_PURCHASE_DATE not in self.found.rejected_by_reason:
            return []
        found = date_shapes(self.rows).orderBy(F.col("rows").desc(), "form").limit(MOST).collect()
        proposals = [(shape, proposed(shape)) for shape in together([Shape(**row.asDict()) for row in found])]
        known = self.config.date_formats
        return [(shape, one if one and one.opposite not in known else None) for shape, one in proposals]

    @cached_property
    def _null_words(self) -> list[Row]:
        """Ids that look like nothing and are no `null_values` yet, the most frequent first."""
        words = words_like_null(self.rows).orderBy(F.col("rows").desc(), "column", "word").limit(MOST * 2).collect()
        return [row for row in words if row["word"] not in self.config.null_values]

    @cached_property
    def _unknown(self) -> list[Row]:
        """Words that are no category, the most frequent first."""
        has_some = Warn.UNKNOWN_CATEGORY in self.found.warnings_by_reason
        return unknown_categories(self.rows).limit(MOST_WORDS).collect() if has_some else []

    @cached_property
    def _repeats_totals(self) -> bool:
        """Have most purchases of several rows one amount in all of them?"""
        found = only_row(orders_with_lines(self.rows))
        return bool(2 * found["alike"] > found["orders"])

    @property
    def _looks_like_lines(self) -> bool:
        return self.found.rows_like_lines * LIKE_LINES > self.found.rows_read

    def _date_formats(self) -> Iterator[Setting]:
        patterns, why = list(self.config.date_formats), []
        for shape, proposal in self._dates:
            added = [pattern for pattern in proposal.patterns if pattern not in patterns] if proposal else []
            if proposal and added:
                patterns += added
                doubt = f" ({proposal.doubt})" if proposal.doubt else ""
                engine = "" if all(map(digits_of, added)) else " (only Spark reads it: every run needs Java then)"
                why.append(f"{counted(shape.rows, 'date')} like {shape.example[:40]!r}{doubt}{engine}")
        if why:
            yield Setting("date_formats", patterns, "; ".join(why))

    def _separators(self) -> Iterator[Setting]:
        pairs = separators_to_try(self.config)
        row = only_row(amounts_by_separators(self.rows, self.config))
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
        for name, value, has in zip(("decimal_separator", "thousands_separator"), pairs[best], pairs[0], strict=True):
            if value is not None and value != has:
                yield Setting(name, value, why)

    def _null_values(self) -> Iterator[Setting]:
        new = [row for row in self._null_words if row["sure"]]
        if new:
            why = ", ".join(f"{row['column']} is {row['word']!r} in {counted(row['rows'])}" for row in new[:5])
            words = dict.fromkeys(row["word"] for row in new)
            yield Setting("null_values", [*self.config.null_values, *words], why)

    def _aliases(self) -> Iterator[Setting]:
        """Words that hold the name of just one category: "Women > Shoes"."""
        new, aliases = {}, self.config.aliases
        for row in self._unknown:
            spelling = re.sub(f"[{APOSTROPHES}]", "", row["word"].lower())
            named = {aliases[part] for part in re.split(r"[\W\d_]+", spelling) if part in aliases}
            if len(named) == 1 and spelling not in aliases and named <= set(Category):
                new[spelling] = named.pop()
        if new:
            why = ", ".join(f"{word!r} is {category}" for word, category in list(new.items())[:5])
            yield Setting("category_aliases", {**self.config.category_aliases, **new}, f"by a word in them: {why}")

    def _on_amounts(self) -> Iterator[str]:
        if self.found.rejected_by_reason.get(Reason.INVALID_AMOUNT):
            for row in odd_amounts(self.rows).orderBy(F.col("rows").desc(), "form").limit(3).collect():
                yield (
                    f"{counted(row['rows'], 'amount')} like {row['example'][:40]!r}, which no setting reads: an amount "
                    "is a number with a sign before it at most, no currency, no brackets. Export or convert it so."
                )
        missing = self.found.rejected_by_reason.get(Reason.MISSING_AMOUNT, 0)
        if missing * LIKE_LINES > self.found.rows_read:
            yield (
                f"{counted(missing)} without an amount. Where only the first line of an order shows its total, name a "
                "column with the amount of each line (docs/line-items-and-returns.md)."
            )
        seen = only_row(three_decimals(self.rows, self.config))
        if 2 * seen["three"] > seen["amounts"]:
            mark = self.config.decimal_separator
            yield (
                f"{counted(seen['three'], 'amount')} have three digits behind the {mark!r}. If 1{mark}200 means twelve "
                f"hundred here, set thousands_separator: {mark!r} and decimal_separator to the other mark."
            )
