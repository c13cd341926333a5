"""Work in threads, made from an event loop, that holds a database connection no longer than it
needs one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import SyncToAsync, sync_to_async
from django.db import close_old_connections
from django.http import StreamingHttpResponse

from designs.runtime.loops import PerLoop

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The function's result, from a thread that gives its database connection back afterwards.

    Django gives connections back by its signals around a request; what runs outside of one, or in
    threads of its own, must do so itself. What the request's own thread holds is given back before:
    requests that hold one connection and wait for a second would all wait for each other.
    """
    release_request()

    def work() -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return await sync_to_async(work, thread_sensitive=False)()


def release_request() -> None:
    """Give back the thread of this request's synchronous parts, and its database connection.

    Django keeps both until the request has ended, which for a stream is its end. Measured: sixteen
    open pages took the whole pool of a web process, and the next page was a 500. Synchronous parts
    that come later, such as middlewares, get both anew.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    executor = SyncToAsync.context_to_thread_executor.pop(context, None) if context else None
    if executor is None:
        return
    # Nothing else can be given to this thread any more, so this is the last it does. In a test's
    # transaction it closes nothing. It is not waited for: a thread that a synchronous middleware
    # holds would wait for us.
    executor.submit(close_old_connections)
    executor.shutdown(wait=False)


def stream_response(
    parts: AsyncIterator[bytes] | AsyncIterator[str], content_type: str
) -> StreamingHttpResponse:
    """A stream that holds neither a thread nor a connection while it is open.

    `parts` must read rows with `in_thread` only.
    """
    return StreamingHttpResponse(_released(parts), content_type=content_type)


async def _released(
    parts: AsyncIterator[bytes] | AsyncIterator[str],
) -> AsyncIterator[bytes | str]:
    # Here the middlewares, which may read and save the session, have done their part.
    release_request()
    try:
        async for part in parts:
            yield part
    finally:
        # An iterator that is left in the middle would be cleaned up only some time later.
        close = getattr(parts, "aclose", None)
        if close is not None:
            await close()


def event_response(parts: AsyncIterator[bytes]) -> StreamingHttpResponse:
    """A stream of server-sent events that proxies neither keep nor gather."""
    response = stream_response(parts, "text/event-stream")
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


# --- Once for all who ask at the same time --------------------------------------------------------

_under_way: PerLoop[dict[tuple[Hashable, ...], asyncio.Task[Any]]] = PerLoop(dict)


async def in_thread_once(function: Callable[..., T], *args: Hashable) -> T:
    """The function's result; who asks for the same while it is read waits for that one answer.

    Without it, all calls under way read the same key again the moment it is remembered no more:
    measured, that was what the slowest calls waited for.
    """
    # One of them that goes away must not take the answer from the others.
    return await asyncio.shield(begin_in_thread_once(function, *args))


def begin_in_thread_once(function: Callable[..., T], *args: Hashable) -> asyncio.Task[T]:
    """The same, for who does not wait for it."""
    under_way, asked = _under_way.get(), (function, *args)
    task = under_way.get(asked)
    if task is None:
        task = under_way[asked] = asyncio.ensure_future(in_thread(function, *args))
        task.add_done_callback(lambda done: _settle(under_way, asked, done))
    return task


def _settle(
    under_way: dict[tuple[Hashable, ...], asyncio.Task[Any]],
    asked: tuple[Hashable, ...],
    done: asyncio.Task[Any],
) -> None:
    under_way.pop(asked, None)
    if not done.cancelled():
        # Looked at, so that nothing complains if all who asked went away.
        done.exception()
