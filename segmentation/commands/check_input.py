"""`segmentation check-input`: what a run would meet in files, and a configuration that reads them best."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from segmentation.commands.outputs import add_inputs

if TYPE_CHECKING:
    from rich.console import Console

    from segmentation.run.inspection import Inspection
    from segmentation.run.look import Look

HELP = "look at CSV files: what a run would meet, and the configuration that reads them best"
# More files are counted, not shown.
MOST_FILES = 20
# A blank that does not break a line looks like any other one.
MARKS = ("decimal_separator", "thousands_separator")
COUNTS = ("rows_read", "purchases_used", "rows_rejected", "purchases_after_as_of", "purchases", "returns")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.epilog = "exit codes: those that a run with the given configuration would end with"
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file, directory or glob")
    parser.add_argument("--config", metavar="FILE", help="what a run would be configured with")
    add_inputs(parser)
    parser.add_argument("--engine", choices=("auto", "spark", "embedded"), help="what computes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def execute(options: argparse.Namespace) -> int:
    """Look, and say what was seen; the exit code is that of a run."""
    from segmentation.config import load_config, override
    from segmentation.config.loading import with_inputs_at
    from segmentation.console import LOGGER, read_or_not
    from segmentation.run.inspection import inspect

    config = with_inputs_at(override(load_config(options.config), {"engine": options.engine}), options.input or ())
    before = LOGGER.level
    LOGGER.setLevel(logging.ERROR)
    try:
        seen = inspect(options.paths, config)
    finally:
        # A run in the same process has its own log.
        LOGGER.setLevel(before)
    with read_or_not():
        if options.json:
            print(json.dumps(as_json(seen), indent=2, ensure_ascii=False, default=str))
        else:
            _print(seen, options.config)
    return seen.now.exit_code


def as_json(seen: Inspection) -> dict[str, Any]:
    """The whole inspection: ``now`` and ``then`` (with ``config``), each with its files, counts, examples, notes."""
    return {
        "now": asdict(seen.now),
        "then": asdict(seen.then),
        "config": {one.name: one.value for one in seen.settings.values()},
        "why": {one.name: one.why for one in seen.settings.values()},
    }


def _print(seen: Inspection, config: str | None) -> None:
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    console.print(f"Engine: {seen.then.engine}\n")
    _print_files(console, seen.then)
    _print_counts(console, seen)
    _print_inputs(console, seen.then)
    _print_examples(console, seen)
    for note in seen.then.notes:
        console.print(f"\nNote: {note}")
    if seen.now.error:
        console.print(f"\nA run as it is configured ends with exit code {seen.now.exit_code}: {seen.now.error}")
    if seen.then.error and seen.settings:
        console.print(f"\nWith the configuration below, still with {seen.then.exit_code}: {seen.then.error}")
    _print_fragment(console, seen, config)


def _print_files(console: Console, look: Look) -> None:
    """Files that are laid out alike under one heading."""
    alike: dict[str, list[str]] = {}
    for file in look.files:
        mapping = ", ".join(f"{column} = {cell!r}" for column, cell in file.columns.items())
        form = f"{file.encoding}, fields between {file.delimiter!r}, header on line {file.header_line}\n  {mapping}"
        alike.setdefault(form, []).append(f"{file.path} ({file.bytes:,} bytes)")
    for form, files in alike.items():
        more = f" and {len(files) - MOST_FILES:,} more\n" if len(files) > MOST_FILES else ""
        console.print("\n".join(files[:MOST_FILES]) + more + f"\n  {form}\n")


def _print_counts(console: Console, seen: Inspection) -> None:
    from rich.table import Table

    if seen.now.found is None and seen.then.found is None:
        return
    looks = [seen.now, seen.then] if seen.settings else [seen.now]
    table = Table(title="Rows", title_justify="left")
    table.add_column("")
    for name in ("as it is configured", "with the configuration below")[: len(looks)]:
        table.add_column(name, justify="right")
    for label, *counts in _lines(looks):
        table.add_row(label, *counts)
    console.print(table)


def _print_inputs(console: Console, look: Look) -> None:
    """Of each second input what becomes of its rows."""
    for name, counts in look.inputs.items():
        told = ", ".join(f"{what.replace('_', ' ')} {count:,}" for what, count in counts.items() if count)
        console.print(f"\n{name}: {told or 'no rows'}")


def _lines(looks: list[Look]) -> Iterator[tuple[str, ...]]:
    for name in COUNTS:
        yield name.replace("_", " "), *[_shown(look, lambda found, name=name: getattr(found, name)) for look in looks]
        if name == "rows_rejected":
            yield from _by_reason(looks, "rejected_by_reason", "  ")
    yield from _by_reason(looks, "warnings_by_reason", "warning: ")


def _by_reason(looks: list[Look], kind: str, before: str) -> Iterator[tuple[str, ...]]:
    reasons = dict.fromkeys(reason for look in looks if look.found for reason in getattr(look.found, kind))
    for reason in reasons:
        yield f"{before}{reason}", *[_shown(look, lambda one, r=reason: getattr(one, kind).get(r, 0)) for look in looks]


def _shown(look: Look, count: Any) -> str:
    return "-" if look.found is None else f"{count(look.found):,}"


def _print_examples(console: Console, seen: Inspection) -> None:
    examples = {**seen.then.examples, **seen.now.examples}
    if examples:
        console.print("\nRejected rows, for example")
    for reason, rows in examples.items():
        console.print(f"  {reason}")
        for row in rows:
            console.print(f"    {_example(row)}")


def _example(row: Mapping[str, Any]) -> str:
    from segmentation.schemas import PURCHASE_COLUMNS, RAW_RECORD

    record = row[RAW_RECORD]
    texts = repr(record[:200]) if record else ", ".join(repr((row[name] or "")[:60]) for name in PURCHASE_COLUMNS)
    return f"{texts}   ({str(row['source']).rsplit('/', 1)[-1]})"


def _print_fragment(console: Console, seen: Inspection, config: str | None) -> None:
    if not seen.settings:
        if seen.then.error is None:
            console.print("\nThe configuration reads these files as well as any known here.")
        return
    where = f"add it to {config}" if config else "save it as a file and name that with --config"
    what = "The configuration that reads these files best" if seen.then.error is None else "What is known so far"
    console.print(f"\n# {what} ({where}):")
    console.print(fragment_of(seen), end="")


def fragment_of(seen: Inspection) -> str:
    """The settings as YAML, each below the reason for it."""
    import yaml

    blocks = []
    for one in seen.settings.values():
        # Labels are texts with a class of their own, which YAML does not know.
        plain = json.loads(json.dumps(one.value))
        value = yaml.safe_dump({one.name: plain}, allow_unicode=one.name not in MARKS, sort_keys=False, width=10_000)
        blocks.append("# " + " ".join(one.why.split()) + "\n" + value)
    return "".join(blocks)
