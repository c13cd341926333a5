"""Reads JSON bodies strictly: what one database or client would refuse is refused at the door."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from designs.strict_json import JsonTooLarge, JsonUnreadable, read_strict_json


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."
    default_code = "body-too-large"


class LengthRequired(APIException):
    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = "Send a Content-Length header: a body in chunks is not accepted."
    default_code = "length-required"


def read_json(data: bytes) -> Any:
    """The JSON value of a body. Raises ParseError (400) or BodyTooLarge (413) with a sentence."""
    try:
        return read_strict_json(data)
    except JsonTooLarge as error:
        raise BodyTooLarge(f"The body cannot be taken. {error}") from error
    except JsonUnreadable as error:
        raise ParseError(f"The body cannot be read. {error}") from error


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
