"""The report as one self-contained page, and its twin in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from segmentation.insights.report.charts import drawn
from segmentation.insights.report.parts import Section, Spec, Table

# A number as `parts` writes it, with or without a sign or per cent, or nothing in its place.
NUMBER = re.compile(r"[+-]?[\d,]+(?:\.\d+)?[%+]?|–|")
# What means something in Markdown, anywhere in a line.
MARKS = re.compile(r"([\\`*_\[\]<>|#~])")


def html(title: str, as_of: str, run_id: str, sections: Sequence[Section]) -> str:
    """One page without scripts, which asks nothing of any network.

    Raises:
        ImportError: the libraries are not installed.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def inline(chart: Spec) -> Markup:
        # Vega escapes what it is given; all else in the page is escaped by the template.
        return Markup(re.sub(r"^<svg ", '<svg aria-hidden="true" ', drawn(chart)))  # noqa: S704

    loader = PackageLoader("segmentation.insights.report", "")
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    page = pages.get_template("page.html.j2")
    return page.render(title=title, as_of=as_of, run_id=run_id, sections=sections, drawn=inline, numbers=numbers)


def numbers(table: Table) -> list[bool]:
    """Which columns hold numbers."""
    return [all(NUMBER.fullmatch(row[at]) for row in table.rows) for at in range(len(table.header))]


def markdown(title: str, as_of: str, run_id: str, sections: Sequence[Section]) -> Iterator[str]:
    """The same without charts, for terminals and mail."""
    yield from (f"# {title}", "", f"As of {as_of}; published by run {run_id}. Amounts are in rupees.")
    for section in sections:
        yield from ("", f"## {_plain(section.title)}")
        for sentence in section.words:
            yield from ("", _plain(sentence))
        for table in section.tables:
            yield from ("", f"**{_plain(table.caption)}**", "")
            yield from _rows(table)


def _rows(table: Table) -> Iterator[str]:
    right = numbers(table)
    cells = [[_plain(cell) for cell in row] for row in (table.header, *table.rows)]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        [cell.rjust(width) if of else cell.ljust(width) for cell, width, of in zip(row, widths, right, strict=True)]
        for row in cells
    ]
    rule = ["-" * (width - 1) + ":" if of else "-" * width for width, of in zip(widths, right, strict=True)]
    yield from (f"| {' | '.join(row)} |" for row in [lines[0], rule, *lines[1:]])


def _plain(text: str) -> str:
    """A text that means nothing to Markdown, nor to a terminal."""
    shown = "".join(mark if mark.isprintable() else " " for mark in text)
    return MARKS.sub(r"\\\1", shown)
