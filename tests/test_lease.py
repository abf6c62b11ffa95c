"""Who holds an output that is not local."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from segmentation.engines.spark import lease as module
from segmentation.engines.spark.files import Storage
from segmentation.engines.spark.lease import DEAD_AFTER, Lease, held
from segmentation.errors import OutputBusyError

from .processes import wait_for


@pytest.fixture
def path(tmp_path: Path) -> str:
    return f"file://{tmp_path}/out/.segmentation.lock"


def written(tmp_path: Path) -> Path:
    return tmp_path / "out/.segmentation.lock"


def left(tmp_path: Path) -> list[str]:
    """What is there, but for the checksums that Hadoop keeps beside local files."""
    return [found.name for found in (tmp_path / "out").iterdir() if not found.name.endswith(".crc")]


def test_one_run_holds_it_and_lets_go(spark: SparkSession, path: str, tmp_path: Path) -> None:
    storage = Storage(spark)
    with held(Lease(storage, path, "one")):
        assert json.loads(written(tmp_path).read_text())["run_id"] == "one"
        with pytest.raises(OutputBusyError, match=r"Run one on \S+ holds file:/\S+lock\. .* free at [0-9:]{8} UTC"):
            Lease(storage, path, "two").take()
    assert not written(tmp_path).exists()
    with held(Lease(storage, path, "two")):
        pass


def age(tmp_path: Path, by: timedelta) -> None:
    claim = json.loads(written(tmp_path).read_text())
    claim["renewed_at"] = (datetime.now(UTC) - by).isoformat()
    written(tmp_path).write_text(json.dumps(claim))
    written(tmp_path).with_name("..segmentation.lock.crc").unlink(missing_ok=True)


def test_a_dead_run_is_succeeded_and_must_not_publish_any_more(
    spark: SparkSession, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(spark)
    cut_off = Lease(storage, path, "one")
    cut_off.take()
    cut_off.confirm()
    with monkeypatch.context() as patched:
        # Whoever comes back after so long cannot know that nobody is taking over right now.
        patched.setattr(cut_off, "renewed_at", cut_off.renewed_at - DEAD_AFTER.total_seconds())
        with pytest.raises(OutputBusyError, match="may have"):
            cut_off.confirm()
    age(tmp_path, DEAD_AFTER - timedelta(seconds=20))
    with pytest.raises(OutputBusyError):
        Lease(storage, path, "two").take()
    age(tmp_path, DEAD_AFTER)
    with held(Lease(storage, path, "two")) as second:
        with pytest.raises(OutputBusyError, match="another one has taken over"):
            cut_off.confirm()
        assert not cut_off.renew()
        cut_off.release()
        second.confirm()
    assert left(tmp_path) == []


def test_it_is_renewed_while_the_run_works(
    spark: SparkSession, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEWED_EVERY", timedelta(milliseconds=50))
    storage = Storage(spark)
    with held(Lease(storage, path, "one")) as lease:
        age(tmp_path, DEAD_AFTER)
        alive = (datetime.now(UTC) - DEAD_AFTER / 2).isoformat()
        wait_for("the renewal", lambda: json.loads(storage.read(path) or "{}").get("renewed_at", "") > alive, 10)
        with pytest.raises(OutputBusyError):
            Lease(storage, path, "two").take()
        lease.confirm()


def test_who_finds_a_dead_one_gives_back_what_another_has_taken_meanwhile(
    spark: SparkSession, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(spark)
    Lease(storage, path, "dead").take()
    age(tmp_path, DEAD_AFTER)
    quick, slow = Lease(storage, path, "quick"), Lease(storage, path, "slow")
    rename = storage.rename

    def quick_comes_first(source: str, target: str) -> bool:
        monkeypatch.setattr(storage, "rename", rename)
        quick.take()
        return rename(source, target)

    monkeypatch.setattr(storage, "rename", quick_comes_first)
    with pytest.raises(OutputBusyError):
        slow.take()
    quick.confirm()
    quick.release()
    assert left(tmp_path) == []


def test_a_file_that_is_not_whole_is_somebodys_until_it_is_old(spark: SparkSession, path: str, tmp_path: Path) -> None:
    storage = Storage(spark)
    written(tmp_path).parent.mkdir()
    written(tmp_path).write_text("{")
    with pytest.raises(OutputBusyError):
        Lease(storage, path, "two").take()
    os.utime(written(tmp_path), (0, 0))
    with held(Lease(storage, path, "two")) as lease:
        lease.confirm()
