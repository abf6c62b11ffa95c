"""Schemas that are stated without asking an engine, which reading them from text would do."""

from __future__ import annotations

from typing import Any, Final

from pyspark.sql.types import StructType

TEXTS: Final = {"type": "array", "elementType": "string", "containsNull": True}


def struct(**columns: str | dict[str, Any]) -> StructType:
    """Name -> type, as Spark's JSON form of a schema names it (``long``, ``decimal(18,2)``); all may be null."""
    fields = [{"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in columns.items()]
    return StructType.fromJson({"type": "struct", "fields": fields})


def map_to(kind: str | dict[str, Any]) -> dict[str, Any]:
    """The type of a map from string to `kind`."""
    return {"type": "map", "keyType": "string", "valueType": kind, "valueContainsNull": True}
