"""What a MongoDB server tells of a collection at once, without reading it: does it change, whenever a document does?

The server's own counters of writes tell of every change: those of the collection (WiredTiger), else those of the whole
server. Where a user may see neither, the field by which incremental runs ask for what is new tells, if one is named.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from segmentation.config import SegmentationConfig
from segmentation.config.mongodb import MongoConfig

if TYPE_CHECKING:
    from pymongo import MongoClient

PATIENCE = 2_000
WRITES = ("insert", "update", "delete")
# Of a collection's cursor in WiredTiger.
CALLS = ("insert calls", "modify calls", "remove calls", "update calls", "truncate calls")


def fingerprint(config: SegmentationConfig) -> str | None:
    """A short hash of what the server tells of the collection; None where that would not show every change."""
    if config.mongodb is None:
        return None
    try:
        found = _facts(config, config.mongodb)
    except Exception:  # noqa: BLE001 - not installed, not there, not allowed: the run itself will say which
        return None
    return None if found is None else hashlib.sha256(json.dumps(found, default=str).encode()).hexdigest()[:32]


def opened(config: MongoConfig) -> MongoClient[dict[str, Any]]:
    """A connection by Python's own driver.

    Raises:
        ImportError: it is not installed.
    """
    from pymongo import MongoClient

    from segmentation.sources.mongo_server import connection_uri

    return MongoClient(connection_uri(config, PATIENCE))


def _facts(config: SegmentationConfig, server: MongoConfig) -> list[Any] | None:
    with opened(server) as client:
        collection = client[server.database][server.collection]
        size = client[server.database].command("collStats", server.collection)
        last = collection.find_one(sort=[("_id", -1)], projection=["_id"])
        told = [size.get("count"), size.get("size"), last]
        if size.get("sharded") or size.get("shards"):
            # A router counts what goes through it alone.
            return None
        calls = (size.get("wiredTiger") or {}).get("cursor") or {}
        if calls:
            return [*told, *(calls.get(name) for name in CALLS)]
        # What the job writes there itself would count as a change.
        writes = None if config.publish_to_mongodb else _writes(client)
        if writes:
            return [*told, *writes]
        if server.incremental is None:
            return None
        field = server.incremental.field
        return [*told, collection.find_one(sort=[(field, -1)], projection=[field])]


def _writes(client: MongoClient[dict[str, Any]]) -> list[Any] | None:
    """The writes of the whole server since it began, None for whom it does not tell."""
    from pymongo.errors import OperationFailure

    try:
        status = client.admin.command("serverStatus")
    except OperationFailure:
        return None
    began = round(status["localTime"].timestamp() - status["uptimeMillis"] / 1000, -1)
    return [status["pid"], began, *(status["opcounters"][name] for name in WRITES)]
