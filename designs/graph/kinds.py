"""The kinds of JSON values, by JMESPath's names and in words."""

from __future__ import annotations

from typing import Any

# How a message names them.
KINDS = {
    "any": "a value",
    "null": "null (nothing)",
    "boolean": "true or false",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "an object",
    "numbers": "a list of numbers",
    "strings": "a list of texts",
    "arrays": "a list of lists",
    "expref": "an expression after `&`",
}


def kind_of(value: Any) -> str:
    """JMESPath's name of a value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "object"
