"""Server-sent events: a run as it goes on, from its beginning or from where a listener was."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from deployments.api.answers import ended
from deployments.api.async_views import AsyncApiView
from deployments.calls import Call
from designs.access import Caller
from designs.api.permissions import caller_of_request
from designs.api.renderers import to_json
from designs.ids import new_id
from designs.threads import event_response
from executor import wakeups
from executor.answers import read_answer
from executor.models import Execution, parse_execution_id
from executor.quotes import HIDDEN, PLAIN
from executor.stream import Position, Told, follow, read_position
from executor.threads import in_thread

EVENTS = "text/event-stream"
# At the end of the last event's id: nothing comes after it.
DONE = "!"
# A key that is revoked, or a right that is taken, ends a stream after at most this long.
LOOK_AGAIN_SECONDS = 10.0
# What a reader without the right to see payloads is not told.
PAYLOADS = ("output", "text", "result", "results", "error", "failures")

Watching = contextlib.AsyncExitStack


def wants_events(request: Request) -> bool:
    """True if the caller accepts events and names them."""
    accepted = request.META.get("HTTP_ACCEPT", "").lower().split(",")
    return any(kind.partition(";")[0].strip() == EVENTS for kind in accepted)


class ExecutionEventsView(AsyncApiView):
    """Follow a run."""

    permissions = {"GET": "executor.view_execution"}

    @extend_schema(
        operation_id="executions_events",
        parameters=[
            OpenApiParameter(
                "Last-Event-ID",
                location="header",
                description="The id of the last event that was read: the stream goes on after it.",
            )
        ],
        responses={(200, EVENTS): {"type": "object"}, 204: None},
    )
    async def get(self, request: Request, execution_id: str) -> HttpResponseBase:
        """Events `execution`, `block`, `step`, `delta` (model text as it comes), and `done`.

        Never starts a run. Without Last-Event-ID everything is told from the beginning.
        """
        pk = parse_execution_id(execution_id)
        caller = caller_of_request(request)
        if pk is None or not await in_thread(_is_there, caller, pk):
            raise Http404

        async def still_allowed() -> bool:
            return await _is_allowed(self, request._request, pk)

        last = request.META.get("HTTP_LAST_EVENT_ID", "").strip()
        if last.endswith(DONE):
            # Browsers take this for the word not to come again.
            return HttpResponse(status=204)
        watching = Watching()
        heard = await watching.enter_async_context(wakeups.watch(pk, texts=True))
        position = read_position(last)
        shows = caller.may("executor.view_payload")
        return event_response(_lines(pk, heard, position, watching, still_allowed, shows=shows))


async def stream_call(
    view: AsyncApiView, request: Request, called: Callable[..., Awaitable[Call]]
) -> HttpResponseBase:
    """Start a run and follow it; the listener is there before the run begins."""
    watching, pk = Watching(), new_id()
    try:
        heard = await watching.enter_async_context(wakeups.watch(pk, texts=True))
        call = await called(wait_seconds=0, streams=True, execution_id=pk)
        if call.execution_id != pk:
            # An idempotency key had started another execution.
            pk = call.execution_id
            heard = await watching.enter_async_context(wakeups.watch(pk, texts=True))
    except BaseException:
        await watching.aclose()
        raise

    async def still_allowed() -> bool:
        return await _is_allowed(view, request._request, pk)

    response = event_response(_lines(pk, heard, Position(), watching, still_allowed, shows=True))
    if call.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


async def _lines(
    pk: Any,
    heard: wakeups.Watch,
    position: Position,
    watching: Watching,
    still_allowed: Callable[[], Awaitable[bool]],
    *,
    shows: bool,
) -> AsyncIterator[bytes]:
    looked = time.monotonic()
    async with watching:
        # Something at once, so that readers know that they are connected.
        yield b"retry: 1000\n\n"
        async for told in follow(pk, heard, position):
            if time.monotonic() - looked > LOOK_AGAIN_SECONDS:
                looked = time.monotonic()
                if not await still_allowed():
                    return
            if told is None:
                yield b": alive\n\n"
            elif shows or told.name != "delta":
                yield _event(told, shows=shows)
        answer = await in_thread(read_answer, pk)
        if answer is not None:
            yield _event(Told("done", ended(answer)[1], f"{position}{DONE}"), shows=shows)


def _event(told: Told, *, shows: bool) -> bytes:
    data = told.data
    if not shows:
        data = {**data, **{name: None for name in PAYLOADS if name in data}}
        if "detail" in data and data["error_class"] not in PLAIN:
            data["detail"] = HIDDEN
    place = "" if told.position is None else f"id: {told.position}\n"
    return f"{place}event: {told.name}\ndata: ".encode() + to_json(data) + b"\n\n"


def _is_there(caller: Caller, pk: Any) -> bool:
    return Execution.objects.for_caller(caller).filter(pk=pk).exists()


async def _is_allowed(view: AsyncApiView, request: HttpRequest, pk: Any) -> bool:
    _forget_person(request)
    try:
        caller = await view.who(request)
    except APIException:
        return False
    return await in_thread(_is_there, caller, pk)


def _forget_person(request: HttpRequest) -> None:
    """What the request knows of its session and its person is from when the stream began."""
    session = request.session
    request.session = type(session)(session.session_key)
    for name in ("_cached_user", "_acached_user"):
        request.__dict__.pop(name, None)
