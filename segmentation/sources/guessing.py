"""What would read a CSV file that cannot be read as it is configured: told by its first bytes and lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from segmentation.encodings import BYTE_ORDER_MARKS, LINE_END, UNDECODABLE, UTF_8, decoder_of
from segmentation.schemas import PURCHASE_COLUMNS
from segmentation.sources.column_names import places_of
from segmentation.sources.header import OTHER_DELIMITERS, SEARCHED, candidates, cells_of
from segmentation.sources.kinds import is_two_bytes_a_character
from segmentation.sources.layout import Form, above_of, is_empty

# What programs write that do not write Unicode, in Western Europe, the Americas and, for English, everywhere.
USUAL_OTHER = "windows-1252"
# A header with fewer of the five columns is none.
FEWEST = 2


class Setting(NamedTuple):
    """A setting, its value, and why this one."""

    name: str
    value: Any
    why: str


def guessed_encoding(data: bytes, told: str) -> Setting | None:
    """The encoding of bytes that `told` does not read; None where it does, or nothing better is known."""
    if data.startswith(tuple(BYTE_ORDER_MARKS)):
        return None
    if is_two_bytes_a_character(data):
        # Which of the two bytes of a Latin letter is zero.
        name = "utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be"
        return None if name == told else Setting("encoding", name, "two bytes a character, and no mark that says so")
    text = decoder_of(told).decode(data)
    if UNDECODABLE not in text or (told == UTF_8 and _is_mostly_whole(text)):
        return None
    decoded = ((name, decoder_of(name).decode(data)) for name in (UTF_8, USUAL_OTHER))
    better, text = next(((name, text) for name, text in decoded if UNDECODABLE not in text), (None, ""))
    if better is None:
        return None
    read = re.search(r"\w*[^\W\x00-\x7f]\w*", text)
    word = f"; with this one it reads {read[0][:40]!r}" if read else ""
    doubt = "" if better == UTF_8 else "; if that is not right, try another, such as iso-8859-15"
    return Setting("encoding", better, f"it has bytes that are no {told}{word}{doubt}")


def _is_mostly_whole(text: str) -> bool:
    """Are more letters beyond ASCII whole than broken? Then some rows are damaged, and the file is what it is."""
    broken = text.count(UNDECODABLE)
    return sum(mark > "\x7f" for mark in text) - broken > broken


def guessed_layout(text: str, form: Form) -> list[Setting]:
    """The settings that find a header in the first lines of a text.

    Args:
        text: decoded.
        form: as configured; what is right in it is not repeated.
    """
    lines = LINE_END.split(text)[:SEARCHED]
    start, told = above_of(lines)
    # What tells the delimiter is no line to skip.
    lines, form = lines[start:], form._replace(delimiter=told or form.delimiter)
    delimiters = dict.fromkeys([form.delimiter, *OTHER_DELIMITERS])
    tried = [
        (len(places), -at, mark == form.delimiter, mark, cells, places)
        for mark in delimiters
        for at, line in enumerate(lines)
        if not is_empty(line, mark)
        for cells in [cells_of(line, mark)]
        for places in [places_of(cells, form.columns)]
    ]
    best = max(tried, default=None, key=lambda one: one[:3])
    if best is None or best[0] < FEWEST:
        return list(_without_names(lines, form))
    _, above, _, delimiter, cells, places = best
    return list(_settings(form, -above, delimiter, cells, places))


def _without_names(lines: Sequence[str], form: Form) -> Iterator[Setting]:
    """By the number of fields alone: of the delimiters, the one that most lines have equally often, at least twice; the
    header is the first such line without an empty cell.
    """
    best: tuple[int, int, str, int] | None = None
    for mark in dict.fromkeys([form.delimiter, *OTHER_DELIMITERS]):
        rows = [cells_of(line, mark) for line in lines]
        widths = Counter(len(cells) for cells in rows if len(cells) > FEWEST)
        width, times = max(widths.items(), key=lambda one: (one[1], one[0]), default=(0, 0))
        full = [at for at, cells in enumerate(rows) if len(cells) == width and all(cell.strip() for cell in cells)]
        if full and (best is None or (times, width) > best[:2]):
            best = times, width, mark, full[0]
    if best:
        _, width, mark, above = best
        if mark != form.delimiter:
            yield Setting("delimiter", mark, f"most lines have {width} fields with it")
        if above > form.skip_lines:
            yield Setting("skip_lines", above, f"line {above + 1} is the first with {width} fields")


def _settings(
    form: Form, above: int, delimiter: str, cells: Sequence[str], places: Mapping[str, int]
) -> Iterator[Setting]:
    if delimiter != form.delimiter:
        yield Setting("delimiter", delimiter, "it separates the fields of the header")
    if above > form.skip_lines:
        yield Setting("skip_lines", above, f"the header is on line {above + 1}")
    mapped = {
        column: _entry(at, cells)
        for column, at in sorted(places.items(), key=lambda one: PURCHASE_COLUMNS.index(one[0]))
        if len(candidates(column, cells, form.columns)) != 1
    }
    if mapped:
        several = [column for column in mapped if len(candidates(column, cells, form.columns)) > 1]
        doubt = f"; {', '.join(several)}: the first of several" if several else ""
        yield Setting(
            "columns", {**form.columns, **mapped}, f"by the names in the header{doubt}; see that they are right"
        )


def _entry(at: int, cells: Sequence[str]) -> str | int:
    """A name, or the number where another column has the same name."""
    names = [cell.strip().lower() for cell in cells]
    # In a configuration, ${NAME} would be a variable.
    is_unclear = names.count(names[at]) > 1 or not names[at] or "${" in names[at]
    return at + 1 if is_unclear else cells[at].strip()
