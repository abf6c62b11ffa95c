"""What a path without a scheme means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from segmentation.engines.spark.files import Storage
from segmentation.errors import ConfigError


def check_schemes(storage: Storage, locations: Sequence[str]) -> None:
    """See that every location means the same to Spark and to us, to whom a path without a scheme is local.

    Raises:
        ConfigError: this Spark takes such paths for those of its cluster's file system.
    """
    usual = storage.default_file_system()
    bare = next((location for location in locations if ":" not in location.split("/", 1)[0]), None)
    if bare is not None and not usual.startswith("file:"):
        path = Path(bare).absolute()
        raise ConfigError(
            f"{bare} has no scheme, and this Spark's file system is {usual}: write file://{path} for the disk of this "
            f"machine, or {usual.rstrip('/')}{path} for the cluster's."
        )
