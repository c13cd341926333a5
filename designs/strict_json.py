"""Reads JSON strictly: what one database or client would refuse is refused at the door."""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DEPTH = 100
MAX_VALUES = 50_000
# Whole numbers that databases and other languages can hold: 64 bits with a sign.
MAX_INTEGER = 2**63
MAX_DIGITS = 20
TOO_LARGE = "This whole number is too large. Write it as text."

_TEXTS = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


class JsonUnreadable(ValueError):
    """Not JSON, or JSON with something that cannot be stored; a sentence that says where."""


class JsonTooLarge(JsonUnreadable):
    """Nested too deep, or too many values."""


def read_strict_json(data: bytes | str) -> Any:
    """The JSON value of a text. Raises JsonUnreadable or JsonTooLarge with a sentence.

    Refused besides bad syntax: duplicate keys, numbers beyond double precision's range, whole
    numbers beyond 64 bits, NaN, NUL characters and lone surrogates (PostgreSQL stores neither),
    nesting deeper than 100, more than 50,000 values. A byte order mark is skipped.
    """
    text = _decoded(data) if isinstance(data, bytes) else data
    text = text.removeprefix("\ufeff")
    check_count(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
    except json.JSONDecodeError as error:
        raise JsonUnreadable(
            f"This is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise JsonTooLarge(f"This is nested deeper than {MAX_DEPTH} levels.") from error
    _check_values(value)
    return value


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonUnreadable(f"This is not UTF-8: byte {error.start} cannot be read.") from error


def check_count(text: str) -> None:
    """Raises JsonTooLarge for too many values before they are made: outside of texts each comma
    parts two.
    """
    if text.count(",") >= MAX_VALUES and _TEXTS.sub("", text).count(",") >= MAX_VALUES:
        raise _too_many()


def _too_many() -> JsonTooLarge:
    return JsonTooLarge(f"This has more than {MAX_VALUES} values.")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise JsonUnreadable(f"The key {twice[:100]!r} stands twice in one object.")
    return found


def _refuse_constant(name: str) -> Any:
    raise JsonUnreadable(f"{name} is not a JSON number.")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise JsonUnreadable(f"The number {text[:40]} is too large.")
    # Not every database knows a negative zero.
    return value or 0.0


def _whole(text: str) -> int:
    value = int(text) if len(text) <= MAX_DIGITS else MAX_INTEGER
    if not -MAX_INTEGER <= value < MAX_INTEGER:
        raise JsonUnreadable(f"{TOO_LARGE} It begins with {text[:20]}.")
    return value


def _check_values(value: Any) -> None:
    waiting = [(value, 1)]
    seen = 0
    while waiting:
        item, depth = waiting.pop()
        seen += 1
        if depth > MAX_DEPTH:
            raise JsonTooLarge(f"This is nested deeper than {MAX_DEPTH} levels.")
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, dict):
            for key in item:
                _check_text(key)
            waiting.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list):
            waiting.extend((inner, depth + 1) for inner in item)
        if seen + len(waiting) > MAX_VALUES:
            raise _too_many()


def _check_text(text: str) -> None:
    if text.isascii():
        if "\0" in text:
            raise JsonUnreadable("A text has a NUL character (\\u0000), which cannot be stored.")
        return
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise JsonUnreadable(
            "A text has a NUL character or half a surrogate pair, which cannot be stored."
        )
