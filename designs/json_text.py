"""Writes values as JSON text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def to_json(value: Any) -> bytes:
    """UTF-8 JSON; times as RFC 3339 in UTC, UUIDs as text, decimals as numbers."""
    try:
        return orjson.dumps(value, default=_other, option=OPTIONS)
    except orjson.JSONEncodeError:
        # JSON has no limit for whole numbers, but this writer has: 64 bits.
        return orjson.dumps(_bounded(value), default=_other, option=OPTIONS)


def _bounded(value: Any) -> Any:
    """The value with integers beyond 64 bits as floats, or as text."""
    if isinstance(value, dict):
        return {key: _bounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_bounded(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        try:
            return float(value)
        except OverflowError:
            return str(value)
    return value


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return dict(value)
    return str(value)
