"""What a run does first and last: see that nothing is left half done, by one that was killed or by itself."""

from __future__ import annotations

from segmentation.console import LOGGER
from segmentation.engines.base import Engine
from segmentation.locations import DELTA_LOG, join, last_name, literally
from segmentation.run.publication import CHANGES, EXPORT, place_changes
from segmentation.state.commits import Commit, commits, last_commit, run_ids, version_of
from segmentation.state.damage import see_whole
from segmentation.state.output import Output
from segmentation.state.replacing import finish_replacing


def repair(engine: Engine, output: Output) -> None:
    """Clean up after a run that was killed: finish what it had decided, take back and remove what it had not.

    A run decides by its commit of the customers. If it died after that, its JSON is complete in its staging directory
    and is moved now; if before, what it committed to other tables is taken back. Whichever engine the dead run had,
    this one's finds the same files and the same tables.

    Raises:
        DamagedOutputError: a table is not whole.
    """
    if output.local and finish_replacing(output):
        LOGGER.warning("Restoring a backup was killed after all of it was here; it has taken its place now.")
    see_whole(output)
    published = last_commit(engine.files, output.segments)
    if published and "restored" in published.said:
        _bring_back(engine, output, published)
    _take_back(engine, output, published)
    if published:
        _say_what_is_gone(engine, output, published)
    for file in engine.files.files(join(literally(output.staging), "*", "*.json")):
        run_id = file.path.rstrip("/").split("/")[-2]
        if finish(engine, output, run_id):
            LOGGER.warning("Run %s was killed while it published; its JSON has taken its place now.", run_id)
    engine.files.delete(output.staging)


def finish(engine: Engine, output: Output, run_id: str) -> bool:
    """Let the JSON that a run has staged take its place, if its customers have; was there any?"""
    folder = join(output.staging, run_id)
    staged = [file for name in (EXPORT, CHANGES) if engine.files.exists(file := join(folder, name))]
    newest = last_commit(engine.files, output.segments) if staged else None
    if newest is None or newest.said["run_id"] != run_id:
        return False
    then = output.named(newest.said)
    places = {join(folder, EXPORT): then.json_file, join(folder, CHANGES): then.changes_file}
    for file in staged:
        if file.endswith(CHANGES):
            place_changes(engine.files, file, places[file])
        else:
            engine.files.replace(file, places[file])
    return True


def _bring_back(engine: Engine, output: Output, published: Commit) -> None:
    """Let what incremental runs go on from be what the publication knows, if somebody has gone back to that."""
    for table in (output.purchases, output.early):
        writer, newest = published.said.get("tables", {}).get(last_name(table)), last_commit(engine.files, table)
        if writer is None or (newest and newest.said["run_id"] == writer):
            continue
        version = version_of(engine.files, table, writer)
        if version is None:
            continue
        try:
            engine.tables.restore(table, version)
        except Exception:  # noqa: BLE001 - `maintain` has removed files of old versions; what is newer is taken back
            LOGGER.warning("%s is not kept as run %s left it; the next incremental run reads all.", table, writer)


def _say_what_is_gone(engine: Engine, output: Output, published: Commit) -> None:
    """A table of history that is not there is made anew; whoever looks for the past should know."""
    wrote = published.said.get("tables", {}).get(last_name(output.changes))
    if wrote and not engine.files.exists(join(output.changes, DELTA_LOG)):
        LOGGER.warning("%s is gone, to which run %s wrote; it begins anew (docs/recovery.md).", output.changes, wrote)


def _take_back(engine: Engine, output: Output, published: Commit | None) -> None:
    """Undo the commits of a run that never came to commit its customers."""
    known = set(published.said.get("tables", {}).values()) if published else set()
    undone = run_ids(engine.files, output.segments)
    for table in (output.changes, output.purchases, output.early):
        # One commit of one run, as a rule; more where somebody has put the customers back to an earlier version.
        while newest := last_commit(engine.files, table):
            dead = newest.said["run_id"]
            if dead in known or _is_published(engine, output, dead, is_first=published is None):
                break
            engine.tables.restore(table, newest.version - 1)
            why = "somebody went back from it" if dead in undone else "it was killed before it published"
            LOGGER.warning("What run %s had added to %s is taken back, because %s.", dead, table, why)


def _is_published(engine: Engine, output: Output, run_id: str, *, is_first: bool) -> bool:
    """Were customers published by a run?"""
    if is_first:
        # The first run dies and leaves its staging directory; or somebody has removed the customers, but not the rest.
        return not engine.files.exists(join(output.staging, run_id))
    # They may have been published since by a program that knows nothing of the other tables.
    return run_id in {commit.said["run_id"] for commit in commits(engine.files, output.segments)}
