"""A strict JSON parser: refuses what a database or another client could not hold."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

MAX_DEPTH = 100
MAX_VALUES = 50_000
# Integers have to fit into 64 bits with a sign.
MAX_INTEGER = 2**63
MAX_DIGITS = 20
TOO_LARGE = "This whole number is too large. Write it as text."

_TEXTS = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


class JsonUnreadable(ValueError):
    """Not JSON, or JSON that cannot be stored; the message says where."""


class JsonTooLarge(JsonUnreadable):
    """Nested too deeply, or too many values."""


def read_strict_json(data: bytes | str) -> Any:
    """Parse JSON. Raises JsonUnreadable or JsonTooLarge.

    Refused besides bad syntax: duplicate keys, numbers beyond double precision's range, integers
    beyond 64 bits, NaN, NUL characters and lone surrogates (PostgreSQL stores neither), nesting
    deeper than 100, more than 50,000 values. A byte order mark is skipped.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        raise JsonUnreadable(f"This is not UTF-8: byte {error.start} cannot be read.") from error
    text = text.removeprefix("\ufeff")
    check_count(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_finite_float,
            parse_float=_finite_float,
            parse_int=_int_64,
        )
    except json.JSONDecodeError as error:
        raise JsonUnreadable(
            f"This is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise JsonTooLarge(f"This is nested deeper than {MAX_DEPTH} levels.") from error
    _check_values(value)
    return value


def read_json_object(text: str) -> dict[str, Any]:
    """The JSON object of a form's text, {} for an empty one. Raises JsonUnreadable."""
    value = read_strict_json(text) if text.strip() else {}
    if not isinstance(value, dict):
        raise JsonUnreadable('Write a JSON object, as in {"text": "…"}.')
    return value


def check_count(text: str) -> None:
    """Raises JsonTooLarge before too many values are built, by counting commas outside of texts."""
    if text.count(",") >= MAX_VALUES and _TEXTS.sub("", text).count(",") >= MAX_VALUES:
        raise _too_many()


def _too_many() -> JsonTooLarge:
    return JsonTooLarge(f"This has more than {MAX_VALUES} values.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise JsonUnreadable(f"The key {twice[:100]!r} stands twice in one object.")
    return value


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        if not text[-1].isdigit():
            raise JsonUnreadable(f"{text} is not a JSON number.")
        raise JsonUnreadable(f"The number {text[:40]} is too large.")
    # Not -0.0, which not every database has.
    return value or 0.0


def _int_64(text: str) -> int:
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
