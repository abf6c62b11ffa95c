"""How the JVM of local mode is started: quick to start for small inputs, quick to run for large ones.

Spark loads some 20,000 classes before it does anything. An archive of them (the JVM's application class-data sharing)
takes a third off that: the first run leaves one in the user's cache folder as its JVM ends, later ones use it. The JVM
itself ignores an archive that does not fit; where the folder cannot be written, there is none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pyspark

# Up to here the quick compiler alone is faster: what the optimising one does would not pay before the run ends.
SMALL_INPUT = 32 << 20
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
THROUGHPUT = ("-XX:+UseParallelGC",)
# Which classes cannot be archived is of no interest to users.
QUIET = ("-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-Xlog:class+path=off")
GIVEN_UP_AFTER_SECONDS = 3600
# The JVM writes the head of an archive last; this is how it starts in a whole one.
MAGIC = (0xF00BABA8).to_bytes(4, "little")


def options(input_size: int | None, jars: Sequence[str], cache: Path) -> list[str]:
    """Options for a JVM that is to read `input_size` bytes (None: nobody knows) with `jars` on its class path."""
    is_small = input_size is not None and input_size <= SMALL_INPUT
    return [*(QUICK_START if is_small else THROUGHPUT), *_archive_options(jars, cache)]


def _archive_options(jars: Sequence[str], cache: Path) -> list[str]:
    """Use the archive if there is one, else have it made when this JVM ends."""
    archive = cache / f"classes-{_key(jars)}.jsa"
    _adopt(archive)
    if archive.is_file():
        return [f"-XX:SharedArchiveFile={archive}", *QUIET]
    if not os.access(cache, os.W_OK):
        return []
    return [f"-XX:ArchiveClassesAtExit={archive}.{os.getpid()}.new", *QUIET]


def _key(jars: Sequence[str]) -> str:
    """What an archive hangs on: the Java that made it, and the class path."""
    java = shutil.which("java", path=Path(os.environ.get("JAVA_HOME", "")) / "bin") or shutil.which("java") or ""
    home = Path(java).resolve().parents[1] if java else Path()
    release = home / "release"
    version = release.read_text() if release.is_file() else ""
    known = [str(home), version, pyspark.__version__, str(pyspark.__file__), *sorted(jars)]
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:16]


def _adopt(archive: Path) -> None:
    """Let an archive that another run's JVM has finished take its place; remove what a killed one left."""
    for made in archive.parent.glob(f"{archive.name}.*.new"):
        with contextlib.suppress(OSError), made.open("rb") as file:
            if file.read(len(MAGIC)) == MAGIC:
                made.replace(archive)
            elif time.time() - made.stat().st_mtime > GIVEN_UP_AFTER_SECONDS:
                made.unlink()
