"""The form of a configuration as JSON Schema, for editors."""

from __future__ import annotations

from typing import Any

from segmentation.config.files import INCLUDE
from segmentation.config.own import DimensionSetting, RuleSetting
from segmentation.config.settings import SegmentationConfig

DRAFT = "https://json-schema.org/draft/2020-12/schema"
NOTE = (
    "Made by: segmentation config schema > segmentation.schema.json. The first line of a configuration names it: "
    "# yaml-language-server: $schema=segmentation.schema.json"
)
# What is replaced by the environment's value before it is checked.
REFERENCE = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"}
# What may be given by a name alone.
BY_NAME = tuple(f"#/$defs/{kind.__name__}" for kind in (DimensionSetting, RuleSetting))
AROUND = ("title", "description", "default")
SCALARS = ("integer", "number", "boolean")
# Bounds that pydantic leaves in its own words where a value is changed before it is checked, and those that JSON Schema
# has no words for.
BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum"}
UNSAID = ("max_digits", "decimal_places")


def json_schema() -> dict[str, Any]:
    """What a configuration may hold. Editors know less than the job: what several settings say together, and rules, are
    checked by ``segmentation config check``.
    """
    schema = _plain(SegmentationConfig.model_json_schema(by_alias=True))
    path = {"type": "string", "minLength": 1}
    schema["properties"][INCLUDE] = {
        "description": "Configurations that this one adds to, seen from its folder.",
        "anyOf": [path, {"type": "array", "items": path}],
    }
    return {"$schema": DRAFT, "$comment": NOTE, **schema}


def _plain(node: Any) -> Any:
    """A schema in the words of JSON Schema, that takes ``${NAME}`` wherever a text has to be of a certain kind."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if isinstance(node, dict) and node.get("$ref") in BY_NAME:
        return {"anyOf": [node, {"type": "string"}]}
    return _or_reference(_reworded(node)) if isinstance(node, dict) else node


def _reworded(node: dict[str, Any]) -> dict[str, Any]:
    return {BOUNDS.get(key, key): _values(key, value) for key, value in node.items() if key not in UNSAID}


def _values(key: str, value: Any) -> Any:
    # Defaults and names are no schemas.
    return value if key in ("default", "enum", "const", "propertyNames", "required") else _plain(value)


def _or_reference(node: dict[str, Any]) -> dict[str, Any]:
    is_of_a_kind = node.get("type") == "string" and not {"enum", "const", "pattern"}.isdisjoint(node)
    if node.get("type") not in SCALARS and not is_of_a_kind:
        return node
    outside: dict[str, Any] = {key: node[key] for key in AROUND if key in node}
    inside = {key: value for key, value in node.items() if key not in AROUND}
    return {**outside, "anyOf": [inside, dict(REFERENCE)]}
