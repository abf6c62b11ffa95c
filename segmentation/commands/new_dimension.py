"""`segmentation new-dimension`: the beginnings of a dimension in Python, and of its test."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "write the beginnings of a dimension in Python, and of its test"
MODULE = '''"""The dimension {name}: say here what its labels mean."""

from __future__ import annotations

from pyspark.sql import functions as F
from segmentation import Rule, Segmenter


class {title}(Segmenter):
    """In the configuration: ``segmenters: ["{name}:{title}"]``."""

    dimension = "{name}"
    # The label of a customer whom no rule matches.
    fallback = "Occasional"

    def rules(self) -> list[Rule]:
        """In order: the first that holds gives the label."""
        return [
            Rule("Champion", (F.col("total_purchases") >= 10) & (F.col("days_since_last_purchase") <= 30)),
            Rule("Promising", F.col("lifetime_spend") >= 50_000),
        ]
'''
TEST = '''"""Both sides of each boundary of the rules in {name}.py."""

from __future__ import annotations

import pytest
from {name} import {title}
from segmentation.testing import labels_of

CASES = [
    ({{"total_purchases": 10, "days_since_last_purchase": 30, "lifetime_spend": 49_999.99}}, "Champion"),
    ({{"total_purchases": 9, "days_since_last_purchase": 30, "lifetime_spend": 49_999.99}}, "Occasional"),
    ({{"total_purchases": 10, "days_since_last_purchase": 31, "lifetime_spend": 49_999.99}}, "Occasional"),
    ({{"total_purchases": 10, "days_since_last_purchase": 31, "lifetime_spend": 50_000}}, "Promising"),
]


@pytest.mark.parametrize(("metrics", "label"), CASES)
def test_label(metrics: dict[str, float], label: str) -> None:
    assert labels_of({title}(), metrics) == [label]
'''
TAKEN = "a metric, a dimension or a column of this name is there already"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument(
        "name", metavar="NAME", help="what it is called: a column, a JSON key and a module, as in loyalty"
    )
    parser.add_argument("--to", metavar="DIR", default=".", help="where to write; beside the configuration it is found")


def execute(options: argparse.Namespace) -> int:
    """Write both, and say what is to be done."""
    files = _files(options.name, Path(options.to))
    _refuse(options.name, files)
    _write(files)
    module, test = files
    print(f"Rules  {module}")
    print(f"Test   {test}  (python -m pytest {test})")
    print(f'To use it, add to a configuration beside it:  segmenters: ["{options.name}:{_title(options.name)}"]')
    return 0


def _refuse(name: str, files: dict[Path, str]) -> None:
    from segmentation.errors import ConfigError

    there = [path for path in files if path.exists()]
    wrong = _no_word(name) or _no_class(name) or (None if there else _taken(name))
    if wrong:
        raise ConfigError(f"new-dimension: {name!r} cannot be its name: {wrong}.")
    if there:
        raise ConfigError(f"{there[0]} is there already, and is not overwritten: choose another name, or --to DIR.")


def _no_class(name: str) -> str | None:
    return "it is what segmentation calls its own class" if _title(name) in ("Rule", "Segmenter") else None


def _write(files: dict[Path, str]) -> None:
    from segmentation.errors import ConfigError

    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}.") from None


def _no_word(name: str) -> str | None:
    from keyword import iskeyword

    if name.isascii() and name.isidentifier() and name == name.lower() and name[0] != "_" and not iskeyword(name):
        return None
    return "expected a word of small letters, digits and _, such as loyalty"


def _taken(name: str) -> str | None:
    from importlib.util import find_spec

    from segmentation.core.metrics import METRICS_SCHEMA
    from segmentation.core.rules import TAKEN as PUBLISHED
    from segmentation.core.segmenters import DEFAULT_SEGMENTERS

    if name in (*METRICS_SCHEMA.names, *PUBLISHED, *(one.dimension for one in DEFAULT_SEGMENTERS)):
        return TAKEN
    # The installed one would be found in its place.
    return "a module of this name is installed, or of Python itself" if find_spec(name) else None


def _title(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _files(name: str, folder: Path) -> dict[Path, str]:
    words = {"name": name, "title": _title(name)}
    return {folder / f"{name}.py": MODULE.format(**words), folder / f"test_{name}.py": TEST.format(**words)}
