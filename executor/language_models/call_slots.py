"""Concurrent calls of a model connection, counted in Redis for all processes."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import redis

from designs.runtime.loops import PerLoop, stop_task
from designs.runtime.patience import Patience, RareWarning
from designs.runtime.redis_clients import QUICK, async_redis_client
from executor.engine.llm.base import ErrorKind, ModelError

logger = logging.getLogger(__name__)

PREFIX = "orchestra:calls:"
# The TTL of a slot, after which one of a killed process is free; living processes renew theirs.
HELD_SECONDS = 15.0
RENEW_SECONDS = 5.0
# The interval of polls for a slot that another process released.
POLL_SECONDS = 0.1

# By Redis's clock, since the clocks of processes may differ.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3] * 2000)
return 1
"""
# Restores slots that are gone, as after Redis was flushed.
_RENEW = """
local time = redis.call('TIME')
local free = time[1] + time[2] / 1000000 + ARGV[1]
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], free, ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1] * 2000)
"""


class _Queue:
    def __init__(self, key: str) -> None:
        self.key = key
        # Only the first in the queue polls for a free slot.
        self.turn = asyncio.Lock()
        self.freed = asyncio.Event()
        self.held: set[str] = set()


class CallSlots:
    """The slots of this event loop. While Redis is away, each process counts its own."""

    def __init__(self) -> None:
        self._client: Any = async_redis_client(QUICK)
        warning = RareWarning(logger, "Concurrent calls are counted per process, without Redis: %s")
        self._patience = Patience(try_seconds=QUICK.try_seconds, warning=warning)
        self._queues: dict[int, _Queue] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._releasing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def take(
        self, connection_id: int, limit: int, *, wait_seconds: float, name: str
    ) -> AsyncIterator[None]:
        """One of `limit` slots, first come first served within the process.

        Raises ModelError(RATE_LIMIT) if none becomes free within `wait_seconds`.
        """
        queue = self._queues.setdefault(connection_id, _Queue(f"{PREFIX}{connection_id}"))
        token = uuid.uuid4().hex
        try:
            async with asyncio.timeout(wait_seconds) as clock, queue.turn:
                while not await self._try_take(queue, token, limit):
                    queue.freed.clear()
                    # Not `wait_for`: in Python 3.11 it may swallow that the run is cancelled.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(POLL_SECONDS):
                            await queue.freed.wait()
        except TimeoutError:
            if not clock.expired():
                raise
            calls = "one call" if limit == 1 else f"{limit} calls"
            sentence = f"{name}: the connection allows {calls} at once, and none ended in time."
            raise ModelError(ErrorKind.RATE_LIMIT, sentence) from None
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew(), name="model call slots")
        try:
            yield
        finally:
            queue.held.discard(token)
            self._release(queue, token)

    async def close(self) -> None:
        await stop_task(self._renewing)
        if self._releasing:
            await asyncio.wait(self._releasing)
        await self._client.aclose()

    async def _try_take(self, queue: _Queue, token: str, limit: int) -> bool:
        if not self._patience.asks():
            return self._take_locally(queue, token, limit)
        # A task of its own: the client may swallow that its caller is cancelled (Python 3.11).
        taking = asyncio.ensure_future(
            self._client.eval(_TAKE, 1, queue.key, token, limit, HELD_SECONDS)
        )
        try:
            is_taken = await asyncio.shield(taking)
        except (redis.RedisError, OSError) as error:
            self._patience.failed(error)
            return self._take_locally(queue, token, limit)
        except asyncio.CancelledError:
            self._release(queue, token, after=taking)
            raise
        self._patience.answered()
        if is_taken:
            queue.held.add(token)
        return bool(is_taken)

    def _take_locally(self, queue: _Queue, token: str, limit: int) -> bool:
        """Without Redis, count in this process alone."""
        if len(queue.held) >= limit:
            return False
        queue.held.add(token)
        return True

    def _release(self, queue: _Queue, token: str, after: asyncio.Future[Any] | None = None) -> None:
        """In a task, so that neither an answer nor a cancelled run waits for Redis."""
        task = asyncio.create_task(self._release_in_redis(queue, token, after))
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)

    async def _release_in_redis(
        self, queue: _Queue, token: str, after: asyncio.Future[Any] | None
    ) -> None:
        try:
            if after is not None:
                await after
            await self._client.zrem(queue.key, token)
        except (redis.RedisError, OSError) as error:
            self._patience.failed(error)
        queue.freed.set()

    async def _renew(self) -> None:
        while any(queue.held for queue in self._queues.values()):
            await asyncio.sleep(RENEW_SECONDS)
            # A copy: `take` may add a queue while this waits for Redis.
            for queue in list(self._queues.values()):
                tokens = list(queue.held)
                if not tokens:
                    continue
                try:
                    await self._client.eval(_RENEW, 1, queue.key, HELD_SECONDS, *tokens)
                    # Slots released meanwhile stay free.
                    if released := [token for token in tokens if token not in queue.held]:
                        await self._client.zrem(queue.key, *released)
                except (redis.RedisError, OSError) as error:
                    self._patience.failed(error)


_slots = PerLoop(CallSlots, CallSlots.close)


def running_slots() -> CallSlots:
    return _slots.get()
