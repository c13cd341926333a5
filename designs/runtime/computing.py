"""Threads for long computations, so that they do not block the event loop.

Separate from the threads that wait for databases or resolvers, so that neither delays the other.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from designs.runtime.processes import PerProcess

P = ParamSpec("P")
T = TypeVar("T")

# More would only share one interpreter.
THREADS = 2

# In bytes or characters: below this a thread costs more than the work.
MAX_AT_ONCE = 65_536

# Walking this many parts of a value takes about as long as starting a thread.
MAX_PARTS = 1_000

_pool = PerProcess(lambda: ThreadPoolExecutor(THREADS, "computing"))


def start_threads() -> None:
    """Start the threads now, for a process that may not be able to start one later."""
    start_all(_pool.get(), THREADS)


def start_all(pool: ThreadPoolExecutor, threads: int) -> None:
    """Start as many threads of the pool, which by itself starts one when it needs it."""
    all_started = threading.Barrier(threads + 1)
    for _ in range(threads):
        pool.submit(all_started.wait)
    all_started.wait()


async def compute(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run the function in a thread, in the caller's context. It must not use the database.

    Cancelling the wait does not stop the function.
    """
    loop = asyncio.get_running_loop()
    work = functools.partial(contextvars.copy_context().run, function, *args, **kwargs)
    return await loop.run_in_executor(_pool.get(), work)


async def compute_large(
    size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Like `compute`, but without a thread if `size` (in bytes or characters) is small."""
    if size <= MAX_AT_ONCE:
        return function(*args, **kwargs)
    return await compute(function, *args, **kwargs)


async def compute_on(value: Any, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Like `compute`, but without a thread if the function's JSON value is small."""
    if is_small(value):
        return function(*args, **kwargs)
    return await compute(function, *args, **kwargs)


def is_small(value: Any) -> bool:
    """True for a JSON value with few parts and little text. Stops counting at the limits."""
    waiting, parts, characters = [value], 0, 0
    while waiting:
        item = waiting.pop()
        if type(item) is str:
            characters += len(item)
        elif type(item) is dict or type(item) is list:
            parts += len(item)
            if parts > MAX_PARTS:
                return False
            if type(item) is dict:
                characters += sum(map(len, item))
            waiting.extend(item.values() if type(item) is dict else item)
        if characters > MAX_AT_ONCE:
            return False
    return True
