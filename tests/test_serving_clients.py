"""The examples under examples/clients do what they show: against a real server, with a key, behind one that is busy."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from .processes import ROOT
from .serving import publish, serving

pytestmark = pytest.mark.slow
CLIENTS = ROOT / "examples" / "clients"
COMMANDS = {
    "python": [sys.executable, str(CLIENTS / "segments.py")],
    "curl": ["bash", str(CLIENTS / "segments.sh")],
    "javascript": ["node", str(CLIENTS / "segments.mjs")],
}
NEEDS = {"python": (), "curl": ("bash", "curl", "jq"), "javascript": ("node",)}
KEY = "a key of the tests"
# Ids as no address holds them unencoded.
CUSTOMER = "C/1 ü?#&"
LOYAL, PIECE = 250, 1000


class Busy(ThreadingHTTPServer):
    """Passes on to a server, but sends the first question of each kind away.

    Args:
        to: where the server is.
    """

    daemon_threads = True

    def __init__(self, to: str) -> None:
        super().__init__(("127.0.0.1", 0), PassingOn)
        self.to = to
        self.refusals = {"GET": 429, "POST": 503}
        self.answered: list[tuple[int, str]] = []


class PassingOn(BaseHTTPRequestHandler):
    server: Busy

    def do_GET(self) -> None:
        refusal = self.server.refusals.pop(self.command, None)
        if refusal:
            self.answer(refusal, {"Retry-After": "1", "Content-Type": "application/json"}, b'{"error": "later"}')
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
        passed = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        # Compressed or not is between the two.
        passed["Accept-Encoding"] = "identity"
        request = urllib.request.Request(self.server.to + self.path, body, passed, method=self.command)
        try:
            with urllib.request.urlopen(request, timeout=30) as found:
                self.answer(found.status, dict(found.headers), found.read())
        except urllib.error.HTTPError as error:
            self.answer(error.code, dict(error.headers), error.read())

    do_POST = do_GET  # noqa: N815 - the name that the server looks for

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.server.answered.append((status, self.path))
        self.send_response_only(status)
        kept = ("etag", "content-type", "retry-after")
        for name, value in headers.items():
            if name.lower() in kept:
                self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # In pieces that end anywhere, as streams do.
        for at in range(0, len(body), PIECE):
            self.wfile.write(body[at : at + PIECE])
            self.wfile.flush()
            time.sleep(0.002)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("clients")
    bought = [(f"L{n:03d}", f"{n}-{k}", f"2024-05-0{k + 1}") for n in range(LOYAL) for k in range(5)]
    lines = [f"{customer},{order},{day},100,Kids" for customer, order, day in bought]
    publish(folder, "\n".join([*lines, f"{CUSTOMER},X,2024-05-09,20000,Womens"]) + "\n")
    hashed = hashlib.sha256(KEY.encode()).hexdigest()
    with serving(folder, config=f"api: {{keys: [{{name: tests, sha256: {hashed}}}]}}\n") as server:
        yield server.address


@contextmanager
def busy(to: str) -> Iterator[Busy]:
    server = Busy(to)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def said(client: str, url: str, key: str = KEY) -> list[dict[str, Any]]:
    missing = [program for program in NEEDS[client] if not shutil.which(program)]
    if missing:
        pytest.skip(f"{', '.join(missing)}: not on this machine")
    env = {**os.environ, "SEGMENTS_URL": url, "SEGMENTS_KEY": key}
    done = subprocess.run([*COMMANDS[client], CUSTOMER], capture_output=True, text=True, timeout=60, env=env)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("client", COMMANDS)
def test_an_example_does_what_it_shows(client: str, address: str) -> None:
    element = {
        "customer_id": CUSTOMER,
        "segmentation": {"purchase_frequency": "New", "spending": "High Value", "category": "Womens"},
    }
    with busy(address) as server:
        *ones, many, listed, everybody = said(client, f"http://127.0.0.1:{server.server_port}")
    assert [one["one"] for one in ones] == [element, element]
    assert many == {"many": 1, "missing": ["nobody"]}
    assert listed == {"listed": LOYAL}
    assert everybody == {"all": LOYAL + 1}
    statuses = [status for status, _ in server.answered]
    # Sent away and asked again; had it already; three pages, of which two by cursor.
    assert sorted({*statuses}) == [200, 304, 429, 503]
    assert statuses.count(304) == 1
    assert sum("cursor=" in path for _, path in server.answered) == 2


@pytest.mark.parametrize("client", COMMANDS)
def test_an_example_fails_where_the_key_is_wrong(client: str, address: str) -> None:
    with pytest.raises(AssertionError, match="401"):
        said(client, address, "another")


def test_every_example_is_run() -> None:
    assert {Path(command[-1]) for command in COMMANDS.values()} == {*CLIENTS.iterdir()}
