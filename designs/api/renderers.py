"""Writes JSON answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer


def to_json(value: Any) -> bytes:
    """UTF-8 JSON; times as RFC 3339 in UTC, UUIDs as text, decimals as numbers."""
    return orjson.dumps(value, default=_other, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


class JsonRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else to_json(data)


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, int):
        # Beyond 64 bits; JSON has no such limit but this writer has.
        return float(value)
    if isinstance(value, dict):
        return dict(value)
    return str(value)
