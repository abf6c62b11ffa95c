"""An output and an engine, for whoever works on what was published while no run does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from segmentation.config import SegmentationConfig
from segmentation.engines.base import Engine
from segmentation.engines.choose import Task, choose, open_engine
from segmentation.errors import ConfigError
from segmentation.run.repair import repair
from segmentation.state.output import Output

OWN = "housekeeping"


@contextmanager
def held(config: SegmentationConfig) -> Iterator[tuple[Engine, Output]]:
    """An engine, and the output that no run writes to meanwhile, repaired.

    Raises:
        ConfigError: nothing was published there.
        DamagedOutputError: it is not whole.
        OutputBusyError: a run is at work.
    """
    output = Output.of(config)
    if output.local is not None and not output.local.is_dir():
        raise ConfigError(f"{output.root} is not there. Check --output-dir and --config.")
    with output.locked(), at_work(config, output) as engine:
        yield engine, output


@contextmanager
def at_work(config: SegmentationConfig, output: Output) -> Iterator[Engine]:
    """An engine on an output that is locked already, if it is a local one; what dead runs left is repaired."""
    task = Task("csv", [], output.root)
    engine = open_engine(choose(config, task, None), config, task, None, progress_bar=False)
    try:
        with engine.lock(output.lock_file, OWN) if output.local is None else nullcontext():
            engine.fit_to(0)
            repair(engine, output)
            yield engine
    finally:
        engine.close()
