"""Fetch what Spark needs besides itself, before tests in several processes do so at the same time: `make test`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from .conftest import start_spark

if __name__ == "__main__":
    with TemporaryDirectory() as warehouse:
        start_spark(Path(warehouse)).stop()
