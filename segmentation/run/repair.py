"""What a run does first and last: see that nothing is left half done, by one that was killed or by itself."""

from __future__ import annotations

from segmentation.console import LOGGER
from segmentation.engines.base import Engine
from segmentation.locations import join, literally
from segmentation.run.publication import CHANGES, EXPORT, place_changes
from segmentation.state.commits import commits, last_commit
from segmentation.state.output import Output


def repair(engine: Engine, output: Output) -> None:
    """Clean up after a run that was killed: finish what it had decided, take back and remove what it had not.

    A run decides by its commit of the customers. If it died after that, its JSON is complete in its staging directory
    and is moved now; if before, what it committed to other tables is taken back. Whichever engine the dead run had,
    this one's finds the same files and the same tables.
    """
    _take_back(engine, output)
    for file in engine.files.files(join(literally(output.staging), "*", "*.json")):
        run_id = file.path.rstrip("/").split("/")[-2]
        if finish(engine, output, run_id):
            LOGGER.warning("Run %s was killed while it published; its JSON has taken its place now.", run_id)
    engine.files.delete(output.staging)


def finish(engine: Engine, output: Output, run_id: str) -> bool:
    """Let the JSON that a run has staged take its place, if its customers have; was there any?"""
    folder = join(output.staging, run_id)
    places = {join(folder, EXPORT): output.json_file, join(folder, CHANGES): output.changes_file}
    staged = [file for file in places if engine.files.exists(file)]
    newest = last_commit(engine.files, output.segments) if staged else None
    if newest is None or newest.said["run_id"] != run_id:
        return False
    for file in staged:
        if file.endswith(CHANGES):
            place_changes(engine.files, file, places[file])
        else:
            engine.files.replace(file, places[file])
    return True


def _take_back(engine: Engine, output: Output) -> None:
    """Undo the commits of a run that never came to commit its customers."""
    published = last_commit(engine.files, output.segments)
    known = set(published.said.get("tables", {}).values()) if published else set()
    for table in (output.changes, output.purchases, output.early):
        # One commit of one run, as a rule; more where somebody has put the customers back to an earlier version.
        while newest := last_commit(engine.files, table):
            dead = newest.said["run_id"]
            if dead in known or _is_published(engine, output, dead, is_first=published is None):
                break
            engine.tables.restore(table, newest.version - 1)
            LOGGER.warning("Run %s was killed before it published; what it had added to %s is taken back.", dead, table)


def _is_published(engine: Engine, output: Output, run_id: str, *, is_first: bool) -> bool:
    """Were customers published by a run?"""
    if is_first:
        # The first run dies and leaves its staging directory; or somebody has removed the customers, but not the rest.
        return not engine.files.exists(join(output.staging, run_id))
    # They may have been published since by a program that knows nothing of the other tables.
    return run_id in {commit.said["run_id"] for commit in commits(engine.files, output.segments)}
