"""Streams of server-sent events: opened in turns, and without Django's request cycle.

That cycle goes through a thread for each middleware on the way in and out, which was four fifths of
the cost of opening a stream; a thousand clients that reconnected at once blocked all other requests
(docs/decisions/0012). Views and rights are the same.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase

from deployments.api.late_bodies import LateRequest
from deployments.api.streams import ExecutionEventsView
from designs.access import Caller
from designs.requests import PageRequest
from executor.errors import TooManyStreams
from executor.following.openings import turn_to_open
from executor.following.sight import sitting
from executor.views.drafts import design_stream
from orchestra.api.errors import problem_response
from orchestra.server.plain_answers import read_head, send_answer
from orchestra.sign_in import sessions
from orchestra.sign_in.session_store import SessionStore

Otherwise = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

_API = re.compile(r"/api/executions/([^/]+)/events/?")
_PAGE = re.compile(r"/designs/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/stream/")
_KEYS = ("HTTP_AUTHORIZATION", "HTTP_X_API_KEY")


class _EventsOfPerson(ExecutionEventsView):
    """For a caller who was identified by the session."""

    async def who(self, request: HttpRequest) -> Caller:
        return cast(PageRequest, request).caller


_events = ExecutionEventsView.as_view()
_events_of_person = _EventsOfPerson.as_view()


def takes(scope: dict[str, Any]) -> bool:
    """True for requests that open a stream."""
    path = scope["path"]
    return scope["method"] == "GET" and bool(_API.fullmatch(path) or _PAGE.fullmatch(path))


async def answer(scope: dict[str, Any], receive: Any, send: Any, otherwise: Otherwise) -> None:
    """Open the stream in its turn and send it, or leave the request to `otherwise`: Django."""
    try:
        async with turn_to_open() as turn:

            async def send_and_end_turn(message: Any) -> None:
                await send(message)
                if message["type"] == "http.response.body":
                    # The stream is open, or refused.
                    turn.end()

            request = read_head(scope, receive)
            response = None if request is None else await _opened(request)
            if response is None:
                await otherwise(scope, receive, send_and_end_turn)
            else:
                await send_answer(response, receive, send_and_end_turn)
    except TooManyStreams as error:
        refusal = problem_response(429, str(error), kind="too-many-streams")
        refusal["Retry-After"] = "5"
        await send_answer(refusal, receive, send)


async def _opened(request: LateRequest) -> HttpResponseBase | None:
    """The view's answer; None if the person is not signed in, or for an error page."""
    has_key = any(request.META.get(name, "").strip() for name in _KEYS)
    api, page = _API.fullmatch(request.path), _PAGE.fullmatch(request.path)
    if has_key and api:
        return cast(HttpResponseBase, await _events(request, execution_id=api[1]))
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if has_key or not key or sessions.is_by_hand(request):
        return None
    session = await sitting(key)
    if session.caller.user_id is None or sessions.is_idle(session.seen_at):
        return None
    request.session = SessionStore(key)  # type: ignore[assignment]
    request.caller = session.caller  # type: ignore[attr-defined]
    if api:
        return cast(HttpResponseBase, await _events_of_person(request, execution_id=api[1]))
    if page is None:
        return None
    try:
        return await design_stream(request, pk=uuid.UUID(page[1]))
    except (Http404, PermissionDenied):
        return None
