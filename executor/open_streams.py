"""How many streams are open: for a caller and for a run over all processes, and in this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
import weakref
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import redis
import redis.asyncio
from django.conf import settings

from designs.access import Caller
from executor.errors import TooManyStreams
from executor.loops import PerLoop, stop_task

logger = logging.getLogger(__name__)

PREFIX = "orchestra:streams:"
# Streams of a process that was killed count for so long; those that live are noted anew in time.
LEASE_SECONDS = 30.0
# A Redis that hangs must not hold up every stream: after a failure none waits for it for this long.
REST_SECONDS = 5.0

# Keys are the caller's and the run's open streams with their ends; arguments are the new one, the
# lease in milliseconds and both limits. 0: it was noted; 1 or 2: that one has too many.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  if redis.call('ZCARD', key) >= tonumber(ARGV[i + 2]) then return i end
end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + ARGV[2], ARGV[1])
  redis.call('PEXPIRE', key, ARGV[2])
end
return 0
"""

_open: dict[str, Place] = {}
_counts: Counter[str] = Counter()
_rest_until = 0.0


class Place:
    """One open stream, until it is freed; with what it belongs to at the latest."""

    def __init__(self, keys: tuple[str, str]) -> None:
        self.name = uuid.uuid4().hex
        self.keys = keys
        self._loop = asyncio.get_running_loop()
        _open[self.name] = self
        _counts.update(keys)

    def belong_to(self, owner: Any) -> None:
        """A stream whose client leaves before its first byte is never begun, so it cannot end."""
        weakref.finalize(owner, self.free)

    def free(self) -> None:
        """May be called several times, and from anywhere."""
        if _open.pop(self.name, None) is None:
            return
        _counts.subtract(self.keys)
        for key in self.keys:
            if not _counts[key]:
                del _counts[key]
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._forget)

    def _forget(self) -> None:
        _counting.get().in_background(_forget(self))


async def take_place(caller: Caller, pk: uuid.UUID) -> Place:
    """Count a stream that this caller opens on this run. Raises TooManyStreams."""
    told = settings.ENVIRONMENT
    limits = (told.streams_per_caller, told.streams_per_run)
    keys = (f"{PREFIX}caller:{caller.turn_key}", f"{PREFIX}run:{pk.hex}")
    if len(_open) >= told.most_streams:
        raise TooManyStreams("Too many streams are open here. Try again in some seconds.")
    # Here without Redis, so that a process has its limits also while Redis is away.
    full = next((n for n, key in enumerate(keys, 1) if _counts[key] >= limits[n - 1]), 0)
    if full:
        raise _too_many(full, limits)
    place = Place(keys)
    try:
        full = await _note(place, limits)
    except BaseException:
        place.free()
        raise
    if full:
        place.free()
        raise _too_many(full, limits)
    _counting.get().keep_renewing()
    return place


def _too_many(full: int, limits: tuple[int, int]) -> TooManyStreams:
    if full == 1:
        return TooManyStreams(f"You have {limits[0]} streams open, which is the most. Close some.")
    return TooManyStreams(
        f"This run has {limits[1]} listeners, which is the most. Ask for its state instead."
    )


async def _note(place: Place, limits: tuple[int, int]) -> int:
    if time.monotonic() < _rest_until:
        return 0
    try:
        arguments = [place.name, int(LEASE_SECONDS * 1000), *limits]
        return int(await _counting.get().note(place.keys, arguments))
    except (redis.RedisError, OSError) as error:
        _rest(error)
        return 0


async def _forget(place: Place) -> None:
    if time.monotonic() < _rest_until:
        return
    try:
        async with _counting.get().client.pipeline(transaction=False) as pipe:
            for key in place.keys:
                pipe.zrem(key, place.name)
            await pipe.execute()
    except (redis.RedisError, OSError) as error:
        _rest(error)


async def _renew(loop: asyncio.AbstractEventLoop) -> None:
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        places = [place for place in _open.values() if place._loop is loop]
        if not places:
            return
        lease = int(LEASE_SECONDS * 1000)
        end = time.time() * 1000 + lease
        try:
            async with _counting.get().client.pipeline(transaction=False) as pipe:
                for place in places:
                    for key in place.keys:
                        pipe.zadd(key, {place.name: end})
                        pipe.pexpire(key, lease)
                await pipe.execute()
        except (redis.RedisError, OSError) as error:
            _rest(error)


class _Counting:
    """What one event loop counts its streams with."""

    def __init__(self) -> None:
        self.client: Any = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5, max_connections=32
        )
        self.note: Any = self.client.register_script(SCRIPT)
        self._renewing: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def keep_renewing(self) -> None:
        """One task notes all streams of the loop anew, as long as there are any."""
        if self._renewing is None or self._renewing.done():
            loop = asyncio.get_running_loop()
            self._renewing = loop.create_task(_renew(loop), name="open streams")

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        await stop_task(self._renewing)
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.client.aclose()


_counting = PerLoop(_Counting, _Counting.close)


def _rest(error: Exception) -> None:
    global _rest_until  # noqa: PLW0603 - one state a process
    _rest_until = time.monotonic() + REST_SECONDS
    logger.warning("Streams cannot be counted (%s): each process counts its own for now.", error)
