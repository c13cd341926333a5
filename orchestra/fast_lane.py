"""The deployed endpoint without the parts of Django's request cycle that only pages need.

A call with an API key needs no session, no messages, no thread for signals: measured, these are
more than half of what a short run costs. The view is the same one, DRF's, and so is its answer.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse

from deployments.api.endpoint import DeployedEndpointView
from orchestra import headers

PREFIX = "/api/deployed/"
METHODS = frozenset({"GET", "POST"})
KEYS = frozenset({b"authorization", b"x-api-key"})
STREAM = b"text/event-stream"

_view: Callable[..., Any] = DeployedEndpointView.as_view()

# What the middlewares would add to such an answer.
_HEADERS = [
    (name.lower().encode(), value.encode()) for name, value in headers.outside_middleware().items()
]


def takes(scope: dict[str, Any]) -> bool:
    """True for calls with a key that are answered at once with one body, over a good connection."""
    if scope["type"] != "http" or scope["method"] not in METHODS:
        return False
    if not scope["path"].startswith(PREFIX):
        return False
    has_key = False
    for name, value in scope["headers"]:
        if name in KEYS:
            has_key = True
        elif name == b"accept" and STREAM in value.lower():
            return False
    return has_key


async def answer(scope: dict[str, Any], receive: Any, send: Any) -> bool:
    """Run the call and send its answer; False, with nothing read, if Django must judge it."""
    try:
        request = ASGIRequest(scope, io.BytesIO())
        request.get_host()
    except (DisallowedHost, UnicodeDecodeError):
        return False
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return False
    body = await _read(request, receive)
    if body is None:
        return True
    request._body = body
    path = scope["path"][len(PREFIX) - 1 :].rstrip("/") or "/"
    await _send(await _view(request, path=path), send)
    return True


async def _read(request: ASGIRequest, receive: Any) -> bytes | None:
    """The body; empty if the view refuses it by its headers alone, None if the caller went away."""
    length = request.META.get("CONTENT_LENGTH", "")
    if not length.isdigit() or int(length) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
        return b""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _send(response: HttpResponse, send: Any) -> None:
    sent = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in response.items()]
    sent += _HEADERS
    sent.append((b"content-length", str(len(response.content)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": sent})
    await send({"type": "http.response.body", "body": response.content})
