"""How the JVM of local mode is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from segmentation.engines.spark.java import ensure_java
from segmentation.engines.spark.jvm import MAGIC, QUICK_START, SMALL_INPUT, THROUGHPUT, options

SIZES = {
    "empty": (0, QUICK_START),
    "the largest small one": (SMALL_INPUT, QUICK_START),
    "the smallest large one": (SMALL_INPUT + 1, THROUGHPUT),
    "unknown": (None, THROUGHPUT),
}


@pytest.mark.parametrize("case", SIZES)
def test_flags_fit_the_input(case: str, tmp_path: Path) -> None:
    size, expected = SIZES[case]
    assert tuple(options(size, [], tmp_path)[: len(expected)]) == expected


def archive_option(cache: Path, jars: tuple[str, ...] = ("a.jar",)) -> str:
    (option,) = [option for option in options(None, jars, cache) if "Archive" in option]
    return option


def test_an_archive_is_made_once_and_used_when_it_is_whole(tmp_path: Path) -> None:
    made = Path(archive_option(tmp_path).removeprefix("-XX:ArchiveClassesAtExit="))
    assert made.parent == tmp_path
    made.write_bytes(b"\0\0\0\0 the JVM was killed while it wrote")
    assert archive_option(tmp_path).startswith("-XX:ArchiveClassesAtExit=")
    os.utime(made, (0, 0))
    assert archive_option(tmp_path).startswith("-XX:ArchiveClassesAtExit=")
    assert not made.exists()
    made.write_bytes(MAGIC + b" whole")
    used = Path(archive_option(tmp_path).removeprefix("-XX:SharedArchiveFile="))
    assert used.read_bytes() == MAGIC + b" whole"
    assert archive_option(tmp_path, ("b.jar",)).startswith("-XX:ArchiveClassesAtExit=")


def test_no_archive_without_a_folder(tmp_path: Path) -> None:
    assert options(None, [], tmp_path / "missing") == list(THROUGHPUT)


@pytest.mark.slow
def test_java_takes_every_option_and_writes_a_whole_archive(tmp_path: Path) -> None:
    """A real JVM runs Spark's launcher: it says nothing of the archive it leaves, and the next start uses that."""
    home = Path(pyspark.__file__).parent
    folder = tmp_path / "a folder"
    folder.mkdir()

    def java(*more: str) -> subprocess.CompletedProcess[str]:
        launcher = ["org.apache.spark.launcher.Main", "org.apache.spark.deploy.SparkSubmit", "--version"]
        command = [
            str(ensure_java() / "bin" / "java"),
            *options(0, [], folder),
            *more,
            "-cp",
            f"{home}/jars/*",
            *launcher,
        ]
        # Without it, the launcher looks for the folders of a build.
        env = {**os.environ, "SPARK_HOME": str(home), "SPARK_SCALA_VERSION": "2.13"}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=env)

    first = java()
    assert "SparkSubmit" in first.stdout
    assert first.stderr == ""
    assert "shared objects file (top)" in java("-Xlog:class+load").stdout


def test_a_command_does_not_wait_for_pyspark_to_answer_help() -> None:
    """What makes `--help` quick: Spark's Python package is not loaded for it."""
    command = "\n".join(
        [
            "import sys",
            "from segmentation.cli import main",
            "sys.argv = ['segmentation', '--help']",
            "try: main()",
            "except SystemExit: print('pyspark' in sys.modules)",
        ]
    )
    done = subprocess.run([sys.executable, "-c", command], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False"
