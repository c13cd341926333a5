"""Threads for what only computes: the event loop has its turns meanwhile.

They are apart from those that wait for databases or resolvers, so that neither holds up the other.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from designs.runtime.processes import PerProcess

P = ParamSpec("P")
T = TypeVar("T")

# More would only share one interpreter among them.
THREADS = 2

# A thread costs more than the work on less than this.
MAX_AT_ONCE = 65_536

# A walk over so many parts of a value takes about as long as beginning a thread.
MAX_PARTS = 1_000

_pool = PerProcess(lambda: ThreadPoolExecutor(THREADS, "computing"))


async def compute(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The function's result, in the caller's context. It must read no database; when cancelled, it
    still ends by itself.
    """
    loop = asyncio.get_running_loop()
    work = functools.partial(contextvars.copy_context().run, function, *args, **kwargs)
    return await loop.run_in_executor(_pool.get(), work)


async def compute_large(
    size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """The same, at once for what is small: `size` in bytes or characters."""
    if size <= MAX_AT_ONCE:
        return function(*args, **kwargs)
    return await compute(function, *args, **kwargs)


async def compute_on(value: Any, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same: at once if this JSON value, which the function works on, is small."""
    if is_small(value):
        return function(*args, **kwargs)
    return await compute(function, *args, **kwargs)


def is_small(value: Any) -> bool:
    """Whether a JSON value has few parts and little text. It looks at no more than that."""
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
