"""Writes a value as JSON without holding the interpreter for long, however large it is."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

# A value with fewer parts is written by one call, which takes a few milliseconds.
MAX_AT_ONCE = 10_000

_SIMPLE = frozenset({str, int, float, bool, type(None)})
_write = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def written(value: Any) -> str:
    """Compact JSON. The value must be JSON of bounded depth."""
    if not _is_large(value):
        return _write(value)
    pieces: list[str] = []
    _add(value, pieces)
    return "".join(pieces)


def _is_large(value: Any) -> bool:
    count, level = 0, [value]
    while level:
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, list | dict):
                count += len(item)
                if count > MAX_AT_ONCE:
                    return True
                deeper.extend(item.values() if isinstance(item, dict) else item)
        level = deeper
    return False


def _add(value: Any, pieces: list[str]) -> None:
    if type(value) is list:
        _add_list(value, pieces)
    elif type(value) is dict:
        _add_object(value, pieces)
    else:
        pieces.append(_write(value))


def _add_list(items: list[Any], pieces: list[str]) -> None:
    separator = "["
    for start in range(0, len(items), MAX_AT_ONCE):
        part = items[start : start + MAX_AT_ONCE]
        if set(map(type, part)) <= _SIMPLE:
            pieces += [separator, _write(part)[1:-1]]
            separator = ","
            continue
        for item in part:
            pieces.append(separator)
            _add(item, pieces)
            separator = ","
    pieces.append("]" if items else "[]")


def _add_object(fields: dict[str, Any], pieces: list[str]) -> None:
    separator = "{"
    entries = iter(fields.items())
    while part := dict(islice(entries, MAX_AT_ONCE)):
        if set(map(type, part.values())) <= _SIMPLE:
            pieces += [separator, _write(part)[1:-1]]
            separator = ","
            continue
        for name, item in part.items():
            pieces += [separator, _write(name), ":"]
            _add(item, pieces)
            separator = ","
    pieces.append("}" if fields else "{}")
