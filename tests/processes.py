"""What tests and demos share that start processes of their own: the job, `spark-submit`, waiting, killing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyspark

from segmentation.engines.spark.versions import package

ROOT = Path(__file__).parents[1]
JOB = ROOT / "jobs" / "run_segmentation.py"
EXPORT = "customer_segmentation.json"
SPARK_HOME = Path(pyspark.__file__).parent
DELTA = package("delta", pyspark.__version__, {})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get_json(url: str) -> Any:
    """What a page answers, None while it does not."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def wait_for(what: str, is_there: Callable[[], Any], seconds: float = 60) -> Any:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = is_there()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(f"{what}: not within {seconds} s")


def kill(process: subprocess.Popen[Any]) -> None:
    """Kill it and its children, and see it dead."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def spark_submit(
    script: Path,
    *arguments: object,
    options: Sequence[str],
    conf: Mapping[str, str],
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> subprocess.Popen[str]:
    """A script, submitted; `log` takes what it says, else it is to be read from the process.

    What Python says on stderr, `spark-submit` passes on to its stdout.
    """
    settings = [part for key, value in conf.items() for part in ("--conf", f"{key}={value}")]
    command = [str(SPARK_HOME / "bin/spark-submit"), *options, *settings, str(script), *map(str, arguments)]
    with log.open("a") if log else contextlib.nullcontext(subprocess.PIPE) as out:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "SPARK_HOME": str(SPARK_HOME), **(env or {})},
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def ended(process: subprocess.Popen[str], seconds: float = 900) -> tuple[int, str]:
    """The exit code, and what was said."""
    said, _ = process.communicate(timeout=seconds)
    return process.returncode, said


def generate(path: Path, rows: int, seed: int) -> Path:
    generator = [sys.executable, str(ROOT / "jobs/generate_purchases.py")]
    options = ["--rows", str(rows), "--seed", str(seed), "--output", str(path)]
    subprocess.run([*generator, *options], check=True, capture_output=True)
    return path


def undisturbed(path: Path, out: Path) -> bytes:
    """What a run in local mode exports, that nothing disturbs."""
    command = [sys.executable, str(JOB), "--csv-path", str(path), "--output-dir", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return (out / EXPORT).read_bytes()


def two_inputs(folder: Path, rows: int) -> dict[Path, bytes]:
    """Two files, to tell an old state from a new one, and what each must become."""
    made = [generate(folder / f"{seed}.csv", rows, seed) for seed in (1, 2)]
    return {path: undisturbed(path, path.with_suffix(".out")) for path in made}


def compare(exports: Mapping[str, bytes]) -> int:
    """Say whether exports are the same to the byte; the exit code of a demo."""
    same = len(set(exports.values())) == 1
    sizes = ", ".join(f"{name} {len(content):,} bytes" for name, content in exports.items())
    print(f"{sizes}: {'equal' if same else 'DIFFERENT'}")
    return 0 if same else 1


def children(pid: int) -> list[int]:
    """The processes that a process started and that are there."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(_told_of(folder.name)[1]) == pid:
                found.append(int(folder.name))
    return found


def is_alive(pid: int) -> bool:
    """Is a process at work? One that ended may wait to be asked how."""
    try:
        return _told_of(pid)[0] != "Z"
    except OSError:
        return False


def _told_of(pid: int | str) -> list[str]:
    """A process' state, whose child it is, and more: what stands behind its name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def ports_of(pid: int) -> list[tuple[str, int]]:
    """The addresses, as Linux shows them, that a process listens on."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            sockets.add(str(descriptor.readlink()))
    # Without IPv6 there is only one.
    tables = (table.read_text().splitlines()[1:] for table in sorted(Path("/proc/net").glob("tcp*")))
    lines = [line.split() for table in tables for line in table]
    # 0A: listening.
    found = [fields[1].rsplit(":", 1) for fields in lines if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets]
    return [(address, int(port, 16)) for address, port in found]
