"""Reads JSON bodies strictly: what one database or client would refuse is refused at the door."""

from __future__ import annotations

import json
import math
from typing import Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

MOST_DEPTH = 100
MOST_VALUES = 50_000


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."
    default_code = "body-too-large"


class LengthRequired(APIException):
    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = "Send a Content-Length header: a body in chunks is not accepted."
    default_code = "length-required"


def read_json(data: bytes) -> Any:
    """The JSON value of a body. Raises ParseError (400) or BodyTooLarge (413) with a sentence.

    Refused besides bad syntax: duplicate keys, numbers beyond double precision's range, NaN, NUL
    characters and lone surrogates (PostgreSQL stores neither), nesting deeper than 100.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8: byte {error.start} cannot be read.") from error
    except json.JSONDecodeError as error:
        raise ParseError(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise BodyTooLarge(f"The body is nested deeper than {MOST_DEPTH} levels.") from error
    _check_values(value)
    return value


def check_length(length: str | None, *, chunked: bool) -> None:
    """Judge a body by its headers, before it is read."""
    if chunked and not length:
        raise LengthRequired
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if length and length.isdigit() and int(length) > limit:
        raise BodyTooLarge(f"The body has {length} bytes; the limit is {limit}.")


class JsonParser(BaseParser):
    """DRF's door to `read_json`."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return read_json(stream.read())


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ParseError(f"The key {twice[:100]!r} stands twice in one object.")
    return found


def _refuse_constant(name: str) -> Any:
    raise ParseError(f"{name} is not a JSON number.")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ParseError(f"The number {text[:40]} is too large.")
    return value


def _whole(text: str) -> int:
    if len(text) > 309:
        raise ParseError(f"The number {text[:40]}… is too large.")
    return int(text)


def _check_values(value: Any) -> None:
    waiting = [(value, 1)]
    seen = 0
    while waiting:
        item, depth = waiting.pop()
        seen += 1
        if depth > MOST_DEPTH:
            raise BodyTooLarge(f"The body is nested deeper than {MOST_DEPTH} levels.")
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, dict):
            for key in item:
                _check_text(key)
            waiting.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list):
            waiting.extend((inner, depth + 1) for inner in item)
        if seen + len(waiting) > MOST_VALUES:
            raise BodyTooLarge(f"The body has more than {MOST_VALUES} values.")


def _check_text(text: str) -> None:
    if text.isascii():
        if "\0" in text:
            raise ParseError("A text has a NUL character (\\u0000), which cannot be stored.")
        return
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ParseError(
            "A text has a NUL character or half a surrogate pair, which cannot be stored."
        )
