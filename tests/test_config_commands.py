"""`segmentation config check`, `show` and `schema`, and `new-dimension`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pyspark
import pytest
import yaml

from segmentation.cli import main
from segmentation.config.schema import json_schema

ROOT = Path(__file__).parents[1]
EMBEDDED = pytest.mark.skipif(pyspark.__version__ < "4", reason="the embedded engine speaks the protocol of Spark 4")
RULES = """
from pyspark.sql import functions as F
from segmentation import Rule, Segmenter

class Basket(Segmenter):
    dimension = "basket"
    fallback = "Small"

    def rules(self):
        return [Rule("Large", F.col("average_order_value") >= 150)]

class Unknown(Basket):
    def rules(self):
        return [Rule("Large", F.col("no_such_metric") >= 150)]

class Twice(Basket):
    fallback = "Large"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "kept_rules.py").write_text(RULES)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("kept_rules", None)


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    said = capsys.readouterr()
    return code, said.out + said.err


WRONG = {
    "a value": ("as_of: latest\nloyal_min_purchases: 0\n", "c.yaml, line 2: loyal_min_purchases: Input should be"),
    "inside": (
        "freshness:\n  warn_after:\n    count: 1\n    period: week\n",
        "c.yaml, line 4: freshness.warn_after.pe",
    ),
    "in a list": ("date_formats:\n  - dd/MM/yyyy\n  - DD\n", "c.yaml, line 3: date_formats.1: expected a pattern"),
    "in a list of kinds": (
        "festive_periods:\n- {name: x, from: 02-30, to: 12-01}\n",
        "c.yaml, line 2: festive_periods.0",
    ),
    "missing inside": (
        "\nfestive_periods:\n- name: x\n  from: 12-01\n",
        "c.yaml, line 3: festive_periods.0.to: Field req",
    ),
    "unknown": ("\n\noutptu_dir: x\n", "c.yaml, line 3: outptu_dir: unknown key, did you mean 'output_dir'?"),
    "several together": ("mode: full\nlow_lifetime_threshold: 150000\n", "c.yaml, line 2: low_lifetime_threshold: 150"),
    "twice": (
        "mode: full\nmode: full\n",
        "c.yaml: The configuration c.yaml is not valid YAML: 'mode' stands there twice",
    ),
    "no map": ("- mode\n", "c.yaml: The configuration c.yaml must be a mapping of keys to values, found list."),
    "environment": ("output_dir: ${NO_SUCH_NAME}\n", "output_dir: the environment variable NO_SUCH_NAME is not set"),
    "a password": ("mongodb:\n  password_file: not/there\n", "c.yaml, line 2: mongodb.password_file: not/there cannot"),
    "a module": (
        "mode: full\nsegmenters:\n- no_such:Vip\n",
        "c.yaml, line 3: segmenters.0: there is no module 'no_such'",
    ),
    "a rule": (
        "dimensions:\n- name: x\n  rules:\n  - {label: A, when: total_purchase > 1}\n  otherwise: B\n",
        "c.yaml, line 4: dimensions.0.rules.0.when (x, A): a customer has no 'total_purchase', did you mean",
    ),
    "a source": ("sources:\n  till: kept_rules:Basket\n", "c.yaml, line 2: sources.till: kept_rules:Basket is another"),
}


@pytest.mark.parametrize("case", WRONG)
def test_check_tells_key_and_line(case: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, message = WRONG[case]
    (folder / "c.yaml").write_text(text)
    code, said = answer(capsys, "config", "check", "c.yaml")
    assert (code, "Traceback" in said) == (2, False)
    assert message in said
    code, said = answer(capsys, "config", "check", "c.yaml", "--json")
    told = json.loads(said)
    (problem,) = told["problems"]
    assert (code, told["ok"], told["file"], told["dimensions"]) == (2, False, "c.yaml", None)
    assert f"{problem['place'] or 'c.yaml'}: {problem['message']}".find(message) >= 0
    assert not problem["message"].startswith("c.yaml, line")


def test_check_tells_all_there_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "c.yaml").write_text("sources: {a: 'no_such:A', b: 'no_such:B'}\nsegmenters: ['no_such:C']\n")
    assert answer(capsys, "config", "check", "c.yaml")[1].count("there is no module") == 3
    (folder / "c.yaml").write_text("loyal_min_purchases: 0\nlapsed_after_days: -1\n")
    assert [line[:15] for line in answer(capsys, "config", "check", "c.yaml")[1].splitlines()] == [
        "c.yaml, line 1:",
        "c.yaml, line 2:",
    ]


TRIED = {
    "a metric": (
        "segmenters: ['kept_rules:Unknown']\n",
        "Dimension basket: a rule cannot be computed from",
    ),
    "a label": (
        "segmenters: ['kept_rules:Twice']\n",
        "Dimension basket: labels must differ, found Large",
    ),
    "a holiday": ("festive_periods:\n- {name: x, holiday: Nonsense, country: LK}\n", "Nonsense"),
}


@EMBEDDED
@pytest.mark.parametrize("case", TRIED)
def test_check_tries_rules(case: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, message = TRIED[case]
    (folder / "c.yaml").write_text(text)
    code, said = answer(capsys, "config", "check", "c.yaml")
    assert (code, message in said) == (2, True), said


@EMBEDDED
def test_check_of_what_is_well(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "c.yaml").write_text("segmenters: ['kept_rules:Basket']\n")
    code, said = answer(capsys, "config", "check", "c.yaml")
    assert (code, said.splitlines()[0], said.splitlines()[-1]) == (0, "OK  c.yaml", "    basket: Large, Small")
    told = json.loads(answer(capsys, "config", "check", "c.yaml", "--json")[1])
    assert (told["ok"], told["problems"], told["not_tried"]) == (True, [], None)
    assert told["dimensions"]["basket"] == ["Large", "Small"]


@EMBEDDED
def test_check_of_what_only_spark_knows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "c.yaml").write_text("metrics:\n  - {name: middle, sql: median(amount)}\n")
    code, said = answer(capsys, "config", "check", "c.yaml", "--json")
    assert (code, json.loads(said)["dimensions"]) == (0, None)
    assert "only Spark computes median (c.yaml, line 2: metrics.0.sql)" in json.loads(said)["not_tried"]


@EMBEDDED
def test_modules_lie_beside_the_file_that_is_included(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "inner").mkdir()
    (folder / "inner/inner_rules.py").write_text(
        "from segmentation import Segmenter\n\nclass Size(Segmenter):\n    dimension, fallback = 'size', 'Any'\n\n"
        "    def rules(self):\n        return []\n"
    )
    (folder / "inner/c.yaml").write_text("segmenters: ['inner_rules:Size']\n")
    (folder / "c.yaml").write_text("include: inner/c.yaml\nsegmenters: ['kept_rules:Basket']\n")
    code, said = answer(capsys, "config", "check", "c.yaml")
    assert (code, said.splitlines()[-2:]) == (0, ["    size: Any", "    basket: Large, Small"])


def test_check_says_what_it_did_not_try(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "c.yaml").write_text("engine: spark\nsegmenters: ['kept_rules:Unknown']\n")
    code, said = answer(capsys, "config", "check", "c.yaml")
    assert (code, said.splitlines()[0]) == (0, "OK  c.yaml")
    assert "The rules were not tried: engine: spark may know what the embedded engine does not" in said


SHOWN = """
high_aov_threshold: 20_000
output_dir: out
mongodb:
  host: ${MY_HOST}
  username: reader
  password: ${MY_PASSWORD}
  filter: {shop: "${MY_SHOP}"}
alerts:
  urls: ["mailto://me:hidden-1@example.org", "json://${MY_PASSWORD}@example.org"]
lineage: {url: "http://me:hidden-2@example.org/"}
"""
# Key -> value, from, place or option.
VALUES = {
    "timezone": ("Asia/Colombo", "default", None),
    "high_aov_threshold": ("20000", "file", "c.yaml, line 2"),
    "output_dir": ("elsewhere", "option", "--output-dir"),
    "as_of": ("2024-06-30", "option", "--as-of"),
    "mode": ("full", "default", None),
    "mongodb.host": ("${MY_HOST}", "environment", "MY_HOST"),
    "mongodb.port": (27017, "default", None),
    "mongodb.username": ("reader", "file", "c.yaml, line 6"),
    "mongodb.password": ("**********", "environment", "MY_PASSWORD"),
    "mongodb.filter": ({"shop": "${MY_SHOP}"}, "environment", "MY_SHOP"),
    "alerts.urls": (["**********", "**********"], "environment", "MY_PASSWORD"),
    "lineage.url": ("http://***@example.org/", "file", "c.yaml, line 11"),
    "freshness.warn_after.count": (12, "default", None),
    "table": (None, "default", None),
}


@pytest.fixture
def shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    (folder / "c.yaml").write_text(SHOWN)
    for name in ("MY_HOST", "MY_PASSWORD", "MY_SHOP"):
        monkeypatch.setenv(name, f"hidden-{name}")
    return ["config", "show", "--config", "c.yaml", "--output-dir", "elsewhere", "--as-of", "2024-06-30"]


@pytest.mark.parametrize("key", VALUES)
def test_show_tells_where_a_value_comes_from(key: str, shown: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, said = answer(capsys, *shown, "--json")
    told = {one["key"]: one for one in json.loads(said)["values"]}[key]
    origins = {"file": told["place"], "environment": told["variable"], "option": told["option"]}
    assert (code, told["value"], told["from"], origins.get(told["from"])) == (0, *VALUES[key])


def test_show_hides_secrets_and_shows_all_else(shown: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--json"]):
        assert "hidden" not in answer(capsys, *shown, *more)[1]
    lines = answer(capsys, *shown)[1].splitlines()
    assert [line.split()[0] for line in lines if line.startswith("mongodb.h")] == ["mongodb.host"]
    assert any(line.endswith("environment variable MY_HOST, c.yaml, line 5") for line in lines)
    assert any(line.startswith("output_dir ") and line.endswith("  --output-dir") for line in lines)
    assert max(map(len, lines)) < 180
    names = {line.split()[0].partition(".")[0] for line in lines}
    assert names == {*yaml.safe_load((ROOT / "conf/segmentation.yaml").read_text())} | {
        *json_schema()["properties"]
    } - {"include"}


def test_show_of_what_is_not_valid(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "c.yaml").write_text("mode: sometimes\n")
    code, said = answer(capsys, "config", "show", "--config", "c.yaml")
    words = "mode: Input should be 'full' or 'incremental' (c.yaml, line 1)"
    assert (code, said) == (2, f"error: The configuration c.yaml is not valid: {words}\n")
    assert answer(capsys, "config", "show", "--as-of", "yesterday")[0] == 2


# Settings, and whether an editor finds them right.
DRAWN: dict[str, tuple[dict[str, Any], bool]] = {
    "nothing": ({}, True),
    "numbers": ({"high_aov_threshold": 20000.5, "dominant_threshold": 0.7, "loyal_min_purchases": 1}, True),
    "from the environment": ({"mongodb": {"port": "${PORT}", "tls": "${TLS}"}, "engine": "${ENGINE}"}, True),
    "a mark": ({"thousands_separator": "."}, True),
    "included": ({"include": ["a.yaml"]}, True),
    "own": ({"segmenters": ["my_rules:Vip"], "sources": {"till": "my_till:Till"}}, True),
    "metrics": ({"metrics": ["my_rules:Share", {"name": "bought", "sql": "count(*)"}]}, True),
    "by name": ({"dimensions": ["category", {"name": "spending", "rules": ["High Value"]}]}, True),
    "no metric": ({"metrics": [{"name": "bought"}]}, False),
    "a day": ({"as_of": "2024-06-30"}, True),
    "unknown": ({"outptu_dir": "x"}, False),
    "unknown inside": ({"mongodb": {"passwrod": "x"}}, False),
    "too large": ({"dominant_threshold": 1.5}, False),
    "too small": ({"loyal_min_purchases": 0}, False),
    "no number": ({"loyal_min_purchases": "five"}, False),
    "no choice": ({"engine": "sparc"}, False),
    "no list": ({"segmenters": "my_rules:Vip"}, False),
}


@pytest.mark.parametrize("case", DRAWN)
def test_the_schema_finds_what_is_wrong(case: str) -> None:
    settings, is_right = DRAWN[case]
    validator = jsonschema.Draft202012Validator(json_schema())
    assert validator.is_valid(settings) is is_right


def test_the_schema_is_one_and_fits_the_documented_file(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = answer(capsys, "config", "schema")
    schema = json.loads(said)
    jsonschema.Draft202012Validator.check_schema(schema)
    documented = yaml.safe_load((ROOT / "conf/segmentation.yaml").read_text())
    assert [str(error) for error in jsonschema.Draft202012Validator(schema).iter_errors(documented)] == []
    assert code == 0
    # What is no word of JSON Schema would be passed over by editors.
    assert not any(f'"{word}":' in said for word in ("ge", "le", "gt", "max_digits", "decimal_places"))
    assert "# yaml-language-server: $schema=" in schema["$comment"]


@pytest.mark.slow
@EMBEDDED
def test_a_new_dimension_passes_its_test_and_is_ready(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = answer(capsys, "new-dimension", "loyal_club", "--to", "rules")
    assert code == 0
    assert said.splitlines()[-1].endswith('segmenters: ["loyal_club:LoyalClub"]')
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "rules/test_loyal_club.py"]
    paths = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=paths, capture_output=True, text=True, check=False)
    assert "4 passed" in done.stdout, done.stdout + done.stderr
    (folder / "rules/c.yaml").write_text('segmenters: ["loyal_club:LoyalClub"]\n')
    said = answer(capsys, "config", "check", "rules/c.yaml")[1]
    sys.modules.pop("loyal_club", None)
    assert said.splitlines()[-1] == "    loyal_club: Champion, Promising, Occasional"
    scaffold = [str(path) for path in sorted((folder / "rules").glob("*.py"))]
    ruff = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--select",
        "E,F,W,UP",
        "--line-length",
        "120",
        *scaffold,
    ]
    assert subprocess.run(ruff, check=False).returncode == 0


NAMES = {
    "two words": ("loyal club", "expected a word of small letters, digits and _"),
    "capitals": ("Loyalty", "expected a word of small letters"),
    "a number in front": ("2nd", "expected a word of small letters"),
    "another alphabet": ("größe", "expected a word of small letters"),
    "hidden": ("_loyalty", "expected a word of small letters"),
    "a word of Python": ("class", "expected a word of small letters"),
    "a path": ("../loyalty", "expected a word of small letters"),
    "nothing": ("", "expected a word of small letters"),
    "a metric": ("total_purchases", "a metric, a dimension or a column of this name is there already"),
    "a column": ("run_id", "a metric, a dimension or a column of this name is there already"),
    "a dimension": ("category", "a metric, a dimension or a column of this name is there already"),
    "a module of Python": ("json", "a module of this name is installed, or of Python itself"),
    "an installed module": ("pydantic", "a module of this name is installed"),
}


@pytest.mark.parametrize("case", NAMES)
def test_names_that_a_dimension_cannot_have(case: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, message = NAMES[case]
    code, said = answer(capsys, "new-dimension", name)
    assert (code, message in said) == (2, True), said
    assert [path.name for path in folder.iterdir()] == ["kept_rules.py"]


@pytest.mark.parametrize("there", ["loyalty.py", "test_loyalty.py"])
def test_nothing_is_overwritten(there: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / there).write_text("mine")
    code, said = answer(capsys, "new-dimension", "loyalty")
    assert (code, f"{there} is there already, and is not overwritten" in said) == (2, True), said
    assert (folder / there).read_text() == "mine"
    assert len([*folder.glob("*loyalty.py")]) == 1


def test_where_nothing_can_be_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "file").touch()
    code, said = answer(capsys, "new-dimension", "loyalty", "--to", "file/below")
    assert (code, "cannot be written" in said) == (2, True), said
