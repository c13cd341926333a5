"""Server-sent events of a run, from its beginning or from where a listener left off."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from django.db import DatabaseError
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from deployments.api.answers import ended, to_json_apart
from deployments.api.async_views import AsyncApiView
from deployments.api.authentication import caller_of_key_async, key_text
from deployments.calls.calls import Call
from designs.access import Caller
from designs.api.permissions import caller_of_request
from designs.rows.ids import new_id
from designs.runtime.threads import event_response, in_thread_once
from executor.following import stream as follower
from executor.following.answers import read_answer
from executor.following.broadcasts import CachedAccess, Listener, broadcast_of, shared_access
from executor.following.open_streams import Place, take_place
from executor.following.openings import turn_to_open
from executor.following.sight import sees, sitting
from executor.following.stream import Events
from executor.following.stream_rows import StreamEvent, StreamPosition, parse_position
from executor.history.quotes import HIDDEN, PLAIN, reasons_without_quotes
from executor.models import parse_execution_id

EVENTS = "text/event-stream"
# At the end of the last event's id: nothing comes after it.
DONE = "!"
# A key that is revoked, or a right that is taken, ends a stream after at most this long, and some
# time for the look itself.
LOOK_AGAIN_SECONDS = 8.0
# Fields that are hidden without the right to see payloads.
SEEN = ("executor.view_execution", "executor.view_payload")
PAYLOADS = ("output", "text", "result", "results", "error", "failures", "arguments")


def wants_events(request: Request) -> bool:
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
        if pk is None or not await sees(caller, pk):
            raise Http404

        last = request.META.get("HTTP_LAST_EVENT_ID", "").strip()
        if last.endswith(DONE):
            # Browsers take this for the word not to come again.
            return HttpResponse(status=204)
        stream = OpenStream(await take_place(caller, pk))
        try:
            await stream.begin(pk, parse_position(last))
        except BaseException:
            await stream.close()
            raise
        access = _access_to(request, pk, own=None)
        access.set(_sight(caller, None))
        return stream.response(access)


async def stream_call(request: Request, called: Callable[..., Awaitable[Call]]) -> HttpResponseBase:
    """Start a run and follow it; the listener is ready before the run begins."""
    caller, pk = caller_of_request(request), new_id()
    async with turn_to_open():
        stream = OpenStream(await take_place(caller, pk))
        try:
            await stream.begin(pk, StreamPosition())
            call = await called(wait_seconds=0, streams=True, execution_id=pk)
            if call.execution_id != pk:
                # An idempotency key had started another execution.
                pk = call.execution_id
                await stream.close()
                stream = OpenStream(await take_place(caller, pk))
                await stream.begin(pk, StreamPosition())
        except BaseException:
            await stream.close()
            raise
    response = stream.response(_access_to(request, pk, own=caller))
    if call.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


class OpenStream:
    """An open stream: its place among the open streams, and its events."""

    events: Events
    listener: Listener[StreamEvent]

    def __init__(self, place: Place) -> None:
        self._place = place
        self._stack = contextlib.AsyncExitStack()
        self._unsent: list[StreamEvent] = []

    async def begin(self, pk: uuid.UUID, position: StreamPosition) -> None:
        self.events = await self._stack.enter_async_context(broadcast_of(Events, pk))
        self._unsent, self.listener = self.events.since(position), self.events.listen()

    def response(self, access: CachedAccess[Sight]) -> StreamingHttpResponse:
        response = event_response(self._lines(access))
        # A stream whose client leaves before its first byte is never begun, so it cannot end.
        weakref.finalize(
            response, _close_later, asyncio.get_running_loop(), self._place, self._stack
        )
        return response

    async def close(self) -> None:
        """May be called several times."""
        self._place.free()
        await self._stack.aclose()

    async def _lines(self, access: CachedAccess[Sight]) -> AsyncIterator[bytes]:
        """All events from the position on as this listener may see them, until it may see none."""
        events, listener, unsent = self.events, self.listener, self._unsent
        try:
            # Something at once, so that readers know that they are connected.
            yield b"retry: 1000\n\n"
            while (sight := await access.get()) is not None:
                for event in unsent:
                    if sight.shows or event.name != "delta":
                        yield await _encoded(event, shows=sight.shows)
                if listener.is_over:
                    if events.has_ended and (done := await _done(events)) is not None:
                        yield await _encoded(done, shows=sight.shows)
                    return
                latest = await listener.next(min(follower.ALIVE_SECONDS, access.seconds_left))
                unsent = [] if latest is None else [latest]
                if latest is None and not listener.is_over:
                    yield b": alive\n\n"
        finally:
            await self.close()


_closing: set[asyncio.Task[None]] = set()


def _close_later(
    loop: asyncio.AbstractEventLoop, place: Place, stack: contextlib.AsyncExitStack
) -> None:
    place.free()

    def close() -> None:
        task = loop.create_task(stack.aclose())
        _closing.add(task)
        task.add_done_callback(_closing.discard)

    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(close)


async def _done(events: Events) -> StreamEvent | None:
    """The answer of the call as an event, made once for all listeners."""
    if events.done is None:
        answer = await in_thread_once(read_answer, events.pk)
        if answer is not None and events.done is None:
            events.done = StreamEvent("done", ended(answer)[1], f"{events.position}{DONE}")
    return events.done


async def _encoded(event: StreamEvent, *, shows: bool) -> bytes:
    """The event's lines, made once for all listeners with the same rights."""
    if shows in event.encoded:
        return event.encoded[shows]
    data = event.data
    if not shows:
        data = {**data, **{name: None for name in PAYLOADS if name in data}}
        if data.get("degraded_reasons"):
            data["degraded_reasons"] = reasons_without_quotes(data["degraded_reasons"])
        if "detail" in data and data["error_class"] not in PLAIN:
            data["detail"] = HIDDEN
    place = "" if event.position is None else f"id: {event.position}\n"
    text = f"{place}event: {event.name}\ndata: ".encode() + await to_json_apart(data) + b"\n\n"
    event.encoded[shows] = text
    return text


# --- Access ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sight:
    """What a listener may see now."""

    shows: bool


def _access_to(request: Request, pk: uuid.UUID, *, own: Caller | None) -> CachedAccess[Sight]:
    """Checks the listener's rights again and again. Callers may follow their `own` call to its end,
    even without the right to see other people's runs.
    """
    text, address = key_text(request), request.META.get("REMOTE_ADDR")
    session = None if text else request._request.session.session_key

    async def check() -> Sight | None:
        try:
            if text is None:
                caller = (await sitting(session)).caller
            else:
                caller = await caller_of_key_async(text, address)
            is_there = await sees(caller, pk)
        except (APIException, DatabaseError):
            return None
        return _sight(caller, own) if is_there else None

    return shared_access((text or session, pk, own is None), check, LOOK_AGAIN_SECONDS)


def _sight(caller: Caller, own: Caller | None) -> Sight | None:
    if own is None:
        is_allowed = caller.may("executor.view_execution")
        return Sight(caller.may("executor.view_payload")) if is_allowed else None
    own_rights = [name for name in SEEN if own.may(name)]
    if not caller.may("deployments.execute_deployment") or not all(map(caller.may, own_rights)):
        return None
    return Sight(shows=True)
