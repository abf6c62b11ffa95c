"""A process that is measured: its start, its memory, what a load generator sees of it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("VmRSS", "RssAnon", "RssFile")


class Server:
    """A process that answers requests.

    Args:
        command: that starts it; `{port}` stands for its port.
        customer: somebody it knows.
    """

    def __init__(self, command: list[str], customer: str) -> None:
        self.port = free_port()
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [part.format(port=self.port) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self.drained = threading.Thread(target=self.process.stderr.read, daemon=True)  # type: ignore[union-attr]
        self.drained.start()
        self.first_answer = self._first(f"/segments/{customer}", started)

    def _first(self, address: str, started: float) -> float:
        while self.process.poll() is None and time.perf_counter() - started < 60:
            try:
                self.get(address)
                return time.perf_counter() - started
            except urllib.error.HTTPError:
                raise
            except OSError:
                time.sleep(0.01)
        raise SystemExit("The server did not start.")

    def get(self, address: str) -> Any:
        """What an address answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{address}", timeout=300) as answer:
            return answer.read()

    def memory(self) -> list[dict[str, Any]]:
        """Of each of its processes, in bytes."""
        me = psutil.Process(self.process.pid)
        return [{"what": kind_of(one), **memory_of(one.pid)} for one in (me, *me.children(recursive=True))]

    def load(self, ids: Path, **options: float) -> dict[str, Any]:
        """What a load generator of its own process saw."""
        given = [f"--{name}={value}" for name, value in options.items()]
        command = [sys.executable, "-m", "benchmarks.load", str(self.port), str(ids), *given]
        before, waited, started = self._computed(), self._waited(), time.perf_counter()
        found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout)
        return {
            **found,
            "computed": (self._computed() - before) / max(1, found["requests"]),
            "waited": (self._waited() - waited) / (time.perf_counter() - started),
        }

    def _computed(self) -> float:
        """Seconds of a core, of all its processes."""
        me = psutil.Process(self.process.pid)
        return sum(sum(one.cpu_times()[:2]) for one in (me, *me.children(recursive=True)))

    def _waited(self) -> float:
        """Seconds that the main threads of its processes could have computed and had no core."""
        me = psutil.Process(self.process.pid)
        told = [Path(f"/proc/{one.pid}/schedstat").read_text() for one in (me, *me.children(recursive=True))]
        return sum(int(text.split()[1]) for text in told) / 1e9

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def ours(output: Path, workers: int) -> list[str]:
    """The command that serves an output."""
    place = ["--output-dir", str(output), "--port", "{port}", "--workers", str(workers)]
    return [sys.executable, "-m", "segmentation.cli", "serve", *place]


def kind_of(process: psutil.Process) -> str:
    """What a process is for."""
    line = " ".join(process.cmdline())
    if "resource_tracker" in line:
        return "helper of Python's"
    if "spawn_main" not in line:
        return "server"
    parent = process.parent()
    return "tables" if parent and is_worker(parent) else "worker"


def is_worker(process: psutil.Process) -> bool:
    """Is it one that answers requests? With one worker, that is the server itself."""
    line = process.cmdline()
    return "spawn_main" in " ".join(line) or line[-1] == "1"


def memory_of(pid: int) -> dict[str, int]:
    """Bytes that a process holds: all, its own, and pages of files, which others share."""
    text = Path(f"/proc/{pid}/status").read_text()
    return {kind: int(re.search(rf"{kind}:\s+(\d+) kB", text)[1]) << 10 for kind in KINDS}  # type: ignore[index]


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
