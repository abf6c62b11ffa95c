"""`make automation-demo`: a watched folder, a file that comes, a broken one, an alert, the status, the end."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from .endpoint import Endpoint

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "purchase_records.csv"
COMMAND = [sys.executable, "-m", "segmentation.cli"]


def main() -> int:
    """Watch, and let things happen."""
    with TemporaryDirectory() as folder, Endpoint() as endpoint:
        root = Path(folder)
        (root / "in").mkdir()
        (root / "own.yaml").write_text(f"alerts: {{urls: ['{endpoint.address}']}}\n")
        place = ["--config", str(root / "own.yaml"), "--output-dir", str(root / "out")]
        watching = [*COMMAND, "watch", "--csv-path", str(root / "in"), *place, "--settle", "1", "--log-level", "ERROR"]
        print(f"$ segmentation {' '.join(watching[3:])} &")
        process = subprocess.Popen(watching, stderr=subprocess.DEVNULL)
        try:
            until(lambda: status(place)["state"] == "watching", "the watch to begin")
            shutil.copy(SAMPLE, root / "in" / "purchases.csv")
            last_byte = time.monotonic()
            print("\npurchases.csv, 5,000 rows, lies in the folder.")
            export = root / "out" / "customer_segmentation.json"
            until(export.exists, "segments")
            print(
                f"Published {time.monotonic() - last_byte:.1f} s after its last byte, 1 s of which it had to lie still."
            )
            until(lambda: status(place)["state"] == "watching", "the run to end")
            show("status", *place)
            (root / "in" / "broken.csv").write_text("this is,no export\n1,2\n")
            print("\nbroken.csv lies in the folder.")
            until(lambda: endpoint.received, "an alert")
            print(f"An alert has come: {json.dumps(endpoint.received[0], indent=2)}")
            until(lambda: status(place)["state"] == "watching", "the run to end")
            show("status", *place)
        finally:
            process.send_signal(signal.SIGTERM)
            print(f"\nSIGTERM: the watch ended with {process.wait(60)}.")
    return 0


def until(happened: Callable[[], object], what: str) -> None:
    """Wait for something."""
    deadline = time.monotonic() + 60
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited a minute for {what}")
        time.sleep(0.05)


def status(place: list[str]) -> dict[str, object]:
    """What `segmentation status --json` says."""
    said = subprocess.run([*COMMAND, "status", "--json", *place], capture_output=True, text=True, check=False)
    return json.loads(said.stdout)


def show(*arguments: str) -> None:
    """A command, shown and run."""
    print(f"\n$ segmentation {' '.join(arguments)}", flush=True)
    subprocess.run([*COMMAND, *arguments], check=False)


if __name__ == "__main__":
    sys.exit(main())
