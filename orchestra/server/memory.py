"""Memory that is given back: by the C library as it is freed, and after large answers at once."""

from __future__ import annotations

import ctypes
import gc
import threading
from collections.abc import Awaitable, Callable
from typing import Any

# glibc keeps an arena for each thread (up to eight a core) and gives its memory back only from its
# end; and after the first large block that was freed, it takes large blocks from there too, so that
# one answer of megabytes keeps them for good. With two arenas, and blocks of this size or more
# always asked of the system and returned to it, memory after a load comes back.
ARENAS = 2
LARGE_BYTES = 131_072
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8

# Rows and answers of Django stand in cycles, which wait for a collection; and one is due by their
# number, whatever they hold.
LARGE_ANSWER_BYTES = 262_144
# So that many large answers cost one collection.
REST_SECONDS = 1.0
# A collection stops the whole process, in whatever thread it runs. Measured: so many objects cost
# some ten milliseconds. What has more old ones has its young ones collected: the rows of an answer
# that has just been sent are among those.
MAX_OLD_OBJECTS = 50_000

Send = Callable[[Any], Awaitable[None]]


def set_up_memory() -> bool:
    """Have the C library keep little of what is freed; False where it has no such settings."""
    mallopt = _of_c_library("mallopt")
    if mallopt is None:
        return False
    taken = (
        mallopt(_M_ARENA_MAX, ARENAS),
        mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES),
        mallopt(_M_TRIM_THRESHOLD, LARGE_BYTES),
    )
    return all(taken)


def noting_large_answers(send: Send) -> Send:
    """The server's `send`, after whose last message of a large answer memory is given back."""
    size = 0

    async def told(message: Any) -> None:
        nonlocal size
        await send(message)
        if message["type"] == "http.response.body":
            size += len(message.get("body", b""))
            if size >= LARGE_ANSWER_BYTES and not message.get("more_body", False):
                give_back_soon()

    return told


def give_back_soon() -> None:
    """In a thread, a second from now; asked again before that, once."""
    with _lock:
        if not _waiting:
            timer = threading.Timer(REST_SECONDS, _give_back)
            timer.daemon = True
            _waiting.append(timer)
            timer.start()


_lock = threading.Lock()
_waiting: list[threading.Timer] = []


def _give_back() -> None:
    with _lock:
        _waiting.clear()
    collect_garbage()
    trim = _of_c_library("malloc_trim")
    if trim is not None:
        trim(0)


def collect_garbage() -> None:
    """Collect all that can be collected in a moment."""
    old = len(gc.get_objects(generation=2))
    gc.collect(2 if old <= MAX_OLD_OBJECTS else 1)


def _of_c_library(name: str) -> Any:
    """A function of glibc; None with another C library: those keep little, or offer no choice."""
    try:
        return getattr(ctypes.CDLL(None), name, None)
    except OSError:
        return None
