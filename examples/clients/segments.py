"""Segments over HTTP, with nothing but Python: one customer, many, a listing, all of them.

    python examples/clients/segments.py CUST0000001

The server is $SEGMENTS_URL (default http://127.0.0.1:8000), the key $SEGMENTS_KEY, where one is asked for.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

TRIES = 5
# Busy, asked too often, restarting behind a load balancer: the same request will do in a moment.
AGAIN = (429, 502, 503, 504)
# Ids that no address can hold: those of routes, and what addresses have for "here" and "above".
NO_ADDRESS = ("", ".", "..", "stats", "movements")


class Segments:
    """A server.

    Args:
        url: where it is.
        key: for who may ask, where it asks for one.
    """

    def __init__(self, url: str, key: str = "") -> None:
        self.url = url.rstrip("/")
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._known: dict[str, tuple[str, Any]] = {}

    def one(self, customer_id: str) -> dict[str, Any] | None:
        """A customer's segments, None where there is no such customer.

        What came before is not sent again while it is what the server would say (ETag, If-None-Match).
        """
        if customer_id in NO_ADDRESS:
            return next(iter(self.many([customer_id])["customers"]), None)
        address = f"/segments/{quote(customer_id, safe='')}"
        tag, before = self._known.get(address, ("", None))
        try:
            with self._ask(address, {"If-None-Match": tag} if tag else {}) as answer:
                found = json.load(answer)
                self._known[address] = answer.headers["ETag"], found
                return dict(found)
        except urllib.error.HTTPError as error:
            if error.code == 304:
                return dict(before)
            if error.code == 404:
                return None
            raise

    def many(self, ids: Sequence[str]) -> dict[str, Any]:
        """Up to 1,000 customers at once: `customers`, and the ids that are `missing`."""
        body = json.dumps({"customer_ids": ids}).encode()
        with self._ask("/segments/lookup", {"Content-Type": "application/json"}, body) as answer:
            return dict(json.load(answer))

    def listed(self, limit: int = 1000, **labels: str) -> Iterator[dict[str, Any]]:
        """All customers with these labels, page by page; all pages are of one version."""
        cursor = None
        while True:
            asked = {**labels, "limit": limit, **({"cursor": cursor} if cursor else {})}
            with self._ask(f"/segments?{urlencode(asked)}") as answer:
                page = json.load(answer)
            yield from page["customers"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def all(self, **labels: str) -> Iterator[dict[str, Any]]:
        """The same as one stream, a line a customer: for those who want everybody."""
        with self._ask(f"/segments?{urlencode(labels)}", {"Accept": "application/x-ndjson"}) as answer:
            for line in answer:
                yield json.loads(line)

    def _ask(self, address: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Any:
        request = urllib.request.Request(self.url + address, body, {**self.headers, **(headers or {})})
        for left in reversed(range(TRIES)):
            try:
                return urllib.request.urlopen(request, timeout=30)
            except urllib.error.HTTPError as error:
                if error.code not in AGAIN or not left:
                    raise
                time.sleep(float(error.headers.get("Retry-After") or 1))
        return None


def main() -> int:
    """Ask for one, and for the others."""
    server = Segments(os.environ.get("SEGMENTS_URL", "http://127.0.0.1:8000"), os.environ.get("SEGMENTS_KEY", ""))
    customer = sys.argv[1]
    for _ in range(2):
        print(json.dumps({"one": server.one(customer)}))
    found = server.many([customer, "nobody"])
    print(json.dumps({"many": len(found["customers"]), "missing": found["missing"]}))
    print(json.dumps({"listed": sum(1 for _ in server.listed(limit=100, purchase_frequency="Loyal"))}))
    print(json.dumps({"all": sum(1 for _ in server.all())}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
