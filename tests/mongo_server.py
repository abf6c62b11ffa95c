"""A real MongoDB-compatible server process (SecantusDB) on loopback, and documents to put into it."""

from __future__ import annotations

import contextlib
import csv
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .processes import free_port

# This server answers the driver's streaming monitor with a mismatched reply; polling works. The product does not care.
OPTIONS = "directConnection=true&serverMonitoringMode=poll"


class Server:
    """One server process that can be stopped, killed and started again on the same port and data."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.port = free_port()
        self.folder = folder
        self.arguments = arguments
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/?{OPTIONS}"

    def start(self, *arguments: str) -> Server:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [
            str(Path(sys.executable).with_name("secantusd-py")),
            *("--host", "127.0.0.1", "--port", str(self.port), "--storage-path", str(self.folder), "--standalone"),
            *self.arguments,
            *arguments,
        ]
        with (self.folder.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            time.sleep(0.1)
        raise TimeoutError(f"the server did not start: {(self.folder.parent / 'server.log').read_text()}")

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(30)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(30)

    @contextlib.contextmanager
    def client(self, **options: Any) -> Iterator[Any]:
        import pymongo

        client: Any = pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=10_000, **options)
        try:
            yield client
        finally:
            client.close()


def documents_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV file in the document's form; a row with too few fields becomes one of the wrong shape."""
    documents = []
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            if len(row) != 5:
                documents.append({"customer": ",".join(row)})
                continue
            customer, order, day, amount, category = row
            documents.append(
                {
                    "customer": {"id": customer, "name": f"Name of {customer}"},
                    "order_id": order,
                    "date": day,
                    "total_amount_lkr": amount,
                    "product": {"category": category},
                }
            )
    return documents
