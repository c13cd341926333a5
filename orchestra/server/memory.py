"""Returns memory to the system: as it is freed, and soon after large answers."""

from __future__ import annotations

import ctypes
import gc
import threading
from collections.abc import Awaitable, Callable
from typing import Any

# glibc keeps an arena for each thread (up to eight a core) and returns memory only from the end of
# an arena; once a large block was freed, it allocates large blocks there too, so that one answer of
# megabytes keeps them. With two arenas, and blocks of this size mapped and unmapped one by one,
# memory returns to the system after a peak.
ARENAS = 2
LARGE_BYTES = 131_072
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8

# Django's rows and answers are in reference cycles, which only a collection frees; and collections
# are triggered by the number of objects, whatever their size.
LARGE_ANSWER_BYTES = 262_144
# Many large answers within this time cost one collection.
REST_SECONDS = 1.0
# A collection stops the whole process. Measured: this many objects cost some ten milliseconds. With
# more old ones only the young generations are collected; the rows of an answer that was just sent
# are among those.
MAX_OLD_OBJECTS = 50_000

Send = Callable[[Any], Awaitable[None]]


def set_up_memory() -> bool:
    """False where the C library has no such settings."""
    mallopt = _of_c_library("mallopt")
    if mallopt is None:
        return False
    results = (
        mallopt(_M_ARENA_MAX, ARENAS),
        mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES),
        mallopt(_M_TRIM_THRESHOLD, LARGE_BYTES),
    )
    return all(results)


def noting_large_answers(send: Send) -> Send:
    """Wraps the server's `send`: memory is released after a large answer."""
    size = 0

    async def counting(message: Any) -> None:
        nonlocal size
        await send(message)
        if message["type"] == "http.response.body":
            size += len(message.get("body", b""))
            if size >= LARGE_ANSWER_BYTES and not message.get("more_body", False):
                give_back_soon()

    return counting


def give_back_soon() -> None:
    """Release memory in a thread, a second from now; further calls until then do nothing."""
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
    old = len(gc.get_objects(generation=2))
    gc.collect(2 if old <= MAX_OLD_OBJECTS else 1)


def _of_c_library(name: str) -> Any:
    """A function of glibc; None with another C library."""
    try:
        return getattr(ctypes.CDLL(None), name, None)
    except OSError:
        return None
