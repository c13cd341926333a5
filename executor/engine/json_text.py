"""Compact JSON text of any value, also of large numbers and broken characters."""

from __future__ import annotations

import json
from typing import Any

import orjson


def json_bytes(value: Any) -> bytes:
    """Compact JSON in UTF-8. Raises TypeError or ValueError for a value that is not JSON."""
    try:
        return orjson.dumps(value)
    except TypeError:
        # orjson refuses whole numbers beyond 64 bits and half surrogate pairs; JSON does not.
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode("utf-8", "replace")


def storable(text: str) -> str:
    """The text without NUL characters and half surrogate pairs, which databases refuse."""
    if not text.isascii():
        # This also joins adjacent halves.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "\ufffd")


def json_text(value: Any) -> str:
    """Text as it is, anything else as compact JSON."""
    return value if isinstance(value, str) else json_bytes(value).decode()
