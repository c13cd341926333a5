"""The deployed endpoint without the parts of Django's request cycle that only pages need.

A call with an API key needs no session, no messages and no thread for signals, which were more than
half of the CPU time of a short run (docs/decisions/0004). View and answer are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deployments.api.endpoint import DeployedEndpointView
from deployments.api.late_bodies import CallerLeft
from orchestra.server.plain_answers import read_head, send_answer

PREFIX = "/api/deployed/"
METHODS = frozenset({"GET", "POST"})
KEYS = frozenset({b"authorization", b"x-api-key"})

_view: Callable[..., Any] = DeployedEndpointView.as_view()


def takes(scope: dict[str, Any]) -> bool:
    """True for calls with a key."""
    if scope["type"] != "http" or scope["method"] not in METHODS:
        return False
    if not scope["path"].startswith(PREFIX):
        return False
    return any(name in KEYS and value.strip() for name, value in scope["headers"])


async def answer(scope: dict[str, Any], receive: Any, send: Any) -> bool:
    """Run the call and send its answer; False, with nothing read, if Django must handle it."""
    request = read_head(scope, receive)
    if request is None:
        return False
    path = scope["path"][len(PREFIX) - 1 :].rstrip("/") or "/"
    try:
        response = await _view(request, path=path)
    except CallerLeft:
        return True
    await send_answer(response, receive, send)
    if not response.streaming:
        await request.discard()
    return True
