"""Parses JSON bodies strictly, and checks the headers of requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from designs.graph.foreign import YAML, looks_like_yaml
from designs.runtime.computing import compute_large
from designs.strict_json import JsonTooLarge, JsonUnreadable, read_strict_json

_CODINGS = ("gzip", "x-gzip", "deflate", "compress", "br", "zstd")


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."
    default_code = "body-too-large"


class LengthRequired(APIException):
    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = "Send a Content-Length header: a body in chunks is not accepted."
    default_code = "length-required"


class JsonWanted(UnsupportedMediaType):
    default_detail = "Send JSON with the header Content-Type: application/json."

    def __init__(self) -> None:
        super().__init__("", detail=self.default_detail)


class CodingUnsupported(UnsupportedMediaType):
    default_code = "coding-unsupported"

    def __init__(self, coding: str) -> None:
        # Only known names are repeated: the request may not be authenticated.
        named = coding.lower() if coding.lower() in _CODINGS else "what Content-Encoding names"
        super().__init__(
            "",
            detail=f"A body encoded with {named} is not read. Send it as it is, without the "
            "header Content-Encoding.",
            code=self.default_code,
        )


def read_json(data: bytes) -> Any:
    """Parse a body. Raises ParseError (400) or BodyTooLarge (413)."""
    try:
        return read_strict_json(data)
    except JsonTooLarge as error:
        raise BodyTooLarge(f"The body cannot be taken. {error}") from error
    except JsonUnreadable as error:
        raise ParseError(f"The body cannot be read. {error}") from error


async def read_json_async(data: bytes) -> Any:
    """Like `read_json`, in a thread if the body is large."""
    return await compute_large(len(data), read_json, data)


def check_headers(meta: Mapping[str, Any]) -> None:
    """Check the headers about a body, before it is read.

    Raises LengthRequired (411), BodyTooLarge (413), CodingUnsupported (415).
    """
    chunked = "chunked" in meta.get("HTTP_TRANSFER_ENCODING", "").lower()
    check_length(meta.get("CONTENT_LENGTH"), chunked=chunked)
    coding = meta.get("HTTP_CONTENT_ENCODING", "").strip()
    if coding and coding.lower() != "identity":
        raise CodingUnsupported(coding)


def check_length(length: str | None, *, chunked: bool) -> None:
    if chunked and not length:
        raise LengthRequired
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if length and length.isdigit() and int(length) > limit:
        raise BodyTooLarge(f"The body has {length} bytes; the limit is {limit}.")


class JsonParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return read_json(stream.read())


class DesignFileParser(JsonParser):
    """For files of designs: a YAML file is refused with an explanation."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        data = stream.read()
        try:
            return read_json(data)
        except ParseError:
            if looks_like_yaml(data):
                raise ParseError(YAML) from None
            raise
