"""Schemas as servers take them: an object at the outside, and an end to everything inside."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

# Under this key stands an answer whose own schema asks for something else than an object.
WRAPPER = "value"
MAX_CHARACTERS = 240
MAX_ITEMS = 5

_SHARED = ("$defs", "definitions")
# Under these stand values, not schemas.
_VALUES = frozenset({"enum", "const", "default", "examples", "required", "type"})


def wrapped(schema: Schema) -> Schema:
    """The schema itself if it asks for an object, else one of an object that holds the value."""
    if schema.get("type") == "object":
        return schema
    outer: Schema = {key: schema[key] for key in _SHARED if key in schema}
    inner = {key: value for key, value in schema.items() if key not in _SHARED}
    outer.update(type="object", properties={WRAPPER: inner}, required=[WRAPPER])
    outer["additionalProperties"] = False
    return outer


def unwrapped(value: Any, schema: Schema) -> Any:
    """The value the schema asks for, out of one that fits `wrapped(schema)`."""
    return value if schema.get("type") == "object" else value[WRAPPER]


def bounded(schema: Any) -> Any:
    """The schema with an end to every text that has none, and to every list soon."""
    if isinstance(schema, list):
        return [bounded(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: value if key in _VALUES else bounded(value) for key, value in schema.items()}
    if closed.get("type") == "string" and not closed.keys() & {"enum", "const", "pattern"}:
        closed.setdefault("maxLength", max(MAX_CHARACTERS, closed.get("minLength", 0)))
    if closed.get("type") == "array":
        most = max(MAX_ITEMS, closed.get("minItems", 0))
        closed["maxItems"] = min(most, closed.get("maxItems", most))
    return closed
