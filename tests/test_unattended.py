"""What is told of runs that nobody watches: record, status, metrics, alerts, the unusual; and when a run must end."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from segmentation.cli import main
from segmentation.config import load_config
from segmentation.errors import ConfigError, QualityGateError, RunTimeoutError
from segmentation.monitoring.alerts import alert_of, stale, tell
from segmentation.monitoring.health import freshness_of, health
from segmentation.run import limit, segmenting
from segmentation.run.shift import Shift, population_stability
from segmentation.state.output import Output
from segmentation.state.status import changing, read_status, record_start, watching

from .conftest import GOOD, HEADER, OTHER, Job, published, table
from .endpoint import Endpoint

ONCE = pytest.mark.embedded_only(reason="it is told after the engine has ended")
BROKEN = "Customer_ID,Order_ID\nC1,P1\n"
ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def results(tmp_path: Path) -> dict[str, Any]:
    return json.loads((tmp_path / "out/run_results.json").read_text())


def output_of(tmp_path: Path) -> Output:
    return Output(str(tmp_path / "out"), "customer_segmentation.json")


def test_the_record_of_a_run(run_job: Job, write_csv, tmp_path: Path) -> None:
    result = run_job(write_csv(GOOD + "C3,,2024-01-05,1,Kids\n"))
    told = results(tmp_path)
    assert (told["schema_version"], told["outcome"], told["error"]) == (1, "succeeded", None)
    names = ("run_id", "rows_read", "purchases_used", "rows_rejected", "total_customers", "as_of", "engine")
    assert {name: told[name] for name in names} == {name: result["metadata"][name] for name in names}
    assert told["segments"] == result["segments"]
    written = {name: of["rows_written"] for name, of in told["tables"].items()}
    assert written == {"customer_segments": 2, "segment_changes": 6, "rejected_purchases": 1}
    assert all(step["outcome"] == "succeeded" and step["seconds"] >= 0 for step in told["steps"])
    assert {step["name"]: step["counts"] for step in told["steps"]}["Read and validate"]["rows"] == 3
    assert {step["name"] for step in told["steps"]} >= {"Start the engine", "Segment customers", "Publish"}
    rows = re.findall(r"^\| (`.*?`) \|", (ROOT / "docs/run-results.md").read_text(), re.MULTILINE)
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row)] == list(told)


@ONCE
def test_the_record_of_a_failure(run_job: Job, write_csv, tmp_path: Path) -> None:
    run_job(write_csv(GOOD))
    before = published(tmp_path)
    with pytest.raises(Exception, match="Missing required columns"):
        run_job(write_csv("", header=BROKEN))
    told = results(tmp_path)
    assert told["outcome"] == "failed"
    assert (told["error"]["type"], told["error"]["exit_code"]) == ("MissingColumnsError", 3)
    assert told["error"]["message"].startswith("Missing required columns: ")
    assert told["steps"][-1] == {**told["steps"][-1], "name": "Read and validate", "outcome": "failed"}
    assert published(tmp_path) == before
    status = read_status(output_of(tmp_path))
    assert (status["failures_in_a_row"], status["last_run"]["outcome"]) == (1, "failed")
    assert status["last_success_run_id"] != told["run_id"]


@ONCE
def test_a_dry_run_leaves_no_record(run_job: Job, write_csv, tmp_path: Path) -> None:
    run_job(write_csv(GOOD), dry_run=True)
    assert not (tmp_path / "out/run_results.json").exists()
    assert not read_status(output_of(tmp_path))


@ONCE
def test_metrics_are_those_of_the_last_success(run_job: Job, write_csv, tmp_path: Path) -> None:
    result = run_job(write_csv(GOOD + "C3,,2024-01-05,1,Kids\n"))
    file = tmp_path / "out/segmentation_metrics.prom"
    text = file.read_text()
    found = {
        (one.name, *sorted(one.labels.values())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }
    assert found["segmentation_customers",] == 2
    assert found["segmentation_rows", "rejected"] == 1
    assert found["segmentation_rejected_rows", "missing_purchase_id"] == 1
    for dimension, labels in result["segments"].items():
        for label, count in labels.items():
            assert found["segmentation_label_customers", *sorted((dimension, label))] == count
    assert abs(found["segmentation_last_success_timestamp_seconds",] - time.time()) < 60
    with pytest.raises(Exception, match="Missing required columns"):
        run_job(write_csv("", header=BROKEN))
    assert file.read_text() == text
    file.unlink()
    run_job(write_csv(GOOD), prometheus=False)
    assert not file.exists()


def test_the_index_of_a_shift() -> None:
    before, now = {"a": 60, "b": 40}, {"a": 30, "b": 70}
    p, q = (60.5 / 101, 40.5 / 101), (30.5 / 101, 70.5 / 101)
    expected = sum((y - x) * math.log(y / x) for x, y in zip(p, q, strict=True))
    assert math.isclose(population_stability(before, now), expected)
    assert population_stability(before, before) == 0
    assert population_stability({"a": 1000, "b": 0}, {"a": 0, "b": 1000}) > 10


def numbers(of: dict[str, int], spend: float = 1e6, rejected: float = 0.01) -> dict[str, Any]:
    customers = sum(of.values())
    return {
        "customers": customers,
        "purchases": 3 * customers,
        "spend": spend,
        "labels": {"d": of},
        "rejected": rejected,
    }


def told_of(
    now: dict[str, Any], before: dict[str, Any], runs: int = 20, *, is_meant: bool = False, **config: Any
) -> Shift:
    said = {"numbers": before, "usual": {"runs": runs, "labels": before["labels"], "rejected": before["rejected"]}}
    return Shift(load_config({"monitoring": config}).monitoring, said, now, is_meant=is_meant)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (numbers({"a": 1500, "b": 500}), []),
        (numbers({"a": 1500, "b": 500}, rejected=0.05), ["rejected rows: 5.0% of those read, usually 1.0%"]),
        (
            numbers({"a": 800, "b": 1200}),
            [
                "d: a has 40.0% of the customers, 75.0% at the run before (shift 0.53)",
                "d: a has 40.0% of the customers, 75.0% usually (shift 0.53)",
            ],
        ),
        (numbers({"a": 1500, "b": 500}, spend=8e5), ["spend: 800,000, 1,000,000 at the run before (-20.0%)"]),
        (
            numbers({"a": 1200, "b": 400}),
            [
                "customers: 1,600, 2,000 at the run before (-20.0%)",
                "purchases: 4,800, 6,000 at the run before (-20.0%)",
            ],
        ),
        # So few say nothing.
        (numbers({"a": 100, "b": 200}), []),
    ],
)
def test_what_is_unusual(now: dict[str, Any], expected: list[str]) -> None:
    before = numbers({"a": 1500, "b": 500})
    assert told_of(now, before).told(1000, None, NOW.date()) == expected


def test_what_is_refused() -> None:
    before, now = numbers({"a": 1500, "b": 500}), numbers({"a": 800, "b": 1200})
    with pytest.raises(QualityGateError, match=r"too unlike .* d: a has 40.0% .* --accept-shift"):
        told_of(now, before).refuse()
    told_of(now, before, runs=9).refuse()
    told_of(now, before, refuse_above=None).refuse()
    told_of(now, before, refuse_above=0.6, warn_above=0.5).refuse()
    told_of(numbers({"a": 1400, "b": 600}), before).refuse()


def test_what_is_usual_follows_slowly() -> None:
    said: dict[str, Any] = {}
    monitoring = load_config({}).monitoring
    for number in range(30):
        of = {"a": 1500, "b": 500} if number < 20 else {"a": 500, "b": 1500}
        said = Shift(monitoring, said, numbers(of), is_meant=False).said
    assert said["usual"]["runs"] == 30
    share = said["usual"]["labels"]["d"]["a"] / 2000
    assert math.isclose(share, 0.25 + 0.5 * 0.9**10, rel_tol=1e-3)
    other = {**numbers({"x": 2000}), "labels": {"other": {"x": 2000}}}
    assert Shift(monitoring, said, other, is_meant=False).said["usual"]["runs"] == 1


def test_what_was_meant_is_usual_from_then_on() -> None:
    before, now = numbers({"a": 1500, "b": 500}), numbers({"a": 500, "b": 1500})
    accepted = told_of(now, before, is_meant=True)
    accepted.refuse()
    again = Shift(load_config({}).monitoring, accepted.said, now, is_meant=False)
    again.refuse()
    assert again.told(1000, None, NOW.date()) == []
    with pytest.raises(QualityGateError):
        Shift(load_config({}).monitoring, again.said, before, is_meant=False).refuse()


@pytest.mark.slow
@ONCE
def test_an_unlike_publication_is_refused_and_accepted(run_job: Job, write_csv, tmp_path: Path) -> None:
    config = {"monitoring": {"baseline_runs": 1, "min_customers": 2}}
    run_job(write_csv(GOOD), **config)
    before = published(tmp_path)
    many = "".join(f"N{number},Q{number},2024-01-06,900000,Mens\n" for number in range(50))
    with pytest.raises(QualityGateError, match="too unlike"):
        run_job(write_csv(GOOD + many), **config)
    assert published(tmp_path) == before
    assert results(tmp_path)["error"]["exit_code"] == 4
    # Rules that differ are meant to change labels.
    run_job(write_csv(GOOD + many), **config, high_aov_threshold=20_000)
    again = "".join(f"N{number},Q{number},2024-01-06,5,Kids\n" for number in range(50))
    arguments = ["run", "--csv-path", str(write_csv(GOOD + again)), "--output-dir", str(tmp_path / "out")]
    own = tmp_path / "own.yaml"
    own.write_text("monitoring: {baseline_runs: 1, min_customers: 2}\nhigh_aov_threshold: 20000\nreport: false\n")
    arguments += ["--engine", "embedded", "--config", str(own)]
    assert main(arguments) == 4
    assert main([*arguments, "--accept-shift"]) == 0
    assert results(tmp_path)["findings"]
    assert main(arguments) == 0
    assert not results(tmp_path)["findings"]


@ONCE
def test_an_old_newest_purchase_is_told(run_job: Job, write_csv, tmp_path: Path) -> None:
    run_job(write_csv(GOOD), monitoring={"newest_purchase_within_days": 30})
    assert re.fullmatch(
        r"the newest purchase is of 2024-01-06, \d+ days ago; expected within 30 days", results(tmp_path)["findings"][0]
    )
    run_job(write_csv(GOOD), monitoring={"newest_purchase_within_days": 30}, as_of="2024-01-06")
    assert results(tmp_path)["findings"] == []


def told(outcome: str = "succeeded", message: str | None = None, code: int = 1, **more: Any) -> dict[str, Any]:
    error = {"type": "X", "exit_code": code, "message": message} if message else None
    facts = {
        "tables": {},
        "output": "/o",
        "outcome": outcome,
        "error": error,
        "total_customers": 5,
        "as_of": "2026-01-01",
    }
    return {**facts, "findings": [], **more}


def test_an_alert_is_sent_once_while_nothing_is_new(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    output = output_of(tmp_path)
    with Endpoint() as endpoint:
        config = load_config({"alerts": {"urls": [endpoint.address]}})

        def happens(run: dict[str, Any], failures: int) -> bool:
            return tell(config, output, alert_of(run, {"failures_in_a_row": failures}))

        assert happens(told("failed", "no disk after 3 rows"), 0)
        assert not happens(told("failed", "no disk after 17 rows"), 1)
        old = {"max_loaded_at_time_ago_in_s": 90_000, "criteria": {"error_after": {"count": 24, "period": "hour"}}}
        assert tell(config, output, stale(output, old))
        assert not happens(told("failed", "no disk after 20 rows"), 2)
        assert not tell(config, output, stale(output, {**old, "max_loaded_at_time_ago_in_s": 95_000}))
        assert happens(told("failed", "refused it", 4), 3)
        assert happens(told(), 4)
        assert not happens(told(), 0)
        assert happens(told("failed", "no disk after 3 rows"), 0)
        titles = [one["title"].partition(":")[0] for one in endpoint.received]
        assert titles == ["Run failed", "Stale", "Refused to publish", "Recovered", "Run failed"]
        assert "no disk after 3 rows" in endpoint.received[0]["message"]
        assert "after 4 failed runs" in endpoint.received[3]["message"]
        assert happens(told(findings=["spend: less"]), 0)
        assert "- spend: less" in endpoint.received[-1]["message"]
        assert not happens(told(findings=["spend: less"]), 0)
        # The same disk, in the folders of two runs.
        assert happens(told("failed", "full: /o/.staging/20261126T010203Z-ab12cd34/part-1f2e3d4c.parquet"), 0)
        assert not happens(told("failed", "full: /o/.staging/20261127T040506Z-ee99ff00/part-9a8b7c6d.parquet"), 1)
        late = {"tables": {"customer_segments": {}}}
        assert happens(told("failed", "the server is gone", **late), 2)
        assert "The customers were published before it failed." in endpoint.received[-1]["message"]


def test_an_alert_that_did_not_arrive_is_sent_again(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    output, failure = output_of(tmp_path), alert_of(told("failed", "no disk"), {})
    with Endpoint(500) as endpoint:
        config = load_config({"alerts": {"urls": [endpoint.address]}})
        assert not tell(config, output, failure)
        endpoint.status = 200
        assert tell(config, output, failure)
        assert not tell(config, output, failure)
        # The status cannot be written.
        (tmp_path / "out").chmod(0o500)
        if os.geteuid() != 0:
            assert tell(config, output, alert_of(told("failed", "no disk, no status"), {}))


@pytest.mark.slow
@ONCE
def test_a_run_that_was_killed_is_counted_and_told(run_job: Job, write_csv, tmp_path: Path, capsys) -> None:
    run_job(write_csv(GOOD))
    output = output_of(tmp_path)
    record_start(output, {"run_id": "20260101T000000Z-12345678", "trigger": "cron", "started_at": NOW.isoformat()})
    assert main(["status", "--output-dir", str(tmp_path / "out")]) == 2
    assert "the run ended without a word" in capsys.readouterr().out
    with Endpoint() as endpoint:
        run_job(write_csv(GOOD), alerts={"urls": [endpoint.address]})
        assert [one["title"].partition(":")[0] for one in endpoint.received] == ["Run died", "Recovered"]
        assert "20260101T000000Z-12345678" in endpoint.received[0]["message"]
    assert "running" not in read_status(output)
    assert read_status(output)["failures_in_a_row"] == 0


@ONCE
def test_alerts_of_runs_and_their_secrets(run_job: Job, write_csv, tmp_path: Path, capsys, caplog) -> None:
    with Endpoint() as endpoint, Endpoint(500) as broken:
        urls = [endpoint.address, broken.address]
        with pytest.raises(Exception, match="Missing required columns"):
            run_job(write_csv("", header=BROKEN), alerts={"urls": urls})
        assert [one["title"] for one in endpoint.received] == [f"Run failed: {tmp_path}/out"]
        own = tmp_path / "own.yaml"
        own.write_text(json.dumps({"alerts": {"urls": [endpoint.address]}}))
        assert main(["alerts", "test", "--config", str(own), "--output-dir", str(tmp_path / "out")]) == 0
        assert endpoint.received[-1]["title"].startswith("Test: ")
        own.write_text(json.dumps({"alerts": {"urls": [broken.address]}}))
        assert main(["alerts", "test", "--config", str(own)]) == 1
        for address in ("nothing://at-all", "hooks.slack.com/services/T0/s3cret", "mailto:me:s3cret@host"):
            own.write_text(json.dumps({"alerts": {"urls": [address]}}))
            assert main(["alerts", "test", "--config", str(own)]) == 1
        assert main(["alerts", "test"]) == 2
    everything = caplog.text + "".join(capsys.readouterr()) + str(load_config(own))
    everything += "".join(file.read_text() for file in (tmp_path / "out").glob("*.*"))
    assert "could not be sent to number 2 (json://...) of alerts.urls" in everything
    assert "s3cret" not in everything


@pytest.mark.slow
@ONCE
def test_lineage_goes_to_a_file_and_to_an_endpoint(run_job: Job, write_csv, tmp_path: Path, caplog) -> None:
    log = tmp_path / "events.ndjson"
    run_job(write_csv(GOOD + "C3,,2024-01-05,1,Kids\n"), lineage={"file": str(log)})
    start, complete = map(json.loads, log.read_text().splitlines())
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == complete["run"]["runId"]
    assert start["eventTime"] < complete["eventTime"]
    (source,) = complete["inputs"]
    assert (source["namespace"], source["name"]) == ("file", str(tmp_path / "purchases.csv"))
    assert source["inputFacets"]["inputStatistics"]["rowCount"] == 3
    (found,) = source["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (found["assertion"], found["column"]) == ("no_missing_purchase_id: 1 rows", "purchase_id")
    outputs = {one["name"].rpartition("/")[2]: one for one in complete["outputs"]}
    assert outputs["customer_segments"]["outputFacets"]["outputStatistics"]["rowCount"] == 2
    columns = [field["name"] for field in outputs["customer_segments"]["facets"]["schema"]["fields"]]
    assert sorted(columns) == sorted(vars(table(tmp_path, "customer_segments")[0]))
    with Endpoint() as endpoint:
        with pytest.raises(Exception, match="Missing required columns"):
            run_job(write_csv("", header=BROKEN), lineage={"url": endpoint.url, "api_key": "s3cret"})
        assert [one["eventType"] for one in endpoint.received] == ["START", "FAIL"]
        assert "Missing required columns" in endpoint.received[1]["run"]["facets"]["errorMessage"]["message"]
    with pytest.raises(ConfigError, match="url or file"):
        load_config({"lineage": {}})
    # Nobody is there any more: told, and no failure of the run.
    assert run_job(write_csv(GOOD), lineage={"url": endpoint.url})["metadata"]["total_customers"] == 2
    assert "Something that follows the run failed; the run did not: " in caplog.text


def test_freshness_in_the_words_of_dbt() -> None:
    limits = load_config({}).freshness
    ages = {1: "pass", 12.5: "warn", 25: "error"}
    for hours, expected in ages.items():
        status = {"last_success": (NOW - timedelta(hours=hours)).isoformat()}
        fresh = freshness_of(status, limits, NOW)
        assert (fresh["status"], fresh["max_loaded_at_time_ago_in_s"]) == (expected, hours * 3600)
        seen = {**status, "last_checked": (NOW - timedelta(hours=1)).isoformat()}
        assert freshness_of(seen, limits, NOW)["status"] == "pass"
    assert freshness_of({}, limits, NOW)["status"] == "runtime error"
    never = load_config({"freshness": {"warn_after": None, "error_after": None}}).freshness
    assert freshness_of({"last_success": "2020-01-01T00:00:00+00:00"}, never, NOW)["status"] == "pass"


def test_the_verdict_for_monitors(tmp_path: Path, capsys) -> None:
    output, config = output_of(tmp_path), load_config({})

    def verdict(**more: Any) -> str:
        with changing(output) as status:
            status.clear()
            status.update({"last_success": NOW.isoformat(), **more})
        found = health(config, output, NOW + timedelta(hours=1))
        return f"{found['verdict']}: {'; '.join(found['reasons'])}"

    assert health(config, output, NOW)["verdict"] == "unknown"
    (tmp_path / "out").mkdir()
    assert verdict() == "ok: "
    failed = {"failures_in_a_row": 2, "last_run": {"error": {"message": "no disk"}}}
    assert verdict(**failed) == "critical: the last 2 runs failed, the last one with: no disk"
    old = (NOW - timedelta(hours=13)).isoformat()
    assert verdict(last_success=old) == "warning: last known to be fresh 14.0 hours ago"
    assert verdict(last_run={"findings": ["x"]}) == "warning: unusual: x"
    assert verdict(watch={"state": "watching"}) == "critical: segmentation watch was running and is not any more"
    with watching(output):
        assert verdict(watch={"state": "watching"}) == "ok: "
    assert verdict(watch={"state": "stopped"}) == "ok: "
    Path(output.lock_file).touch()
    with output.locked():
        assert health(config, output, NOW)["state"] == "running"
    assert main(["status", "--output-dir", str(tmp_path / "out")]) == 2
    assert "CRITICAL" in capsys.readouterr().out
    assert main(["status", "--json", "--output-dir", str(tmp_path / "nowhere")]) == 3
    assert json.loads(capsys.readouterr().out)["verdict"] == "unknown"
    (tmp_path / "out/automation_status.json").write_text("{")
    assert health(config, output, NOW)["verdict"] == "unknown"
    # What another program, or a clock that was set back, has left.
    future = (NOW + timedelta(days=9)).isoformat()
    for odd in ("2026-01-01T00:00:00", "yesterday", 5, future):
        assert verdict(last_success=odd, last_run="x", watch=["y"]).startswith("unknown: nothing was published")


@pytest.mark.slow
def test_a_run_that_hangs_is_ended(run_job: Job, write_csv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_job(write_csv(GOOD))
    before = published(tmp_path)
    timers: list[tuple[float, Any]] = []

    def hang(*_: object) -> None:
        """The time is over while the run hangs, however slow the machine is."""
        threading.Timer(0.3, timers[0][1]).start()
        time.sleep(600)

    with monkeypatch.context() as slow:
        slow.setattr(limit, "_timer", lambda *of: timers.append(of) or threading.Timer(600, print))
        slow.setattr(segmenting, "counted", hang)
        with pytest.raises(RunTimeoutError, match=r"max_run_minutes \(0.1\)"):
            run_job(write_csv(OTHER), max_run_minutes="0.1")
    assert timers[0][0] == 6
    assert published(tmp_path) == before
    assert results(tmp_path)["error"]["type"] == "RunTimeoutError"
    assert "Run failed: the run took longer" in (tmp_path / "out/segmentation_runs.log").read_text()
    run_job(write_csv(OTHER))
    assert set(published(tmp_path)[0]) == {"C3"}


HANGS = """
import signal, sys, time
from decimal import Decimal
from segmentation.run import limit
limit.GRACE = 0.5
signal.signal(signal.SIGINT, lambda *_: None)
with limit.ended_at_last(Decimal("0.01")), limit.Limit(Decimal("0.01")).running():
    time.sleep(60)
"""


@pytest.mark.slow
def test_a_job_in_the_background_of_a_shell_is_ended_as_well() -> None:
    program = HANGS.replace("signal.signal(signal.SIGINT, lambda *_: None)", "").replace("GRACE = 0.5", "GRACE = 30")
    started = time.monotonic()
    command = [f"'{sys.executable}' -c '{program}' & wait $!"]
    ended = subprocess.run(["/bin/sh", "-c", *command], capture_output=True, text=True, check=False)
    assert "KeyboardInterrupt" in ended.stderr
    assert time.monotonic() - started < 25


@pytest.mark.slow
def test_what_hears_no_signal_is_ended_as_well() -> None:
    started = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "error: the run took longer than max_run_minutes (0.01)" in ended.stderr
    assert time.monotonic() - started < 30


@pytest.mark.slow
@ONCE
def test_the_log_turns_over_and_speaks_json(run_job: Job, write_csv, tmp_path: Path) -> None:
    how = {"log": {"format": "json", "max_megabytes": "0.001", "keep": 2}}
    for _ in range(3):
        run_job(write_csv(GOOD), **how)
    logs = sorted(path.name for path in (tmp_path / "out").glob("segmentation_runs.log*"))
    assert logs == ["segmentation_runs.log", "segmentation_runs.log.1", "segmentation_runs.log.2"]
    lines = [json.loads(line) for line in (tmp_path / "out/segmentation_runs.log").read_text().splitlines()]
    assert {*lines[0]} == {"time", "level", "run_id", "message"}
    assert lines[-1]["message"].startswith("Run succeeded: 2 customers")
    (tmp_path / "out/segmentation_runs.log").unlink()
    with pytest.raises(Exception, match="Missing required columns"):
        run_job(write_csv("", header=BROKEN), log={"format": "json"})
    assert json.loads((tmp_path / "out/segmentation_runs.log").read_text().splitlines()[-1])["level"] == "ERROR"


@ONCE
def test_python_s_own_level_counts(run_job: Job, write_csv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("segmentation"), "level", logging.NOTSET)
    monkeypatch.setattr(logging.getLogger(), "level", logging.DEBUG)
    logging.getLogger("segmentation").manager._clear_cache()
    run_job(write_csv(GOOD))
    assert " DEBUG " in (tmp_path / "out/segmentation_runs.log").read_text()


@pytest.mark.slow
@ONCE
def test_freshness_says_why_and_how(engine_name: str, write_csv, tmp_path: Path, capsys) -> None:
    source = write_csv(GOOD)
    (tmp_path / "own.yaml").write_text("report: false\n")
    arguments = ["run", "--csv-path", str(source), "--output-dir", str(tmp_path / "out"), "--check-freshness"]
    arguments += ["--fresh-exit-code", "99", "--config", str(tmp_path / "own.yaml"), "--engine", engine_name]

    def said(*more: str) -> tuple[int, str]:
        code = main([*arguments, *more])
        return code, capsys.readouterr().out.splitlines()[0]

    assert said() == (0, f"The job runs: no successful run is known in {tmp_path}/out.")
    assert said()[0] == 99
    status = read_status(output_of(tmp_path))
    assert status["last_checked"] > status["last_success"]
    source.write_text(HEADER + GOOD + OTHER)
    assert said() == (0, "The job runs: the source changed since the last successful run.")
    (tmp_path / "own.yaml").write_text("report: false\ndominant_threshold: 0.6\n")
    assert said() == (0, "The job runs: the configuration changed since the last successful run.")
    (tmp_path / "out/customer_segmentation.json").unlink()
    assert said() == (0, f"The job runs: what the last run published in {tmp_path}/out is not there, or not whole.")
    assert main([*arguments, "--json"]) == 99
    assert json.loads(capsys.readouterr().out)["outcome"] == "skipped"
    assert main([*arguments[:5], "--json", "--trigger", "cron", "--engine", engine_name]) == 0
    assert json.loads(capsys.readouterr().out)["trigger"] == "cron"
