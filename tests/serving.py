"""The real server, as a process, on what runs published."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from segmentation.pipeline import CustomerSegmentationPipeline

from .conftest import HEADER
from .processes import ROOT, get_json, kill, wait_for

RUNNING = re.compile(r"Uvicorn running on (http://\S+)")


@dataclass
class Server:
    """A server at work.

    Attributes:
        address: without a slash at its end.
        process: of the server; its workers may be others.
        log: what it says on stderr.
        requests: what it says on stdout, an object a line.
    """

    address: str
    process: subprocess.Popen[bytes]
    log: Path
    requests: Path

    def stop(self, seconds: float = 15) -> int:
        """Ask it to end, and wait."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def publish(folder: Path, rows: str, name: str = "in.csv", **config: object) -> None:
    """Run the job on some rows into `folder/out`, as incremental runs do, which keep purchases."""
    (folder / name).write_text(HEADER + rows, encoding="utf-8", newline="")
    settings = {
        "output_dir": str(folder / "out"),
        "engine": "embedded",
        "mode": "incremental",
        "max_rejected_ratio": 1,
        "report": False,
    }
    CustomerSegmentationPipeline({**settings, **config}).run("csv", folder / name)


@contextmanager
def serving(
    folder: Path, *options: str, config: str | None = None, env: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server on `folder/out`, and its end."""
    log, requests = folder / f"serve-{time.monotonic_ns()}.log", folder / f"requests-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "segmentation.cli", "serve", "--output-dir", str(folder / "out"), "--port", "0"]
    if config is not None:
        (folder / "serve.yaml").write_text(config)
        command += ["--config", str(folder / "serve.yaml")]
    with log.open("wb") as err, requests.open("wb") as out:
        process = subprocess.Popen(
            [*command, *options],
            cwd=ROOT,
            stdout=out,
            stderr=err,
            start_new_session=True,
            env={**os.environ, **(env or {})},
        )

    def address() -> str | None:
        if process.poll() is not None:
            raise AssertionError(log.read_text())
        found = RUNNING.search(log.read_text())
        return found[1] if found else None

    try:
        found = wait_for("the server", address)
        wait_for("its workers", lambda: get_json(f"{found.replace('0.0.0.0', '127.0.0.1')}/healthz"))
        yield Server(found, process, log, requests)
    finally:
        kill(process)
