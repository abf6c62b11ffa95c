"""What it was measured on."""

from __future__ import annotations

import os
import platform
from collections import defaultdict
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import psutil


def machine(packages: Sequence[str]) -> dict[str, str]:
    """Processor, memory, and the versions of what takes part."""
    found: dict[str, str] = defaultdict(str)
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        key, _, value = line.partition(":")
        found[key.strip()] = value.strip()
    return {
        "processor": f"{len(os.sched_getaffinity(0))} cores, {found['model name'] or platform.machine()}",
        "memory": f"{psutil.virtual_memory().total >> 30} GiB",
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }
