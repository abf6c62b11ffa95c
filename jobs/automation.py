"""Run by time and when the source changes: ``python jobs/automation.py --csv-path purchases/ --output-dir output``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from segmentation.cli import main

if __name__ == "__main__":
    sys.exit(main(["watch", *sys.argv[1:]]))
