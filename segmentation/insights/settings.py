"""What is wrong with a configuration, told without data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from segmentation.config import SegmentationConfig, load_config
from segmentation.config.files import Places, content_of, place_of
from segmentation.core.own.own import only_spark_knows
from segmentation.core.segmentation import Segmentation
from segmentation.engines.choose import INSTALL_EMBEDDED, missing_packages
from segmentation.errors import ConfigError, InvalidSettings, Problem
from segmentation.insights.reader import small_engine
from segmentation.plug_ins import segmentation_of, source_of

Labels = dict[str, list[str]]


def check(file: str) -> dict[str, Any]:
    """Check a file: its form and values, what it names in Python, and its rules by the embedded engine.

    Returns:
        JSON-serialisable: ``file``, ``ok``, ``problems`` (each with ``message``, which begins with the setting's path,
        and ``place``, file and line, null where it has none), ``dimensions`` (the labels of each in the order of the
        rules, null where they were not tried), ``not_tried`` (why rules were not, null where they were).
    """
    try:
        config = load_config(file)
    except InvalidSettings as error:
        return _told(file, list(error.problems))
    except ConfigError as error:
        return _told(file, [Problem(str(error))])
    places, problems = content_of(Path(file)).places, list(_named(config))
    labels, not_tried = None, _why_not(config) if not problems else None
    if not problems and not not_tried:
        problems, labels = _tried(segmentation_of(config))
    return _told(file, [_placed(one, places) for one in problems], labels, not_tried)


def _told(
    file: str, problems: list[Problem], labels: Labels | None = None, not_tried: str | None = None
) -> dict[str, Any]:
    return {
        "file": file,
        "ok": not problems,
        "problems": [one._asdict() for one in problems],
        "dimensions": labels,
        "not_tried": not_tried,
    }


def _named(config: SegmentationConfig) -> Iterator[Problem]:
    """What is wrong with files and classes that it names."""
    looks: list[Callable[[], object]] = [config.secrets, lambda: segmentation_of(config)]
    looks += [lambda name=name: source_of(name, config) for name in config.sources]  # type: ignore[misc]
    for look in looks:
        try:
            look()
        except ConfigError as error:
            yield Problem(str(error))


def _why_not(config: SegmentationConfig) -> str | None:
    if config.engine == "spark":
        return "engine: spark may know what the embedded engine does not; a run tries them before it reads."
    own = only_spark_knows(config)
    if own:
        return f"{own}; a run tries them before it reads."
    missing = missing_packages()
    return f"this needs {', '.join(missing)}: {INSTALL_EMBEDDED}." if missing else None


def _tried(segmentation: Segmentation) -> tuple[list[Problem], Labels | None]:
    with small_engine(segmentation.config, "it only checks") as (engine, _):
        try:
            segmentation.check(lambda schema: engine.rows([], schema))
        except ConfigError as error:
            return [Problem(str(error))], None
        labels: Labels = {}
        for dimension, label in segmentation.labels:
            labels.setdefault(dimension, []).append(label)
        return [], labels


def _placed(problem: Problem, places: Places) -> Problem:
    """With the place that its words begin with, or that of the setting whose path they begin with."""
    begin, _, rest = problem.message.partition(": ")
    if begin in places.values():
        return Problem(rest, begin)
    return Problem(problem.message, problem.place or place_of(tuple(begin.split(".")), places))
