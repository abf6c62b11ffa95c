"""The API does what its description says, whatever it is asked: schemathesis on a real server."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS

from .serving import publish, serving
from .test_serving import rows

pytestmark = pytest.mark.slow
ROUTES = {
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
    ("get", "/segments/stats"),
    ("post", "/segments/lookup"),
    ("get", "/segments"),
    ("get", "/segments/{customer_id}"),
    ("get", "/customers/{customer_id}/metrics"),
    ("get", "/customers/{customer_id}/history"),
    ("get", "/customers/{customer_id}/explain"),
    ("get", "/segments/movements"),
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where it is served."""
    folder = tmp_path_factory.mktemp("described")
    publish(folder, rows())
    with serving(folder) as server:
        yield server.address


def test_every_route_is_described(address: str) -> None:
    paths = httpx.get(f"{address}/openapi.json").json()["paths"]
    assert {(method, path) for path, methods in paths.items() for method in methods} == ROUTES


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
def test_answers_are_as_described(address: str, method: str, path: str) -> None:
    operation = schemathesis.openapi.from_url(f"{address}/openapi.json")[path][method.upper()]

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(case=operation.as_strategy())
    def answers(case: schemathesis.Case) -> None:
        # Nobody can make up a cursor, and few texts are moments.
        is_made_up = path in ("/segments", "/segments/movements")
        left_out = [CHECKS.get_one("positive_data_acceptance")] if is_made_up else []
        case.call_and_validate(excluded_checks=left_out)

    answers()
