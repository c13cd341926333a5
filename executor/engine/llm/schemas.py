"""Adapts schemas to servers: wrapped into an object, and with maximum lengths."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

# The key of an answer whose own schema does not ask for an object.
WRAPPER = "value"
MAX_CHARACTERS = 240
MAX_ITEMS = 5

_SHARED = ("$defs", "definitions")
# The keywords that have values, not schemas.
_VALUES = frozenset({"enum", "const", "default", "examples", "required", "type"})


def wrapped(schema: Schema) -> Schema:
    """The schema itself if it asks for an object, else one of an object with the value."""
    if schema.get("type") == "object":
        return schema
    outer: Schema = {key: schema[key] for key in _SHARED if key in schema}
    inner = {key: value for key, value in schema.items() if key not in _SHARED}
    outer.update(type="object", properties={WRAPPER: inner}, required=[WRAPPER])
    outer["additionalProperties"] = False
    return outer


def unwrapped(value: Any, schema: Schema) -> Any:
    """The value for the schema, from one that fits `wrapped(schema)`."""
    return value if schema.get("type") == "object" else value[WRAPPER]


def bounded(schema: Any) -> Any:
    """The schema with a maximum length for every text without one, and a low one for lists."""
    if isinstance(schema, list):
        return [bounded(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: value if key in _VALUES else bounded(value) for key, value in schema.items()}
    if closed.get("type") == "string" and not closed.keys() & {"enum", "const", "pattern"}:
        closed.setdefault("maxLength", max(MAX_CHARACTERS, closed.get("minLength", 0)))
    if closed.get("type") == "array":
        max_items = max(MAX_ITEMS, closed.get("minItems", 0))
        closed["maxItems"] = min(max_items, closed.get("maxItems", max_items))
    return closed
