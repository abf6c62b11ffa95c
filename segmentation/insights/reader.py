"""An engine for whoever only reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from segmentation.config import SegmentationConfig
from segmentation.engines.base import Engine
from segmentation.engines.choose import INSTALL_EMBEDDED, missing_packages
from segmentation.errors import ConfigError
from segmentation.insights.shelf import see_published
from segmentation.state.output import Output


@contextmanager
def reader(config: SegmentationConfig, output: Output) -> Iterator[tuple[Engine, str]]:
    """The embedded engine and a folder for what it keeps, neither of them in the output, where a run may be at work.

    Raises:
        ConfigError: nothing is published there, it is not on this machine, or the engine is not installed.
        DamagedOutputError: a table is not whole.
    """
    see_published(output)
    see_installed()
    with small_engine(config, "it only reads") as opened:
        yield opened


@contextmanager
def small_engine(config: SegmentationConfig, why: str) -> Iterator[tuple[Engine, str]]:
    """The embedded engine, which must be installed, and a temporary folder."""
    from segmentation.engines.embedded.engine import EmbeddedEngine, memory_for

    with TemporaryDirectory(prefix="segmentation-") as folder:
        engine = EmbeddedEngine(memory_for(config.embedded_memory), Path(folder, "spill"), why)
        try:
            yield engine, folder
        finally:
            engine.close()


def see_installed() -> None:
    """See that there is what reads, and what makes columns that can be looked into.

    Raises:
        ConfigError: there is not.
    """
    missing = missing_packages()
    if missing:
        raise ConfigError(f"this needs {', '.join(missing)}: {INSTALL_EMBEDDED}.")
