"""Calls that read the database, made from an event loop without holding it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The function's result, from a thread that gives its database connection back afterwards.

    Django gives connections back by its signals around a request; what runs outside of one, or in
    threads of its own, must do so itself.
    """

    def work() -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return await sync_to_async(work, thread_sensitive=False)()


_under_way: dict[tuple[Hashable, ...], asyncio.Task[Any]] = {}


async def in_thread_once(function: Callable[..., T], *args: Hashable) -> T:
    """The function's result; who asks for the same while it is read waits for that one answer.

    Without it, all calls under way read the same key again the moment it is remembered no more:
    measured, that was what the slowest calls waited for.
    """
    asked = (asyncio.get_running_loop(), function, *args)
    task = _under_way.get(asked)
    if task is None:
        task = _under_way[asked] = asyncio.ensure_future(in_thread(function, *args))
        task.add_done_callback(lambda done: _settle(asked, done))
    # One of them that goes away must not take the answer from the others.
    return await asyncio.shield(task)


def _settle(asked: tuple[Hashable, ...], done: asyncio.Task[Any]) -> None:
    _under_way.pop(asked, None)
    if not done.cancelled():
        # Looked at, so that nothing complains if all who asked went away.
        done.exception()
