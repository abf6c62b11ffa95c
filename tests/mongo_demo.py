"""`make mongo-demo`: purchases in MongoDB give the same segments, to the byte, as the same purchases in CSV.

Starts a test server, loads a CSV file (the bundled sample, or the one named as argument) into it, runs the job from
both, compares, and stops the server.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from .mongo_server import Server, documents_of
from .processes import EXPORT, JOB, ROOT, compare


def job(*options: str) -> None:
    subprocess.run([sys.executable, str(JOB), *options], check=True)


def main() -> int:
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "data" / "purchase_records.csv"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        server = Server(folder / "data").start()
        try:
            documents = documents_of(source)
            started = time.monotonic()
            with server.client() as client:
                for at in range(0, len(documents), 10_000):
                    client.retail.purchases.insert_many(documents[at : at + 10_000])
            print(f"{len(documents):,} documents loaded in {time.monotonic() - started:.1f} s", flush=True)
            config = {
                "mongodb": {
                    "uri": server.uri,
                    "partitioner": "PaginateIntoPartitionsPartitioner",
                    "partitioner_options": {"max.number.of.partitions": 4},
                }
            }
            (folder / "config.yaml").write_text(yaml.safe_dump(config))
            from_mongodb = ["--source", "mongodb", "--config", str(folder / "config.yaml")]
            job(*from_mongodb, "--output-dir", str(folder / "from_mongodb"))
        finally:
            server.stop()
        job("--csv-path", str(source), "--output-dir", str(folder / "from_csv"))
        folders = {"MongoDB": "from_mongodb", "CSV": "from_csv"}
        return compare({name: (folder / at / EXPORT).read_bytes() for name, at in folders.items()})


if __name__ == "__main__":
    sys.exit(main())
