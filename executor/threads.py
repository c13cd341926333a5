"""Calls that read the database, made from an event loop without holding it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from designs.threads import in_thread as in_thread
from executor.loops import PerLoop

T = TypeVar("T")

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
