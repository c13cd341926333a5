"""Limits open streams per caller and per run across all processes, and per process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
import weakref
from collections import Counter
from collections.abc import Sequence
from typing import Any

import redis
from django.conf import settings

from designs.access import Caller
from designs.rows.ids import new_id
from designs.runtime.gathering import BatchedReads
from designs.runtime.loops import PerLoop, stop_task
from designs.runtime.patience import Patience, RareWarning
from designs.runtime.redis_clients import PATIENT, async_redis_client
from executor.errors import TooManyStreams

logger = logging.getLogger(__name__)

PREFIX = "orchestra:streams:"
# Streams of a killed process count for this long; live ones are renewed before.
LEASE_SECONDS = 30.0
# Streams that are added or removed by one call.
MAX_TOGETHER = 100

# KEYS: for each new stream the sorted sets of its caller's and its run's open streams, scored by
# expiry. ARGV: the lease in milliseconds, both limits, and the streams' names. Returns for each
# stream 0 if it was added, or 1 or 2 for the key that is full.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local cleared, answers = {}, {}
for n = 1, #ARGV - 3 do
  local pair, full = {KEYS[2 * n - 1], KEYS[2 * n]}, 0
  for i, key in ipairs(pair) do
    if not cleared[key] then
      redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
      cleared[key] = true
    end
    if full == 0 and redis.call('ZCARD', key) >= tonumber(ARGV[i + 1]) then full = i end
  end
  if full == 0 then
    for _, key in ipairs(pair) do
      redis.call('ZADD', key, now + ARGV[1], ARGV[n + 3])
      redis.call('PEXPIRE', key, ARGV[1])
    end
  end
  answers[n] = full
end
return answers
"""

_open: dict[str, Place] = {}
_counts: Counter[str] = Counter()
patience = Patience(
    try_seconds=PATIENT.try_seconds,
    warning=RareWarning(
        logger, "Streams cannot be counted (%s): each process counts its own for now."
    ),
)


class Place:
    """One open stream, until it is freed."""

    def __init__(self, keys: tuple[str, str]) -> None:
        self.name = new_id().hex
        self.keys = keys
        self._loop = asyncio.get_running_loop()
        _open[self.name] = self
        _counts.update(keys)

    def belong_to(self, owner: Any) -> None:
        """Free it with its owner at the latest: a response whose client leaves before its first
        byte is never iterated, so it cannot free the stream itself.
        """
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
        _counting.get().forget_soon(self)


async def take_place(caller: Caller, pk: uuid.UUID) -> Place:
    """Count a stream that this caller opens on this run or draft. Raises TooManyStreams."""
    environment = settings.ENVIRONMENT
    limits = (environment.streams_per_caller, environment.streams_per_run)
    keys = (f"{PREFIX}caller:{caller.turn_key}", f"{PREFIX}run:{pk.hex}")
    if len(_open) >= environment.most_streams:
        raise TooManyStreams("Too many streams are open here. Try again in some seconds.")
    # Checked in this process first, so that limits hold in each process while Redis is away.
    full = next((n for n, key in enumerate(keys, 1) if _counts[key] >= limits[n - 1]), 0)
    if full:
        raise _too_many(full, limits)
    place = Place(keys)
    try:
        full = await _counting.get().notes.ask(place)
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
        f"{limits[1]} listeners follow this already, which is the most. Ask for its state instead."
    )


async def _note(places: Sequence[Place]) -> dict[Place, int]:
    """For each place 0, or the number of its key that is full."""
    environment = settings.ENVIRONMENT
    answers: Sequence[int] = [0] * len(places)
    if patience.asks():
        keys = [key for place in places for key in place.keys]
        names = [place.name for place in places]
        limits = (environment.streams_per_caller, environment.streams_per_run)
        try:
            note = _counting.get().note
            answers = await note(keys, [int(LEASE_SECONDS * 1000), *limits, *names])
        except (redis.RedisError, OSError) as error:
            patience.failed(error)
        else:
            patience.answered()
    for place in places:
        if place.name not in _open:
            # Its client left while it was being added.
            _counting.get().forget_soon(place)
    return {place: int(full) for place, full in zip(places, answers, strict=True)}


async def _forget(places: Sequence[Place]) -> None:
    if not patience.asks():
        return
    try:
        async with _counting.get().client.pipeline(transaction=False) as pipe:
            for key, names in _by_key(places).items():
                pipe.zrem(key, *names)
            await pipe.execute()
    except (redis.RedisError, OSError) as error:
        patience.failed(error)
    else:
        patience.answered()


async def _renew(loop: asyncio.AbstractEventLoop) -> None:
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        places = [place for place in _open.values() if place._loop is loop]
        if not places:
            return
        lease = int(LEASE_SECONDS * 1000)
        client = _counting.get().client
        try:
            # By the clock of the script: this process's clock may be wrong.
            seconds, microseconds = await client.time()
            end = seconds * 1000 + microseconds // 1000 + lease
            async with client.pipeline(transaction=False) as pipe:
                for key, names in _by_key(places).items():
                    pipe.zadd(key, dict.fromkeys(names, end))
                    pipe.pexpire(key, lease)
                await pipe.execute()
        except (redis.RedisError, OSError) as error:
            patience.failed(error)


def _by_key(places: Sequence[Place]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for place in places:
        for key in place.keys:
            names.setdefault(key, []).append(place.name)
    return names


class _Counting:
    """Counts the streams of one event loop in Redis."""

    def __init__(self) -> None:
        self.client: Any = async_redis_client(PATIENT)
        self.note: Any = self.client.register_script(SCRIPT)
        self.notes: BatchedReads[Place, int] = BatchedReads(_note, max_keys=MAX_TOGETHER)
        self._freed: list[Place] = []
        self._forgetting: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None

    def keep_renewing(self) -> None:
        """One task renews all streams of the loop, as long as there are any."""
        if self._renewing is None or self._renewing.done():
            loop = asyncio.get_running_loop()
            self._renewing = loop.create_task(_renew(loop), name="open streams")

    def forget_soon(self, place: Place) -> None:
        """Without waiting; streams that end together are removed together."""
        self._freed.append(place)
        if self._forgetting is None or self._forgetting.done():
            loop = asyncio.get_running_loop()
            self._forgetting = loop.create_task(self._forget(), name="closed streams")

    async def _forget(self) -> None:
        while self._freed:
            batch, self._freed = self._freed[:MAX_TOGETHER], self._freed[MAX_TOGETHER:]
            await _forget(batch)

    async def close(self) -> None:
        await stop_task(self._renewing)
        await self.notes.close()
        if self._forgetting is not None:
            await asyncio.wait([self._forgetting])
        await self.client.aclose()


_counting = PerLoop(_Counting, _Counting.close)
