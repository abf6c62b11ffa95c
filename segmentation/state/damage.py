"""Are the tables of an output whole? Told from their logs, without an engine.

Engines pass over much of it without a word: a log that has lost its end is an older table, one that has lost its
beginning or half a commit holds other rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from segmentation.engines.local import LocalFiles
from segmentation.errors import DamagedOutputError
from segmentation.locations import DELTA_LOG, last_name
from segmentation.state.commits import last_commit, run_ids
from segmentation.state.output import Output
from segmentation.state.status import last_run

CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\..*parquet")
# How delta-rs counts the files of a commit, by what is done with them.
COUNTED: Mapping[str, tuple[str, ...]] = {
    "add": ("num_added_files", "num_target_files_added", "numFilesAdded", "numRestoredFile"),
    "remove": ("num_removed_files", "num_target_files_removed", "numFilesRemoved", "numRemovedFile"),
}
SECOND = len("20250131T060000Z")
# Tables that the next incremental run makes anew where they are not there.
KEPT = ("purchases", "future_purchases")


def see_whole(output: Output, *tables: str) -> None:
    """See that tables of an output of this machine are whole; elsewhere, nobody looks.

    Args:
        output: where they lie.
        tables: some of its tables; none for all.

    Raises:
        DamagedOutputError: one is not.
    """
    if output.local is None:
        return
    for table in tables or output.tables:
        found = damage_of(Path(table)) or _lost_end(output, table)
        if found:
            raise DamagedOutputError(f"The table {table} is damaged: {found}. {_cure(output, table)}")


def damage_of(table: Path) -> str | None:
    """What is missing of a table, None where it is whole or not there."""
    log = table / DELTA_LOG
    versions = {int(file.stem): file for file in log.glob("*.json") if file.stem.isdigit()}
    checkpoints = [int(found[1]) for file in log.glob("*") if (found := CHECKPOINT.fullmatch(file.name))]
    if not versions and not checkpoints:
        return f"its log {log} is gone" if any(table.glob("*.parquet")) else None
    first = max(checkpoints, default=-1) + 1
    for version in range(first, max(versions, default=-1) + 1):
        if version not in versions:
            return f"version {version} of its log, {log / f'{version:020d}.json'}, is missing"
    return _damage_in([file for version, file in sorted(versions.items()) if version >= first], table)


def _damage_in(commits: list[Path], table: Path) -> str | None:
    """What is missing of commits that follow each other, and of the files that they leave."""
    live: dict[str, bool] = {}
    for commit in commits:
        actions = _actions(commit)
        if actions is None:
            return f"{commit} is cut short"
        for action in actions:
            live |= {action[kind]["path"]: kind == "add" for kind in COUNTED if kind in action}
    gone = [path for path, is_live in live.items() if is_live and not _is_there(table, path)]
    return f"the file {gone[0]} is missing, one of {len(gone)}" if gone else None


def _actions(commit: Path) -> list[Mapping[str, Any]] | None:
    """What a commit says, None where it is not whole."""
    try:
        actions = [json.loads(line) for line in commit.read_text(encoding="utf-8").splitlines() if line.strip()]
    except ValueError:
        return None
    infos = (action["commitInfo"] for action in actions if "commitInfo" in action)
    return actions if actions and all(_adds_up(info, actions) for info in infos) else None


def _adds_up(info: Mapping[str, Any], actions: list[Mapping[str, Any]]) -> bool:
    """Are there as many files as a commit of delta-rs counts?"""
    is_ours = str(info.get("engineInfo", "")).startswith("delta-rs")
    metrics = {**info, **info.get("operationMetrics", {})} if is_ours else {}
    return all(
        sum(kind in action for action in actions) >= int(metrics.get(name, 0))
        for kind, names in COUNTED.items()
        for name in names
    )


def _is_there(table: Path, path: str) -> bool:
    """A file elsewhere, which no run of ours makes, is nobody's to look for."""
    return ":" in path.split("/")[0] or (table / unquote(path)).exists()


def _lost_end(output: Output, table: str) -> str | None:
    """Has the log lost its end? Then others know a later run that wrote to the table."""
    known, files = _known_writer(output, table), LocalFiles()
    there = run_ids(files, table) if known else set()
    # The log forgets old runs; two may begin in one second, with which an id begins.
    if known is None or not there or known in there or known[:SECOND] < max(there)[:SECOND]:
        return None
    return f"run {known} wrote to it last, and its log ends with run {max(there)}"


def _known_writer(output: Output, table: str) -> str | None:
    if table == output.segments:
        return last_run(output)
    newest = last_commit(LocalFiles(), output.segments) if table == output.changes else None
    return newest.said.get("tables", {}).get(last_name(table)) if newest else None


def _cure(output: Output, table: str) -> str:
    return "".join(_cures(output, table))


def _cures(output: Output, table: str) -> Iterator[str]:
    yield "Nothing was written. `segmentation restore --from BACKUP` brings a backup back. Without one, move "
    yield f"{table} elsewhere and run again"
    if table == output.segments:
        yield " with --force: all customers are computed anew from the source"
    elif last_name(table) in KEPT:
        yield ": with --mode incremental, everything is read anew"
    else:
        yield ": the table begins anew, and what it held is lost"
    yield ". See docs/recovery.md."
