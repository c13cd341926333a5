"""The deployed endpoint without the parts of Django's request cycle that only pages need.

A call with an API key needs no session, no messages, no thread for signals: measured, these are
more than half of what a short run costs. The view is the same one, DRF's, and so is its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpResponse

from deployments.api.endpoint import DeployedEndpointView
from deployments.api.late_bodies import CallerLeft, LateRequest
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
            has_key = has_key or bool(value.strip())
        elif name == b"accept" and STREAM in value.lower():
            return False
    return has_key


async def answer(scope: dict[str, Any], receive: Any, send: Any) -> bool:
    """Run the call and send its answer; False, with nothing read, if Django must judge it."""
    try:
        request = LateRequest(scope, receive)
        request.get_host()
    except (DisallowedHost, UnicodeDecodeError):
        return False
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return False
    path = scope["path"][len(PREFIX) - 1 :].rstrip("/") or "/"
    try:
        response = await _view(request, path=path)
    except CallerLeft:
        return True
    await _send(response, send)
    await request.discard()
    return True


async def _send(response: HttpResponse, send: Any) -> None:
    sent = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in response.items()]
    sent += _HEADERS
    sent.append((b"content-length", str(len(response.content)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": sent})
    await send({"type": "http.response.body", "body": response.content})
