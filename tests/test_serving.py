"""Segments over HTTP: a real server, a real client, every route and every error."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from deltalake import DeltaTable

from segmentation.pipeline import CustomerSegmentationPipeline
from segmentation.serving import desk
from segmentation.serving.export import BLOCK, Export
from segmentation.sinks.escapes import escaped

from .conftest import HEADER
from .processes import ROOT, children, is_alive, ports_of, wait_for
from .serving import Server, publish, serving

pytestmark = pytest.mark.slow
STRANGE = [
    "a/b",
    "x?y#z",
    "ü€😀",
    "per%cent",
    "it's",
    "a b",
    "metrics",
    "stats",
    "x/metrics",
    '\\"',
    "L" * 3000,
    "tab\tin",
]
NOT_FOUND = {"error": "Customer not found"}


def rows() -> str:
    """Three hundred plain customers, and those whose ids are hard to write."""
    lines = [f"C{n:03d},P{n},2024-{1 + n % 6:02d}-03,{50 * n},{('Womens', 'Mens', 'Kids')[n % 3]}" for n in range(300)]
    lines += [f'"{one.replace(chr(34), chr(34) * 2)}",S{n},2024-06-01,100,Kids' for n, one in enumerate(STRANGE)]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output in a folder with a blank."""
    made = tmp_path_factory.mktemp("with a blank")
    publish(made, rows())
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """One for all that only ask."""
    with serving(folder) as started:
        yield started


@pytest.fixture(scope="module")
def ask(server: Server) -> Iterator[httpx.Client]:
    """Its client."""
    with httpx.Client(base_url=server.address, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def elements(folder: Path) -> dict[str, Any]:
    """What is published, by id."""
    return {one["customer_id"]: one for one in json.loads((folder / "out/customer_segmentation.json").read_text())}


def quoted(customer: str) -> str:
    from urllib.parse import quote

    return quote(customer, safe="")


def test_every_customer_is_answered_as_it_is_published(ask: httpx.Client, elements: dict[str, Any]) -> None:
    assert len(elements) == 300 + len(STRANGE)
    for customer, element in elements.items():
        # A route of this name comes first; docs/serving.md says how to ask for such a customer.
        if customer != "stats":
            answer = ask.get(f"/segments/{quoted(customer)}")
            assert (answer.status_code, answer.json()) == (200, element), customer
    assert ask.post("/segments/lookup", json={"customer_ids": ["stats"]}).json()["customers"] == [elements["stats"]]


@pytest.mark.parametrize(
    "customer", ["C300", "c001", "C00", "C0011", " C001", "%00", "%FF", "'; DROP TABLE t; --", "%2E%2E"]
)
@pytest.mark.parametrize("route", ["/segments/{}", "/customers/{}/metrics", "/customers/{}/history"])
def test_an_unknown_customer(ask: httpx.Client, route: str, customer: str) -> None:
    answer = ask.get(route.format(customer))
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_an_answer_says_its_version_and_is_not_sent_twice(ask: httpx.Client, folder: Path) -> None:
    answer = ask.get("/segments/C001")
    run = json.loads((folder / "out/run_results.json").read_text())["run_id"]
    assert answer.headers["X-Segments-Version"].startswith(run)
    assert answer.headers["Content-Type"] == "application/json"
    again = ask.get("/segments/C001", headers={"If-None-Match": f'"other", W/{answer.headers["ETag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert ask.get("/segments/C002", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 200
    head = ask.head("/segments/C001")
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", answer.headers["ETag"])


def test_statistics(ask: httpx.Client, elements: dict[str, Any]) -> None:
    told = ask.get("/segments/stats", params={"by": "category,spending"}).json()
    assert (told["customers"], told["as_of"]) == (len(elements), "2024-06-03")
    for dimension, labels in told["dimensions"].items():
        for label, found in labels.items():
            there = sum(one["segmentation"][dimension] == label for one in elements.values())
            assert found == {"customers": there, "share": round(there / len(elements), 6)}
    crossed = {(row["category"], row["spending"]): row["customers"] for row in told["crossed"]["rows"]}
    assert sum(crossed.values()) == len(elements)
    kids = sum(
        one["segmentation"] | {"category": "Kids", "spending": "Low Value"} == one["segmentation"]
        for one in elements.values()
    )
    assert crossed["Kids", "Low Value"] == kids > 0


def pages(ask: httpx.Client, **asked: Any) -> Iterator[list[Any]]:
    cursor = None
    while True:
        told = ask.get("/segments", params={**asked, **({"cursor": cursor} if cursor else {})}).json()
        yield told["customers"]
        cursor = told["next_cursor"]
        if cursor is None:
            return


@pytest.mark.parametrize("limit", [1, 7, 100, 1000])
def test_a_listing_holds_everybody_once_in_order(ask: httpx.Client, elements: dict[str, Any], limit: int) -> None:
    found = [*pages(ask, limit=limit)]
    assert all(len(page) <= limit for page in found)
    assert [one for page in found for one in page] == [*elements.values()]


def test_a_listing_by_labels(ask: httpx.Client, elements: dict[str, Any]) -> None:
    asked = {"category": ["Kids", "Mens"], "spending": "Low Value"}
    wanted = [
        one
        for one in elements.values()
        if one["segmentation"]["category"] in ("Kids", "Mens") and one["segmentation"]["spending"] == "Low Value"
    ]
    assert 10 < len(wanted) < len(elements)
    assert [one for page in pages(ask, limit=10, **asked) for one in page] == wanted
    assert ask.get("/segments", params={"purchase_frequency": "Loyal"}).json()["customers"] == []


@pytest.mark.parametrize("since", ["2024-01-01", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00+05:30"])
def test_a_listing_of_those_who_changed(ask: httpx.Client, elements: dict[str, Any], since: str) -> None:
    assert [one for page in pages(ask, limit=50, changed_since=since) for one in page] == [*elements.values()]
    kids = [one for one in elements.values() if one["segmentation"]["category"] == "Kids"]
    assert [one for page in pages(ask, limit=50, changed_since=since, category="Kids") for one in page] == kids
    assert [*pages(ask, changed_since="2999-01-01")] == [[]]


def test_a_listing_in_other_forms(ask: httpx.Client, elements: dict[str, Any]) -> None:
    lines = ask.get("/segments", headers={"Accept": "application/x-ndjson"}).text.splitlines()
    assert [json.loads(line) for line in lines] == [*elements.values()]
    answer = ask.get("/segments?limit=3", headers={"Accept": "text/csv;q=0.9"})
    assert answer.headers["Content-Type"].startswith("text/csv")
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert found == [{"customer_id": one["customer_id"], **one["segmentation"]} for one in [*elements.values()][:3]]
    some = ask.get("/segments?category=Mens&changed_since=2024-01-01", headers={"Accept": "application/x-ndjson"})
    assert len(some.text.splitlines()) == sum(one["segmentation"]["category"] == "Mens" for one in elements.values())


def test_a_lookup_of_many(ask: httpx.Client, elements: dict[str, Any]) -> None:
    asked = [*elements, "nobody", "C001"]
    told = ask.post("/segments/lookup", json={"customer_ids": asked}).json()
    assert told["customers"] == [*elements.values()]
    assert told["missing"] == ["nobody"]


def test_what_the_tables_know(ask: httpx.Client) -> None:
    for customer in ("C010", "x/metrics", "it's"):
        told = ask.get(f"/customers/{quoted(customer)}/metrics").json()
        assert (told["customer_id"], told["total_purchases"]) == (customer, 1)
        history = ask.get(f"/customers/{quoted(customer)}/history").json()
        assert history["customer_id"] == customer
        assert [one["cause"] for one in history["changes"]] == ["first_seen"] * 3
        assert {one["changed_at"][-6:] for one in history["changes"]} == {"+05:30"}
    assert ask.get("/customers/C010/metrics").json()["lifetime_spend"] == "500.00"


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/segments?spending=Huge", 400, "spending: expected one of High Value, Low Value, Medium Value, found 'Huge'"),
        ("/segments?speding=Low", 400, "speding: expected one of limit, cursor"),
        ("/segments?limit=0", 400, "limit: Input should be greater than or equal to 1"),
        ("/segments?limit=1001", 400, "limit:"),
        ("/segments?limit=many", 400, "limit:"),
        ("/segments?cursor=nonsense", 400, "cursor: expected the next_cursor of a page"),
        ("/segments?cursor=W10", 400, "cursor: expected"),
        ("/segments?changed_since=yesterday", 400, "changed_since: expected a day like 2024-06-30"),
        ("/segments?changed_since=2024-01-01T00:00:00", 400, "changed_since: expected"),
        ("/segments/stats?by=size", 400, "by: expected some of purchase_frequency,spending,category, each once"),
        ("/segments/stats?by=spending,spending", 400, "by: expected"),
        ("/segments/stats?bye=spending", 400, "bye: expected one of by"),
        ("/nowhere", 404, "There is no such address"),
        ("/segments/", 404, "Customer not found"),
        ("/segments/" + "x" * (1 << 15), 414, "The address is longer"),
    ],
)
def test_what_cannot_be_answered(ask: httpx.Client, address: str, status: int, words: str) -> None:
    answer = ask.get(address)
    assert (answer.status_code, [*answer.json()]) == (status, ["error"])
    assert answer.json()["error"].startswith(words)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b'{"customer_ids": "C1"}', b'{"customer_ids": [1]}', b"\xff", b"[" * 100_000]
)
def test_what_cannot_be_looked_up(ask: httpx.Client, body: bytes) -> None:
    answer = ask.post("/segments/lookup", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith('Expected {"customer_ids"')


def test_too_much_to_look_up(ask: httpx.Client) -> None:
    assert ask.post("/segments/lookup", json={"customer_ids": [str(n) for n in range(1001)]}).status_code == 400
    assert ask.post("/segments/lookup", content=b" " * (1 << 21)).status_code == 413
    # One that says nothing of its size.
    assert ask.post("/segments/lookup", content=iter([b" " * (1 << 20)] * 3)).status_code == 413
    assert ask.put("/segments/C001").status_code == 405


def test_a_cursor_is_for_the_same_question(ask: httpx.Client) -> None:
    cursor = ask.get("/segments?category=Kids&limit=1").json()["next_cursor"]
    answer = ask.get("/segments", params={"category": "Mens", "cursor": cursor})
    assert answer.status_code == 400
    assert "asked for something else" in answer.json()["error"]


def test_every_answer_is_guarded(ask: httpx.Client) -> None:
    for address in ("/segments/C001", "/segments/nobody", "/", "/docs", "/nowhere", "/segments?limit=0"):
        headers = ask.get(address).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "server" not in headers
    assert (
        "access-control-allow-origin" not in ask.get("/segments/C001", headers={"Origin": "https://x.example"}).headers
    )


def test_large_answers_are_compressed(ask: httpx.Client) -> None:
    assert ask.get("/segments?limit=300").headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in ask.get("/segments/C001").headers


def test_its_state(ask: httpx.Client, folder: Path, elements: dict[str, Any]) -> None:
    assert ask.get("/healthz").json() == {"status": "ok"}
    ready = ask.get("/readyz")
    assert (ready.status_code, ready.json()["ready"], ready.json()["as_of"]) == (200, True, "2024-06-03")
    metrics = ask.get("/metrics").text
    assert f"segmentation_api_customers {len(elements):.1f}" in metrics
    assert 'segmentation_api_requests_total{method="GET",route="/segments/{customer_id}",status="200"}' in metrics
    described = ask.get("/openapi.json").json()
    assert {"/segments/{customer_id}", "/segments/lookup", "/customers/{customer_id}/metrics"} <= {*described["paths"]}


def test_no_engine_and_no_port_of_one(server: Server, ask: httpx.Client) -> None:
    ask.get("/customers/C001/metrics")
    ask.get("/customers/C001/explain")
    pids = [server.process.pid, *children(server.process.pid)]
    assert len(pids) >= 2
    assert len({address for pid in pids for address in ports_of(pid)}) == 1
    for pid in pids:
        assert b"java" not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert "pysail" not in Path(f"/proc/{pid}/maps").read_text()


KEYED = """
api:
  keys:
    - {name: shop, sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b}
  requests_per_minute: 20
  cors_origins: [https://shop.example]
  log_ids: false
"""


def test_with_keys(folder: Path) -> None:
    with serving(folder, config=KEYED) as server, httpx.Client(base_url=server.address) as ask:
        for headers in ({}, {"X-API-Key": "wrong"}, {"Authorization": "Basic secret"}, {"X-API-Key": ""}):
            answer = ask.get("/segments/C001", headers=headers)
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert ask.get("/metrics").status_code == 401
        for address in ("/healthz", "/readyz", "/", "/docs", "/openapi.json"):
            assert ask.get(address).status_code == 200
        assert ask.get("/segments/C001", headers={"Authorization": "Bearer secret"}).status_code == 200
        preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
        allowed = ask.options("/segments/C001", headers={**preflight, "Access-Control-Request-Headers": "X-API-Key"})
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        refused = ask.get("/segments/C001", headers={"Origin": "https://shop.example"})
        assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, "https://shop.example")
        statuses = [ask.get("/segments/C001", headers={"X-API-Key": "secret"}).status_code for _ in range(60)]
        assert 19 <= statuses.count(200) <= 39
        assert {*statuses} == {200, 429}
        assert server.stop() == 0
        logged = server.requests.read_text() + server.log.read_text()
        assert '"key": "shop"' in logged
        assert not any(word in logged for word in ("C001", "secret", "wrong"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "0.0.0.0"], "no key is asked for"),
        (["--workers", "0"], "--workers: expected 1 or more"),
        (["--output-dir", "nowhere"], "No data found: "),
        (["--output-dir", "s3a://bucket/out"], "is not on this machine"),
    ],
)
def test_what_is_not_served(folder: Path, options: list[str], words: str) -> None:
    command = [sys.executable, "-m", "segmentation.cli", "serve", "--port", "0", "--output-dir", str(folder / "out")]
    told = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode in (2, 3)
    assert words in told.stderr
    assert "Traceback" not in told.stderr


def test_a_new_key(folder: Path) -> None:
    command = [sys.executable, "-m", "segmentation.cli", "serve", "--new-key", "shop's"]
    key, _, entry = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.partition("\n")
    config = entry[entry.index("api:") :]
    with serving(folder, "--host", "0.0.0.0", config=config) as server:
        address = server.address.replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{address}/segments/C001", headers={"X-API-Key": key}).status_code == 200
        assert httpx.get(f"{address}/segments/C001").status_code == 401


def test_too_old(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "out", tmp_path / "out")
    (tmp_path / "out/automation_status.json").unlink()
    log = tmp_path / "out/delta/customer_segments/_delta_log"
    for commit in log.glob("*.json"):
        lines = [json.loads(line) for line in commit.read_text().splitlines()]
        for line in lines:
            if "commitInfo" in line:
                line["commitInfo"]["timestamp"] -= 25 * 3600 * 1000
        commit.write_text("\n".join(map(json.dumps, lines)))
    with serving(tmp_path) as server:
        answer = httpx.get(f"{server.address}/readyz")
        assert (answer.status_code, answer.json()["ready"]) == (503, False)
        assert httpx.get(f"{server.address}/segments/C001").status_code == 200


def test_a_process_that_answers_from_tables_is_replaced(folder: Path) -> None:
    with serving(folder) as server, httpx.Client(base_url=server.address, timeout=30) as ask:
        assert ask.get("/customers/C001/metrics").status_code == 200
        for pid in children(server.process.pid):
            os.kill(pid, 9)
        assert ask.get("/customers/C002/metrics").status_code == 200
        pids = children(server.process.pid)
        assert pids
        os.kill(server.process.pid, 9)
        server.process.wait()
        wait_for("the end of its children", lambda: not any(is_alive(pid) for pid in pids))


def test_requests_in_flight_are_answered_at_the_end(folder: Path) -> None:
    with serving(folder, "--workers", "2") as server:
        with httpx.Client(base_url=server.address) as ask:
            assert {ask.get("/segments/C001").status_code for _ in range(20)} == {200}
            total = ask.get("/metrics").text
            assert 'route="/segments/{customer_id}",status="200"} 20.0' in total
        assert server.stop() == 0


def test_a_new_version_is_noticed(tmp_path: Path) -> None:
    publish(tmp_path, "C1,P1,2024-01-03,100,Kids\nC2,P2,2024-01-03,100,Kids\nC3,P3,2024-01-03,100,Kids\n")
    with serving(tmp_path) as server, httpx.Client(base_url=server.address) as ask:
        first = ask.get("/segments/C1")
        cursor = ask.get("/segments?limit=1").json()["next_cursor"]
        publish(tmp_path, "C1,P9,2024-01-04,900000,Mens\nC2,P8,2024-01-04,1,Mens\n", "more.csv", mode="full")
        wait_for("it", lambda: ask.get("/segments/C1").json() != first.json(), 30)
        answer = ask.get("/segments/C1")
        assert answer.json()["segmentation"]["spending"] == "High Value"
        assert answer.headers["X-Segments-Version"] != first.headers["X-Segments-Version"]
        assert ask.get("/customers/C1/metrics").json()["lifetime_spend"] == "900000.00"
        assert ask.get("/segments/C3").status_code == 404
        # Who is gone has a history; a listing ends as it began.
        assert [one["to_label"] for one in ask.get("/customers/C3/history").json()["changes"]][-3:] == [None] * 3
        rest = ask.get("/segments", params={"limit": 10, "cursor": cursor})
        assert [one["customer_id"] for one in rest.json()["customers"]] == ["C2", "C3"]
        assert rest.headers["X-Segments-Version"] == first.headers["X-Segments-Version"]
        changed = ask.get("/segments?changed_since=2024-01-01").json()["customers"]
        assert [one["customer_id"] for one in changed] == ["C1", "C2"]
    with serving(tmp_path, config="api: {keep_minutes: 0}\n") as server:
        gone = httpx.get(f"{server.address}/segments", params={"limit": 10, "cursor": cursor})
        assert (gone.status_code, "Start again" in gone.json()["error"]) == (410, True)


def test_a_run_that_died_between_the_commit_and_the_export(tmp_path: Path) -> None:
    publish(tmp_path, "C1,P1,2024-01-03,100,Kids\n")
    kept = tmp_path / "kept.json"
    os.link(tmp_path / "out/customer_segmentation.json", kept)
    publish(tmp_path, "C1,P1,2024-01-03,200000,Mens\n", mode="full")
    # As it lay there, in the moment between.
    second = tmp_path / "second.json"
    (tmp_path / "out/customer_segmentation.json").rename(second)
    time.sleep(0.05)
    shutil.copy2(kept, tmp_path / "old.json")
    log = tmp_path / "out/delta/customer_segments/_delta_log"
    newest = max(log.glob("*.json"))
    (tmp_path / "old.json").rename(tmp_path / "out/customer_segmentation.json")
    time.sleep(0.05)
    os.utime(newest)
    with serving(tmp_path) as server, httpx.Client(base_url=server.address) as ask:
        before = ask.get("/segments/C1")
        assert before.json()["segmentation"]["spending"] == "Low Value"
        assert ask.get("/customers/C1/metrics").json()["lifetime_spend"] == "100.00"
        second.replace(tmp_path / "out/customer_segmentation.json")
        wait_for("it", lambda: ask.get("/segments/C1").json()["segmentation"]["spending"] == "High Value", 5)
        assert ask.get("/customers/C1/metrics").json()["lifetime_spend"] == "200000.00"
        assert ask.get("/segments/C1").headers["X-Segments-Version"] != before.headers["X-Segments-Version"]


@pytest.mark.parametrize("length", [1, 40, BLOCK, 3 * BLOCK])
def test_lines_of_any_length_are_found(tmp_path: Path, length: int) -> None:
    ids = sorted(
        {f"{n:05d}" + "x" * (length if n % 7 == 0 else 0) for n in range(3000 if length < BLOCK else 60)},
        key=str.encode,
    )
    lines = [f'{{"customer_id":"{escaped(one)}","segmentation":{{"a":"b"}}}}' for one in ids]
    path = tmp_path / "export.json"
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    export = Export(path)
    for number, one in enumerate(ids):
        assert export.element(one) == lines[number].encode()
        assert export.element(one + "!") is None
        later = [line for some in export.blocks(export.after(one), 1 << 12) for line in some]
        assert later == [line.encode() for line in lines[number + 1 :]]
    assert export.element("") is None
    assert export.element("zzz") is None


def test_nobody(tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text("[]\n")
    export = Export(tmp_path / "export.json")
    assert export.is_whole
    assert export.element("C1") is None
    assert [*export.blocks(export.first)] == []


def test_why(ask: httpx.Client, folder: Path) -> None:
    for customer in ("C010", "a/b", "tab\tin"):
        command = [sys.executable, "-m", "segmentation.cli", "explain", customer, "--json"]
        command += ["--output-dir", str(folder / "out")]
        told = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
        assert ask.get(f"/customers/{quoted(customer)}/explain").json() == told
        assert [one["published"] for one in told["dimensions"]] == [one["label"] for one in told["dimensions"]]
    assert ask.get("/customers/nobody/explain").json() == NOT_FOUND


OWN = """
output_dir: {folder}/out
engine: embedded
mode: incremental
report: false
as_of: 2024-06-30
input: {{extra_columns: {{country: {{from: Country}}}}}}
segmenters: ["served_rules:Keen"]
metrics:
  - {{name: market, sql: "max_by(country, purchase_date)"}}
  - {{name: lately, sql: "coalesce(sum(amount) filter (where in_last_90_days), 0)"}}
scores:
  - {{name: tier, of: lifetime_spend, within: market, cut: {{shares: [0.25, 1.0]}}, labels: [Top, Rest]}}
dimensions:
  - name: care
    rules:
      - {{label: Call, when: "tier = 'Top' and lately = 0"}}
      - {{label: Thank, when: "tier = 'Top'"}}
    otherwise: Leave
per: {{column: market, values: {{IN: {{high_lifetime_threshold: 11000}}}}}}
"""
KEEN = """
from pyspark.sql import functions as F
from segmentation import Rule, Segmenter

class Keen(Segmenter):
    dimension = "keen"

    def rules(self):
        return [Rule("Keen", F.col("total_purchases") >= 2)]

    @property
    def fallback(self):
        return "Not Yet"
"""


def test_what_is_configured_is_served_with_no_further_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Own metrics, scores, dimensions and rules in code, and thresholds by market."""
    bought = [(n, 1 + n % 6, 500 * n, ("IN", "LK")[n % 2]) for n in range(40)] + [(7, 2, 10, "LK")]
    lines = [f"C{n},P{at},2024-0{month}-03,{price},Kids,{land}" for at, (n, month, price, land) in enumerate(bought)]
    (tmp_path / "in.csv").write_text(HEADER.strip() + ",Country\n" + "\n".join(lines) + "\n")
    (tmp_path / "served_rules.py").write_text(KEEN)
    (tmp_path / "own.yaml").write_text(OWN.format(folder=tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    CustomerSegmentationPipeline(tmp_path / "own.yaml").run("csv", tmp_path / "in.csv")
    published = json.loads((tmp_path / "out/customer_segmentation.json").read_text())
    with (
        serving(tmp_path, config=OWN.format(folder=tmp_path)) as server,
        httpx.Client(base_url=server.address, timeout=30) as ask,
    ):
        stats = ask.get("/segments/stats", params={"by": "care,keen"}).json()
        assert list(stats["dimensions"]) == ["purchase_frequency", "spending", "category", "keen", "care"]
        assert {label: one["customers"] for label, one in stats["dimensions"]["keen"].items()} == {
            "Keen": 1,
            "Not Yet": 39,
        }
        assert ask.get("/segments/C7").json() == next(one for one in published if one["customer_id"] == "C7")
        called = ask.get("/segments", params={"care": "Call"}).json()["customers"]
        assert called == [one for one in published if one["segmentation"]["care"] == "Call"] != []
        metrics = ask.get("/customers/C38/metrics").json()
        assert (metrics["market"], metrics["lately"], metrics["tier"], metrics["care"]) == ("IN", "0.00", "Top", "Call")
        assert {one["dimension"] for one in ask.get("/customers/C7/history").json()["changes"]} == {
            *stats["dimensions"]
        }
        for customer, limit in (("C38", "11000"), ("C39", "150000"), ("C7", "150000")):
            command = [sys.executable, "-m", "segmentation.cli", "explain", customer, "--json"]
            command += ["--config", str(tmp_path / "own.yaml")]
            told = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
            assert ask.get(f"/customers/{customer}/explain").json() == told
            assert told["rules_as_published"] and told["next_unknown"] is None
            assert told["dimensions"][1]["rules"][0]["comparisons"][1]["threshold"] == limit
        assert ask.get("/openapi.json").status_code == 200


def test_housekeeping_takes_no_answer_away(tmp_path: Path) -> None:
    publish(tmp_path, "C1,P1,2024-01-03,100,Kids\nC2,P2,2024-01-03,100,Kids\n")
    with serving(tmp_path) as server, httpx.Client(base_url=server.address, timeout=30) as ask:
        before = [ask.get(f"/customers/C1/{what}").json() for what in ("metrics", "history", "explain")]
        version = ask.get("/segments/C1").headers["X-Segments-Version"]
        for table in ("customer_segments", "segment_changes", "purchases"):
            opened = DeltaTable(tmp_path / "out/delta" / table)
            opened.optimize.z_order(["customer_id"])
            opened.vacuum(0, enforce_retention_duration=False, dry_run=False)
        assert [ask.get(f"/customers/C1/{what}").json() for what in ("metrics", "history", "explain")] == before
        assert ask.get("/segments/C1").headers["X-Segments-Version"] == version
        main = [sys.executable, "-m", "segmentation.cli", "erase", "C1", "--output-dir", str(tmp_path / "out")]
        subprocess.run(main, cwd=ROOT, check=True, capture_output=True)
        wait_for("the erasure", lambda: ask.get("/segments/C1").status_code == 404, 5)
        assert {ask.get(f"/customers/C1/{what}").status_code for what in ("metrics", "history", "explain")} == {404}
        assert ask.get("/customers/C2/metrics").json()["lifetime_spend"] == "100.00"


def answered(address: str, **asked: Any) -> int | None:
    """The status of an answer, None where there is none in time."""
    try:
        return httpx.get(address, timeout=5, **asked).status_code
    except httpx.HTTPError:
        return None


def test_an_export_that_is_written_over_in_place(tmp_path: Path) -> None:
    publish(tmp_path, rows())
    export = tmp_path / "out/customer_segmentation.json"
    whole = export.read_bytes()
    with serving(tmp_path) as server:
        export.write_bytes(whole[:300])
        assert {answered(f"{server.address}/segments/{one}") for one in ("C001", "C250", "zzz")} <= {200, 404, 503}
        assert answered(f"{server.address}/segments?limit=300") in (200, 503)
        assert answered(f"{server.address}/healthz") == 200
        # Looked for a few times a second.
        wait_for("what it says", lambda: "is not whole" in server.log.read_text())
        export.write_bytes(whole)
        wait_for("it", lambda: answered(f"{server.address}/segments/C250") == 200)
        assert server.stop() == 0


def test_who_asks_for_nothing_is_sent_away(folder: Path) -> None:
    with serving(folder) as server:
        host, port = server.address.removeprefix("http://").split(":")
        with closing(socket.create_connection((host, int(port)))) as silent:
            silent.settimeout(60)
            start = time.monotonic()
            silent.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            assert gone(silent)
            assert time.monotonic() - start > 5
        with closing(socket.create_connection((host, int(port)))) as talkative:
            talkative.settimeout(60)
            talkative.sendall(b"GET /healthz HTTP/1.1\r\n")
            with suppress(OSError):
                for _ in range(1000):
                    talkative.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")
            assert gone(talkative)
        with closing(socket.create_connection((host, int(port)))) as patient:
            patient.settimeout(60)
            for _ in range(2):
                patient.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                time.sleep(0.5)
                assert patient.recv(1 << 16).startswith(b"HTTP/1.1 200")


def gone(connection: socket.socket) -> bool:
    """Was it closed from the other side?"""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_many_wait_when_their_process_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    class Counted(ProcessPoolExecutor):
        def __init__(self, *about: Any, **more: Any) -> None:
            made.append(self)
            super().__init__(*about, **more)

    async def asked() -> None:
        one = desk.Desk(60)
        pid = await one.ask(os.getpid)
        waiting = [asyncio.create_task(one.ask(time.sleep, 0.2)) for _ in range(8)]
        await asyncio.sleep(0.1)
        os.kill(pid, 9)
        await asyncio.gather(*waiting)
        one.close()

    monkeypatch.setattr(desk, "ProcessPoolExecutor", Counted)
    asyncio.run(asked())
    assert len(made) == 2


def test_a_worker_does_not_serve_others_when_the_keys_are_gone(folder: Path) -> None:
    with serving(folder, "--host", "0.0.0.0", "--workers", "2", config=KEYED) as server:
        address = server.address.replace("0.0.0.0", "127.0.0.1")
        assert answered(f"{address}/segments/C001") == 401
        (folder / "serve.yaml").write_text("api: {}\n")
        for pid in children(server.process.pid):
            os.kill(pid, 9)
        wait_for("a word", lambda: "has lost its keys" in server.log.read_text())
        assert answered(f"{address}/segments/C001") in (None, 401)


def test_a_page_of_somebody_else_cannot_take_our_name(ask: httpx.Client, server: Server) -> None:
    port = server.address.rpartition(":")[2]
    for host in ("evil.example", f"evil.example:{port}", "", "localhost.evil.example", "127.0.0.1.nip.io"):
        assert ask.get("/segments/C001", headers={"Host": host}).status_code in (400, 421)
    for host in ("localhost", f"localhost:{port}", "127.0.0.1", f"[::1]:{port}"):
        assert ask.get("/segments/C001", headers={"Host": host}).status_code == 200
    assert ask.get("/docs/").status_code == 404


EDGES = ["0001-01-01", "9999-12-31T23:59:59-05:00", "0999-01-01", "1000-01-01", "0001-01-01T00:00:00+14:00"]


@pytest.mark.parametrize("name", ["changed_since", "since"])
@pytest.mark.parametrize(
    "moment", ["0001-01-01", "9999-12-31T23:59:59-05:00", "0999-01-01", "1000-01-01", "0001-01-01T00:00:00+14:00"]
)
def test_moments_at_the_edge_of_time(ask: httpx.Client, name: str, moment: str) -> None:
    answer = ask.get("/segments" if name == "changed_since" else "/segments/movements", params={name: moment})
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("parts", [["v", "\ud800", "x"], ["v", 1, "x"], {"v": 1}])
def test_cursors_that_nobody_gave(ask: httpx.Client, parts: Any) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
    assert ask.get("/segments", params={"cursor": cursor}).status_code == 400
    deep = base64.urlsafe_b64encode(b"[" * 9000).decode().rstrip("=")
    assert ask.get("/segments", params={"cursor": deep}).status_code == 400


def test_a_head_of_a_stream_costs_nothing(ask: httpx.Client, server: Server) -> None:
    assert ask.head("/segments", headers={"Accept": "text/csv"}).headers["Content-Type"].startswith("text/csv")
    # It is written after the answer.
    wait_for("its line", lambda: json.loads(server.requests.read_text().splitlines()[-1])["method"] == "HEAD")
    assert json.loads(server.requests.read_text().splitlines()[-1])["bytes"] == 0
    refused = ask.get("/segments?limit=1", headers={"Accept": "text/csv;q=0, application/json"})
    assert refused.headers["Content-Type"] == "application/json"
    assert "Accept" in refused.headers["Vary"].split(", ")


def test_a_port_that_is_taken(folder: Path, server: Server) -> None:
    port = server.address.rpartition(":")[2]
    command = [sys.executable, "-m", "segmentation.cli", "serve", "--output-dir", str(folder / "out"), "--port", port]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 1
    assert "error: " in told.stderr
    assert "Traceback" not in told.stderr


def test_probes_are_not_counted(folder: Path) -> None:
    with serving(folder, config="api: {requests_per_minute: 3}\n") as server:
        assert {answered(f"{server.address}/healthz") for _ in range(10)} == {200}
        assert {answered(f"{server.address}/segments/C001") for _ in range(10)} == {200, 429}
