"""Faults between the steps of a run, killed runs, and what the next one makes of them; on both engines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segmentation.engines.spark.files import Storage
from segmentation.engines.spark.tables import SparkTables
from segmentation.errors import NoDataError
from segmentation.run import intake, job, segmenting, settling
from segmentation.run.publication import Publication

from .conftest import EXPORT, GOOD, OTHER, Job, published


def inside(engine_name: str) -> tuple[type, type]:
    """What an engine keeps files and tables with."""
    if engine_name == "spark":
        return Storage, SparkTables
    from segmentation.engines.embedded.tables import DeltaRsTables
    from segmentation.engines.local import LocalFiles

    return LocalFiles, DeltaRsTables


class Fault(Exception):  # noqa: N818
    """Raised by the tests, where a disk or a network would."""


STEPS = {
    "reading": (intake, "read"),
    "validation": (intake, "label_rows"),
    "settling": (settling, "profile"),
    "rejected rows": ("tables", "append"),
    "segmenting": (segmenting, "resolve"),
    "counting": (segmenting, "counted"),
    "staging JSON": (Publication, "stage"),
    "Delta": ("tables", "overwrite"),
    "JSON": ("files", "replace"),
    "run record": (job, "append_run"),
    "status": (job, "record_success"),
}


# What the engine does itself.
OF_ENGINE = ("rejected rows", "staging JSON", "Delta", "JSON")
ONCE = pytest.mark.embedded_only(reason="the step is the same code on both engines")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [pytest.param(step, marks=[] if step in OF_ENGINE else ONCE) for step in STEPS])
def test_a_fault_at_any_step(
    engine_name: str,
    run_job: Job,
    write_csv,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    when: str,
) -> None:
    """The pair that readers see is the old one or the new one, and the next run is as if nothing had been."""
    old, new = write_csv(GOOD), write_csv(OTHER + "broken\n", "new.csv")
    run_job(old)
    before = published(tmp_path)
    owner, name = STEPS[step]
    owner = dict(zip(("files", "tables"), inside(engine_name), strict=True)).get(owner, owner)
    real = getattr(owner, name)

    def faulty(*arguments, **options):
        if when == "after":
            real(*arguments, **options)
        raise Fault(step)

    monkeypatch.setattr(owner, name, faulty)
    with pytest.raises(Fault):
        run_job(new)
    monkeypatch.undo()
    of_json, of_table = published(tmp_path)
    assert of_json == of_table
    is_published = step in ("run record", "status") or (step, when) == ("JSON", "after")
    assert (of_json == before[0]) is not is_published
    assert f"Run failed: {step}" in (tmp_path / "out/segmentation_runs.log").read_text()
    run_job(new)
    assert published(tmp_path) == ({"C3": "New"}, {"C3": "New"})
    assert not list((tmp_path / "out/.staging").glob("*"))


def test_the_first_publication_fails(engine_name: str, run_job: Job, write_csv, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(inside(engine_name)[0], "replace", lambda *_: (_ for _ in ()).throw(Fault("JSON")))
    with pytest.raises(Fault):
        run_job(write_csv(GOOD))
    monkeypatch.undo()
    assert published(tmp_path) == ({}, {})


def test_a_run_killed_between_its_two_publications_is_finished_by_the_next(
    engine_name: str, run_job: Job, write_csv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill runs no handler: leave everything as it is after the Delta commit."""
    run_job(write_csv(GOOD))
    files, tables = inside(engine_name)
    monkeypatch.setattr(files, "replace", lambda *_: (_ for _ in ()).throw(Fault("killed")))
    monkeypatch.setattr(tables, "restore", lambda *_: None)
    monkeypatch.setattr(files, "delete", lambda *_: None)
    with pytest.raises(Fault):
        run_job(write_csv(OTHER, "new.csv"))
    monkeypatch.undo()
    assert len(list((tmp_path / "out/.staging").glob("*/segments.json"))) == 1
    with pytest.raises(NoDataError):
        run_job(write_csv("", "empty.csv"))
    assert published(tmp_path) == ({"C3": "New"}, {"C3": "New"})


def test_leftovers_of_a_run_that_had_not_decided_are_removed(run_job: Job, write_csv, tmp_path: Path) -> None:
    left = tmp_path / "out/.staging/20240101T000000Z-dead"
    left.mkdir(parents=True)
    (left / "segments.json").write_text("[]")
    run_job(write_csv(GOOD))
    assert not left.exists()
    assert len(json.loads((tmp_path / EXPORT).read_text())) == 2
