"""Schemas for answers that name agents or routes, and the parsing of answers that do not fit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

Schema = dict[str, Any]

QUOTED_CHARACTERS = 120


def object_of(**properties: Schema) -> Schema:
    """An object with exactly these properties, in this order; put reasons before decisions."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def list_of(items: Schema, *, least: int, most: int) -> Schema:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def one_of(names: Iterable[str]) -> Schema:
    return {"type": "string", "enum": list(names)}


def text() -> Schema:
    return {"type": "string", "minLength": 1}


def whole_number(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def yes_or_no() -> Schema:
    return {"type": "boolean"}


def field_of(value: Any, key: str) -> Any:
    """A property of an object; None for anything else, or without this property."""
    return value.get(key) if isinstance(value, dict) else None


def text_of(value: Any, key: str) -> str:
    field = field_of(value, key)
    return field.strip() if isinstance(field, str) else ""


def entries_of(value: Any, key: str) -> list[Any]:
    field = field_of(value, key)
    return field if isinstance(field, list) else []


def quoted(value: Any) -> str:
    """A model's words, cut and quoted for a sentence."""
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    words = " ".join(words.split())
    cut = words if len(words) <= QUOTED_CHARACTERS else f"{words[:QUOTED_CHARACTERS]}…"
    return f"“{cut}”"


def listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
