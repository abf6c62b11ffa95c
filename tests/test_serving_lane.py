"""What makes the most frequent question quick changes no answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from segmentation.config import load_config, override
from segmentation.serving import export
from segmentation.serving.app import application
from segmentation.serving.export import Export

from .serving import publish

ELEMENT = '{{"customer_id":"C{:05d}","segmentation":{{"spending":"Low Value"}}}}'


@pytest.mark.parametrize("fences", [0, 1, 8, 1 << 12])
def test_what_is_remembered_of_searches_changes_none(
    fences: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "FENCES", fences)
    path = tmp_path / "export.json"
    # Every other number, so that there are ids between all that are there.
    path.write_text("[\n" + ",\n".join(ELEMENT.format(n) for n in range(0, 10_000, 2)) + "\n]\n")
    opened = Export(path)
    for _ in range(2):
        for number in range(0, 10_000, 7):
            expected = ELEMENT.format(number).encode() if number % 2 == 0 else None
            assert opened.element(f"C{number:05d}") == expected
    assert len(opened._fences) <= fences


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("lane")
    publish(folder, "C1,P1,2024-01-05,100,Womens\n")
    config = override(load_config(None), {"output_dir": str(folder / "out")})
    # Without keys, only names of this machine are served.
    return TestClient(application(config), base_url="http://127.0.0.1")


def test_the_lane_takes_no_address_that_is_described(client: TestClient) -> None:
    described = client.get("/openapi.json").json()["paths"]
    # What asks the tables needs a process for it, and is answered by other tests.
    others = [path for path in described if path.startswith("/segments/") and "{" not in path]
    assert "/segments/stats" in others
    for path in others:
        answer = client.request("GET" if "get" in described[path] else "POST", path)
        assert answer.status_code != 404, path


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("customer", "status"), [("C1", 200), ("c1", 404), ("", 404), ("C1/", 404), ("/C1", 404)])
def test_the_lane_answers_as_the_route_does(client: TestClient, method: str, customer: str, status: int) -> None:
    answer = client.request(method, f"/segments/{customer}")
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-segments-version"]


def test_the_lane_is_counted_under_its_route(client: TestClient) -> None:
    client.get("/segments/C1")
    assert 'route="/segments/{customer_id}",status="200"' in client.get("/metrics").text


def test_another_method_is_none_of_the_lane(client: TestClient) -> None:
    assert client.delete("/segments/C1").status_code == 405
