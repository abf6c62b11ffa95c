"""What the documents tell people to type exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from segmentation.cli import run_parser
from segmentation.engines.spark.session import FAST_SETTINGS, SESSION_SETTINGS, SHUFFLE_PARTITIONS
from segmentation.engines.spark.versions import PACKAGES

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SPARK_SETTINGS = sorted((ROOT / "conf" / "spark").glob("*.conf"))
DOCKERFILE = ROOT / "conf" / "spark" / "kubernetes" / "Dockerfile"


def commands(path: Path) -> list[str]:
    """The lines of the shell blocks, continued lines joined."""
    text = re.sub(r"<<'END'\n.*?\nEND\n", "\n", path.read_text(), flags=re.DOTALL)
    blocks = re.findall(r"```(?:bash|sh|shell|console)\n(.*?)```", text, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [
        line.removeprefix("$ ").split(" #")[0].strip() for line in lines if line.strip() and not line.startswith("#")
    ]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_are_real(path: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in commands(path):
        words = [word for word in shlex.split(line) if not re.fullmatch(r"[A-Z_]+=\S*", word)]
        if not words:
            continue
        if words[0] == "make":
            assert set(words[1:]) <= targets, line
        scripts = [at for at, word in enumerate(words) if Path(word).name == "run_segmentation.py"]
        if scripts:
            run_parser().parse_args(words[scripts[0] + 1 :])
        elif Path(words[0]).name == "segmentation" and words[1] == "run":
            run_parser().parse_args(words[2:])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_documented_packages_are_those_of_the_table() -> None:
    known = {coordinate for packages in PACKAGES.values() for coordinate in packages.values()}
    for path in [*DOCUMENTS, *SPARK_SETTINGS, DOCKERFILE]:
        named = set(re.findall(r"(?:io\.delta|org\.mongodb\.spark):[\w.-]+:[\w.]+", path.read_text()))
        assert named <= known, path.name


@pytest.mark.parametrize(("spark", "pins"), [("4.2", "constraints.txt"), ("3.5", "constraints-spark35.txt")])
def test_the_page_on_clusters_has_the_versions(spark: str, pins: str) -> None:
    pinned = dict(re.findall(r"^(\w+)==(\S+)$", (ROOT / "conf" / pins).read_text(), re.MULTILINE))
    rows = (ROOT / "docs" / "running-on-a-cluster.md").read_text().splitlines()
    row = next(row for row in rows if row.startswith(f"| {pinned['pyspark']} |"))
    assert pinned["pyspark"].startswith(f"{spark}.")
    assert PACKAGES[spark]["delta"].endswith(f":{pinned['delta_spark']}")
    for coordinate in PACKAGES[spark].values():
        assert f"`{coordinate}`" in row


@pytest.mark.parametrize("path", SPARK_SETTINGS, ids=lambda path: path.name)
def test_settings_for_spark_leave_the_job_its_own(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    settings = dict(line.split(maxsplit=1) for line in lines)
    assert all(name.startswith("spark.") for name in settings)
    assert not {*SESSION_SETTINGS, *FAST_SETTINGS, SHUFFLE_PARTITIONS} & set(settings)
