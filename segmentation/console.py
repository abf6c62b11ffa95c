"""What a run tells: log lines with the run id, a line a step on a terminal, a summary at the end."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

LOGGER = logging.getLogger("segmentation")
LINE = "%(asctime)s %(levelname)s %(run_id)s %(message)s"


class _OnStderr(logging.StreamHandler[TextIO]):
    """On whatever stderr is when something is said: who runs commands in a process of their own may change it."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        pass


def setup_console(level: str) -> None:
    """Log lines on stderr: short ones on a terminal, with time, level and run elsewhere; once, however often called."""
    for before in [one for one in LOGGER.handlers if isinstance(one, _OnStderr)]:
        LOGGER.removeHandler(before)
    handler = _OnStderr()
    handler.setFormatter(logging.Formatter("%(message)s" if sys.stderr.isatty() else LINE, defaults={"run_id": "-"}))
    handler.setLevel(level)
    LOGGER.setLevel(min(logging.getLevelName(level), logging.INFO))
    LOGGER.addHandler(handler)
    LOGGER.propagate = False


@contextmanager
def quiet(*names: str) -> Iterator[None]:
    """Libraries that would log addresses with secrets say nothing, whatever level was asked for."""
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def printable(text: str) -> str:
    """A text without what a terminal would obey."""
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text)


def columns(rows: Sequence[Sequence[str]], to_the_right: Sequence[bool] = ()) -> Iterator[str]:
    """Cells below each other, a line a row."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = [*to_the_right, *[False] * (len(widths) - len(to_the_right))]
    for row in rows:
        cells = zip(row, widths, right, strict=True)
        yield "  ".join(cell.rjust(width) if aligned else cell.ljust(width) for cell, width, aligned in cells).rstrip()


# What is cut short by a full disk must not seem whole.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def read_or_not(*, is_all_there_is: bool = False) -> Iterator[None]:
    """What is printed inside may find nobody who reads on: that is no failure. Rich ends the process where a pipe is
    broken.

    Args:
        is_all_there_is: what is printed is what was asked for, so a full disk is a failure.
    """
    try:
        yield
        sys.stdout.flush()
    except (OSError, SystemExit) as error:
        if is_all_there_is and isinstance(error, OSError) and error.errno in FULL:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_summary(result: Mapping[str, Any]) -> None:
    """Customers, labels with shares, what was rejected and why, and where the files are."""
    from rich.console import Console
    from rich.table import Table

    metadata = result["metadata"]
    console = Console(soft_wrap=True, highlight=False)
    total = metadata["total_customers"]
    table = Table(title=f"{total:,} customers as of {metadata['as_of']}", title_justify="left")
    table.add_column("dimension")
    table.add_column("label")
    table.add_column("customers", justify="right")
    table.add_column("share", justify="right")
    for dimension, labels in result["segments"].items():
        for number, (label, count) in enumerate(labels.items()):
            share = f"{count / total:.1%}" if total else "-"
            last = number == len(labels) - 1
            table.add_row(dimension if number == 0 else "", label, f"{count:,}", share, end_section=last)
    console.print(table)
    rows = Table(title=f"{metadata['rows_read']:,} rows read", title_justify="left", show_header=False)
    rows.add_column("what")
    rows.add_column("count", justify="right")
    for name in ("purchases_used", "rows_rejected", "purchases_after_as_of"):
        rows.add_row(name.replace("_", " "), f"{metadata[name]:,}")
        if name == "purchases_used" and metadata["purchases"] != metadata[name]:
            rows.add_row("  rows of returns", f"{metadata['returns_used']:,}")
            rows.add_row("  purchases that the others make", f"{metadata['purchases']:,}")
        if name == "rows_rejected":
            for reason, count in metadata["rejected_by_reason"].items():
                rows.add_row(f"  {reason}", f"{count:,}")
    for reason, count in metadata["warnings_by_reason"].items():
        rows.add_row(f"warning: {reason}", f"{count:,}")
    for what, count in _of_inputs(metadata["inputs"]):
        rows.add_row(what, f"{count:,}")
    console.print(rows)
    for line in _places(result):
        console.print(line, markup=False)


def _of_inputs(inputs: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, int]]:
    """What became of the rows of second inputs."""
    for name, counts in inputs.items():
        yield f"{name}: rows read", counts["rows_read"]
        yield "  used", counts["rows_used"]
        for what in ("rows_rejected", "rows_after_as_of", "rows_of_others", "invalid_values"):
            if counts[what]:
                yield f"  {what.removeprefix('rows_').replace('_', ' ')}", counts[what]


def _places(result: Mapping[str, Any]) -> Iterator[str]:
    """Where the files are."""
    if result["output_file"] is None:
        yield "Dry run: nothing was published."
        return
    yield f"JSON    {result['output_file']}"
    yield from (f"Delta   {path}  ({name})" for name, path in result["tables"].items())
    if result["report_file"]:
        yield f"Report  {result['report_file']}"
