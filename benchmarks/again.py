"""The embedded engine in a process that has run before. FILE OUTPUT REPEAT."""

from __future__ import annotations

import json
import sys
import time

from segmentation import run_segmentation


def main() -> int:
    """Print the seconds of each run but the first as JSON."""
    path, output, repeat = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seconds = []
    for _ in range(repeat + 1):
        started = time.perf_counter()
        run_segmentation(csv_path=path, output_dir=output, engine="embedded", config={"report": False})
        seconds.append(time.perf_counter() - started)
    print(json.dumps(seconds[1:]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
