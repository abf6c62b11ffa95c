"""What conf/serving promises: a server without Spark, a unit that systemd understands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from .processes import ROOT

SERVING = ROOT / "conf" / "serving"
UNIT = SERVING / "segmentation-serve.service"
WITHOUT = """
import sys
class Nowhere:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("pyspark", "py4j", "delta", "pysail", "pyarrow", "pandas"):
            raise ImportError(name)
sys.meta_path.insert(0, Nowhere())
import segmentation.commands.serve, segmentation.serving.app, segmentation.cli
"""


def test_serving_loads_no_engine() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_container_gets_what_serving_needs_and_no_spark() -> None:
    command = [sys.executable, str(SERVING / "requirements.py"), str(ROOT / "pyproject.toml")]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    names = {re.split(r"[^\w-]", line)[0] for line in lines}
    assert {"fastapi", "uvicorn", "deltalake", "pydantic", "PyYAML", "sqlglot", "holidays"} <= names
    assert not {"pyspark", "delta-spark"} & names


def test_what_the_container_copies_is_there() -> None:
    lines = (SERVING / "Containerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    assert all((ROOT / name).exists() for names in copied for name in names)
    build = yaml.safe_load((SERVING / "compose.yaml").read_text())["services"]["segments"]["build"]
    assert (SERVING / build["context"] / build["dockerfile"]).exists()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_the_unit_is_one(tmp_path: Path) -> None:
    # The program is elsewhere on each machine, and is looked for.
    unit = re.sub(r"(?<=ExecStart=)\S+", "/bin/true", UNIT.read_text())
    (tmp_path / UNIT.name).write_text(unit)
    done = subprocess.run(["systemd-analyze", "verify", str(tmp_path / UNIT.name)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
