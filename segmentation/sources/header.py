"""The header of a CSV file: which of its columns are those of a purchase."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence

from segmentation.errors import MissingColumnsError, SourceError
from segmentation.schemas import LINE_ID, PURCHASE_COLUMNS

DOCUMENT_COLUMNS: Mapping[str, str] = dict(
    zip(PURCHASE_COLUMNS, ("Customer_ID", "Order_ID", "Date", "Total_Amount_LKR", "Product_Category"), strict=True)
)
# Purchase column -> the file's name for it, or its number, counted from 1.
Columns = Mapping[str, str | int]
# Lines among which the header is looked for where it is not the first one.
SEARCHED = 50
OTHER_DELIMITERS = ";\t|,"
LIKE_DATA = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]+[.,][0-9]+")
FORMULA = re.compile(r'="(.*)"', re.DOTALL)


def positions_of(
    names: Sequence[str],
    columns: Columns,
    lines: Sequence[str],
    delimiter: str,
    where: str,
    needed: Sequence[str] = PURCHASE_COLUMNS,
) -> tuple[int, ...]:
    """Where each of the columns that are `wanted` is among the cells of a header, counted from 0.

    Args:
        names: the cells.
        columns: what the configuration says of them.
        lines: of the file, for hints.
        delimiter: of the file.
        where: the file, for messages.
        needed: what must be there, whatever the configuration says.

    Raises:
        MissingColumnsError: one is missing.
        SourceError: two cells could be the same one.
    """
    found = {column: candidates(column, names, columns) for column in wanted(columns, needed)}
    missing = [column for column, places in found.items() if not places]
    if missing:
        raise MissingColumnsError(
            f"{where} lacks {named(missing, columns)}; it has {_shown(names)}. "
            + _hint(names, missing, columns, lines, delimiter, needed)
        )
    ambiguous = next((column for column, places in found.items() if len(places) > 1), None)
    if ambiguous:
        raise SourceError(which(ambiguous, found[ambiguous], names, where, needed))
    return tuple(places[0] for places in found.values())


def wanted(columns: Columns, needed: Sequence[str] = PURCHASE_COLUMNS) -> tuple[str, ...]:
    """The columns to look for: those of every purchase; if mapped, `LINE_ID`; those that only a configuration knows."""
    extra = [column for column in columns if column not in (*needed, LINE_ID)]
    return (*needed, *([LINE_ID] if LINE_ID in columns else []), *extra)


def candidates(column: str, names: Sequence[str], columns: Columns) -> list[int]:
    """Where the cells are that could be a purchase column; what the configuration maps goes before usual names."""
    mapped = columns.get(column)
    if isinstance(mapped, int):
        return [mapped - 1] if mapped <= len(names) else []
    plain = [_plain(name) for name in names]
    usual = {_plain(DOCUMENT_COLUMNS.get(column, column)), column}
    exact = [at for at, name in enumerate(names) if name == mapped]
    close = [at for at, name in enumerate(plain) if mapped is not None and name == _plain(mapped)]
    return exact or close or [at for at, name in enumerate(plain) if name in usual]


def _plain(name: str) -> str:
    formula = FORMULA.fullmatch(name.strip())
    return (formula[1] if formula else name).strip().lower()


def named(missing: Sequence[str], columns: Columns) -> str:
    """What is missing, by the names that are looked for."""
    return ", ".join(str(columns.get(column, DOCUMENT_COLUMNS.get(column, column))) for column in missing)


def _shown(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:40]) for name in names[:30])


def which(
    column: str, found: Sequence[int], names: Sequence[str], where: str, needed: Sequence[str] = PURCHASE_COLUMNS
) -> str:
    """What to do where several cells could be a column: names may be the same, so numbers are offered."""
    cells = " and ".join(f"{names[at]!r} (column {at + 1})" for at in found)
    alike = len({names[at].strip() for at in found}) < len(found)
    entry = str(found[0] + 1) if alike else repr(names[found[0]].strip())
    return (
        f"{where} is ambiguous: {cells} could each be {column}. Say which in the configuration, for example: "
        f"{setting([column], entry, needed)}"
    )


def setting(columns: Sequence[str], entry: str, needed: Sequence[str] = PURCHASE_COLUMNS) -> str:
    """The settings by which columns are found under other names; where rows are no purchases, those of the input."""
    names = (*needed, LINE_ID)
    known = ", ".join(f"{column}: {entry}" for column in columns if column in names)
    extra = ", ".join(f"{column}: {{from: {entry}}}" for column in columns if column not in names)
    if needed != PURCHASE_COLUMNS:
        return ", and ".join([*([known] if known else []), *([f"columns: {{{extra}}}"] if extra else [])])
    told = [f"columns: {{{known}}}"] if known else []
    return ", and ".join([*told, *([f"input: {{extra_columns: {{{extra}}}}}"] if extra else [])])


def _hint(
    names: Sequence[str],
    missing: Sequence[str],
    columns: Columns,
    lines: Sequence[str],
    delimiter: str,
    needed: Sequence[str],
) -> str:
    other = next((mark for mark in OTHER_DELIMITERS if len(names) == 1 and mark in names[0]), None)
    if other:
        place = "in the configuration" if needed == PURCHASE_COLUMNS else "for this input"
        return f"The fields seem to be separated by {other!r}: set delimiter: {other!r} {place}."
    if any(LIKE_DATA.fullmatch(name.strip()) for name in names):
        return "The first line looks like data: put a header above it."
    line = _line_of_header(lines, columns, delimiter, needed)
    if line:
        return f"The header seems to be on line {line + 1}: set skip_lines: {line} in the configuration."
    return f"Map other names in the configuration, for example: {setting(missing, '<name in the file>', needed)}"


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of a line; none where one is longer than any name."""
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []


def _line_of_header(lines: Sequence[str], columns: Columns, delimiter: str, needed: Sequence[str]) -> int | None:
    for number, line in enumerate(lines[:SEARCHED]):
        names = cells_of(line, delimiter)
        if all(candidates(column, names, columns) for column in wanted(columns, needed)):
            return number
    return None
