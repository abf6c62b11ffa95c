"""Entry point for ``python`` and ``spark-submit``: parse, call, exit code."""

import sys
from pathlib import Path

try:
    import segmentation  # noqa: F401
except ModuleNotFoundError:
    # Not installed and not on --py-files: take the package from the checkout that this file lies in.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from segmentation.cli import run_main

if __name__ == "__main__":
    sys.exit(run_main())
