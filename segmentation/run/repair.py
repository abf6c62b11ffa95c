"""What a run does first: clean up after one that was killed."""

from __future__ import annotations

from segmentation.console import LOGGER
from segmentation.engines.base import Engine
from segmentation.locations import join, literally
from segmentation.state.output import Output


def repair(engine: Engine, output: Output) -> None:
    """Clean up after a run that was killed: finish what it had decided, remove what it left.

    A run decides by its Delta commit. If it died after that and before its JSON took its place, the JSON is complete
    in its staging directory and is moved now; in every other case what is staged is of no use. Whichever engine the
    dead run had, this one's finds the same files and the same table.
    """
    for file in engine.files.files(join(literally(output.staging), "*", "segments.json")):
        run_id = file.path.rstrip("/").split("/")[-2]
        if engine.tables.published_by(output.segments, run_id) is not None:
            engine.files.replace(file.path, output.json_file)
            LOGGER.warning("Run %s was killed while it published; its JSON has taken its place now.", run_id)
    engine.files.delete(output.staging)
