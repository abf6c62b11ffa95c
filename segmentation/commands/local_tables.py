"""Tables of an output on this machine, for commands that only read: no engine is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from segmentation.state.output import Output


def opened(output: Output, path: str, command: str, version: int | None = None) -> DeltaTable:
    """A table, at a version if one is given.

    Raises:
        ConfigError: it is not here, or what reads it is not installed.
    """
    from segmentation.errors import ConfigError

    try:
        from deltalake import DeltaTable
    except ImportError as error:
        from segmentation.engines.choose import INSTALL_EMBEDDED

        raise ConfigError(f"segmentation {command} needs {error.name}: {INSTALL_EMBEDDED}.") from error
    if output.local is None:
        raise ConfigError(f"{path} is not on this machine: query it with Spark (docs/tables.md has the queries).")
    if not DeltaTable.is_deltatable(path):
        name = path.rsplit("/", 1)[-1]
        raise ConfigError(f"{output.root} holds no table {name}. Check --output-dir and --config.")
    return DeltaTable(path, version=version)
