"""Which documents are new, told by a field that grows: a date, or the id that MongoDB gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from segmentation.config.mongodb import MongoIncremental
from segmentation.errors import SourceError

# Extended JSON's names for the kinds of values that hold a time.
DATE, OBJECT_ID = "$date", "$oid"


def newest(collection: Any, only: Any, field: str, parse: Any) -> Any:
    """The largest value of a field among the documents that match, in extended JSON, up to now; None without any.

    Args:
        collection: of MongoDB's Java driver.
        only: the query, a document of the driver.
        field: a dotted path.
        parse: makes a document of the driver from JSON.
    """
    found = collection.find(only).projection(parse(json.dumps({field: 1}))).sort(parse(json.dumps({field: -1}))).first()
    value: Any = json.loads(found.toJson()) if found is not None else None
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    now = datetime.now(UTC)
    if isinstance(value, dict) and DATE in value and datetime.fromisoformat(value[DATE]) > now:
        # Of a clock that goes wrong: whatever is written until then would never be read.
        return {DATE: now.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    return value


def since(how: MongoIncremental, high: Any) -> dict[str, Any]:
    """A query for what may be new since the largest value was `high`: from `lookback` days before it on.

    Documents that lack the field match as well: nothing tells whether they are new.

    Raises:
        SourceError: the value holds no time.
    """
    return {"$or": [{how.field: {"$gte": _earlier(high, how)}}, {how.field: None}]}


def _earlier(high: Any, how: MongoIncremental) -> Mapping[str, Any]:
    back = timedelta(days=how.lookback)
    if isinstance(high, dict) and DATE in high:
        moment = datetime.fromisoformat(high[DATE]) - back
        return {DATE: moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    if isinstance(high, dict) and OBJECT_ID in high:
        seconds = max(int(high[OBJECT_ID][:8], 16) - int(back.total_seconds()), 0)
        return {OBJECT_ID: f"{seconds:08x}" + "0" * 16}
    raise SourceError(
        f"mongodb.incremental.field: expected dates or object ids in {how.field}, found {json.dumps(high)[:80]}. Name "
        "the field in which your documents keep when they were written, or _id."
    )
