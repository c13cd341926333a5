"""Runs database work of an event loop in threads, and holds a connection only while it works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import SyncToAsync, sync_to_async
from django.db import close_old_connections
from django.http import StreamingHttpResponse

from designs.runtime.loops import PerLoop

P = ParamSpec("P")
T = TypeVar("T")

# The calls of `in_thread_once` that are running, by function and arguments.
_running: PerLoop[dict[tuple[Hashable, ...], asyncio.Task[Any]]] = PerLoop(dict)


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run the function in a thread that returns its database connection when done.

    Django returns connections by signals around a request; code outside of one, or in its own
    threads, must do so itself. The connection of the request's own thread is returned first: two
    requests that each hold one and wait for a second would wait for each other.
    """
    release_request()

    def work() -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return await sync_to_async(work, thread_sensitive=False)()


async def in_thread_once(function: Callable[..., T], *args: Hashable) -> T:
    """Like `in_thread`, but callers with the same arguments at the same time share one call.

    Without it, all requests would read the same row when its cache entry expires: measured, that
    was what the slowest calls waited for.
    """
    # Shielded, because others may wait for the same task.
    return await asyncio.shield(begin_in_thread_once(function, *args))


def begin_in_thread_once(function: Callable[..., T], *args: Hashable) -> asyncio.Task[T]:
    """Like `in_thread_once`, without waiting."""
    running, call = _running.get(), (function, *args)
    task = running.get(call)
    if task is None:
        task = running[call] = asyncio.create_task(in_thread(function, *args))
        task.add_done_callback(lambda _: running.pop(call, None))
        # Retrieved, so that asyncio reports no error if all callers are gone.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


def release_request() -> None:
    """Release the thread of this request's synchronous parts, and its database connection.

    Django keeps both until the request ends, which for a stream is its end. Measured: sixteen open
    pages took the whole pool of a web process, and the next page was a 500. Later synchronous
    parts, such as middlewares, get new ones.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    executor = SyncToAsync.context_to_thread_executor.pop(context, None) if context else None
    if executor is None:
        return
    # The thread's last job, as nothing else can reach it now. In a test's transaction it closes
    # nothing. Not waited for: a synchronous middleware that holds the thread would wait for us.
    executor.submit(close_old_connections)
    executor.shutdown(wait=False)


async def read_in_threads(lines: Iterator[str]) -> AsyncIterator[str]:
    """Each in a thread of its own: making it may read rows."""
    while (text := await in_thread(next, lines, None)) is not None:
        yield text


def stream_response(
    parts: AsyncIterator[bytes] | AsyncIterator[str], content_type: str
) -> StreamingHttpResponse:
    """A stream that holds neither a thread nor a connection while it is open.

    `parts` must read rows with `in_thread` only.
    """
    return StreamingHttpResponse(_released(parts), content_type=content_type)


def event_response(parts: AsyncIterator[bytes]) -> StreamingHttpResponse:
    """A stream of server-sent events that proxies neither cache nor buffer."""
    response = stream_response(parts, "text/event-stream")
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


async def _released(parts: AsyncIterator[bytes] | AsyncIterator[str]) -> AsyncIterator[bytes | str]:
    # By now the middlewares, which may read and save the session, are done.
    release_request()
    try:
        async for part in parts:
            yield part
    finally:
        # An abandoned iterator would be cleaned up only some time later.
        close = getattr(parts, "aclose", None)
        if close is not None:
            await close()
