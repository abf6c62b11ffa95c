"""`segmentation history`: which labels changed, when and why."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from segmentation.commands.outputs import add_place, configured, midnight, opened
from segmentation.schemas import CHANGE_COLUMNS

if TYPE_CHECKING:
    from segmentation.state.output import Output

HELP = "show how the labels of a customer, or of all since a day, changed"
# What a cause means, as short as a terminal is wide.
WHY: Mapping[str, str] = {
    "first_seen": "first seen",
    "new_purchase": "purchases",
    "time": "the day moved",
    "rules": "new rules",
    "gone": "no purchases",
    "restored": "restored",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("customer", nargs="?", metavar="CUSTOMER", help="the id of a customer")
    what.add_argument("--since", metavar="DAY", help="flows from label to label since YYYY-MM-DD")
    parser.add_argument("--intervals", action="store_true", help="from when to when a customer had each label")
    parser.add_argument("--json", action="store_true", help="for programs")
    add_place(parser)


def execute(options: argparse.Namespace) -> int:
    """Show what was asked for."""
    from segmentation.errors import NoDataError
    from segmentation.state.output import Output

    config = configured(options)
    output = Output.of(config)
    if options.since:
        _show(flows(output, midnight("--since", options.since, config)), options.json, f"Since {options.since}")
        return 0
    changes = changes_of(output, options.customer)
    if not changes:
        raise NoDataError(
            f"no change of a customer {options.customer!r} is recorded. Ids are compared as they are published; of "
            "whom was published before changes were recorded, only what changed since is."
        )
    told = [{**row, "changed_at": row["changed_at"].astimezone(config.zone)} for row in changes]
    rows = intervals(told) if options.intervals else [{name: row[name] for name in CHANGE_COLUMNS} for row in told]
    _show(rows, options.json, f"Customer {options.customer}")
    return 0


def changes_of(output: Output, customer: str) -> list[dict[str, Any]]:
    """The changes of one customer, the earliest first."""
    import pyarrow.compute as pc

    rows = _dataset(output).to_table(filter=pc.field("customer_id") == customer).to_pylist()
    return sorted(rows, key=lambda row: (row["changed_at"], row["run_id"], row["dimension"]))


def flows(output: Output, start: datetime) -> list[dict[str, Any]]:
    """Customers by dimension, labels and cause of the changes since a moment, the largest first."""
    import pyarrow.compute as pc

    columns = ["dimension", "from_label", "to_label", "cause"]
    counts: Counter[tuple[Any, ...]] = Counter()
    for batch in _dataset(output).to_batches(columns=columns, filter=pc.field("changed_at") >= start):
        counts.update(zip(*(batch[name].to_pylist() for name in columns), strict=True))
    ordered = sorted(counts.items(), key=lambda one: (one[0][0], -one[1], str(one[0])))
    return [{**dict(zip(columns, key, strict=True)), "customers": count} for key, count in ordered]


def intervals(changes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """From when to when each label held; ``valid_to`` is None for what holds now."""
    rows: list[dict[str, Any]] = []
    for change in changes:
        for row in rows:
            if row["dimension"] == change["dimension"] and row["valid_to"] is None:
                row["valid_to"] = change["changed_at"]
        if change["to_label"] is not None:
            kept = {"dimension": change["dimension"], "label": change["to_label"]}
            rows.append({**kept, "valid_from": change["changed_at"], "valid_to": None})
    return sorted(rows, key=lambda row: row["dimension"])


def _dataset(output: Output) -> Any:
    return opened(output, output.changes, "history").to_pyarrow_dataset()


def _show(rows: Sequence[Mapping[str, Any]], as_json: bool, title: str) -> None:
    from segmentation.console import read_or_not

    with read_or_not():
        if as_json:
            print(json.dumps(rows, ensure_ascii=False, indent=2, default=lambda moment: moment.isoformat()))
        elif rows:
            _print_table(rows, title)
        else:
            print(f"{title}: no label changed.")


def _print_table(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left")
    # What else there is does not fit on a terminal, and is told with --json.
    names = [name for name in rows[0] if name not in ("run_id", "as_of")]
    for name in names:
        is_time = name in ("changed_at", "valid_from", "valid_to")
        table.add_column(name.replace("_", " "), justify="right" if name == "customers" else "left", no_wrap=is_time)
    for cells in _cells(rows, names):
        table.add_row(*cells)
    Console(soft_wrap=True, highlight=False).print(table)


def _cells(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Iterator[list[str]]:
    from rich.markup import escape

    for row in rows:
        yield [escape(_shown(name, row[name])) for name in names]


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:,}" if name == "customers" else WHY.get(value, value) if name == "cause" else str(value)
