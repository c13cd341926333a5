"""Calls at once of a model connection: one count for all processes, kept in Redis."""

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
# A slot whose process was killed is free after so long; living processes renew theirs.
HELD_SECONDS = 15.0
RENEW_SECONDS = 5.0
# How soon a slot that another process gave back is seen here.
LOOK_SECONDS = 0.1

# By Redis's own clock: those of the processes may differ.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3] * 2000)
return 1
"""
# Also those that are not there any more, as after Redis was emptied.
_RENEW = """
local time = redis.call('TIME')
local free = time[1] + time[2] / 1000000 + ARGV[1]
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], free, ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1] * 2000)
"""


class _Line:
    """Who waits and who holds, for one connection."""

    def __init__(self, key: str) -> None:
        self.key = key
        # Only the first in the line looks for a free slot.
        self.turn = asyncio.Lock()
        self.freed = asyncio.Event()
        self.held: set[str] = set()


class CallSlots:
    """The slots of this process's event loop, by connection. While Redis is away, each process
    counts alone.
    """

    def __init__(self) -> None:
        self._client: Any = async_redis_client(QUICK)
        warning = RareWarning(logger, "Calls at once are counted in each process alone: %s")
        self._patience = Patience(try_seconds=QUICK.try_seconds, warning=warning)
        self._lines: dict[int, _Line] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._returning: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def take(
        self, connection_id: int, limit: int, *, wait_seconds: float, name: str
    ) -> AsyncIterator[None]:
        """One of `limit` slots, first come first served within the process.

        Raises ModelError(RATE_LIMIT) when none got free within `wait_seconds`.
        """
        line = self._lines.setdefault(connection_id, _Line(f"{PREFIX}{connection_id}"))
        token = uuid.uuid4().hex
        try:
            async with asyncio.timeout(wait_seconds) as clock, line.turn:
                while not await self._taken(line, token, limit):
                    line.freed.clear()
                    # Not `wait_for`: in Python 3.11 it may swallow that the run is cancelled.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_SECONDS):
                            await line.freed.wait()
        except TimeoutError:
            if not clock.expired():
                raise
            calls = "one call" if limit == 1 else f"{limit} calls"
            sentence = f"{name}: the connection allows {calls} at once, and none ended in time."
            raise ModelError(ErrorKind.RATE_LIMIT, sentence) from None
        self._keep_renewing()
        try:
            yield
        finally:
            line.held.discard(token)
            self._return(line, token)

    async def close(self) -> None:
        """Give back what was held, and leave Redis."""
        await stop_task(self._renewing)
        if self._returning:
            await asyncio.wait(self._returning)
        await self._client.aclose()

    async def _taken(self, line: _Line, token: str, limit: int) -> bool:
        if not self._patience.asks():
            return self._taken_here(line, token, limit)
        # A task of its own: the client may swallow that its caller is cancelled (Python 3.11).
        asking = asyncio.ensure_future(
            self._client.eval(_TAKE, 1, line.key, token, limit, HELD_SECONDS)
        )
        try:
            found = await asyncio.shield(asking)
        except (redis.RedisError, OSError) as error:
            self._patience.failed(error)
            return self._taken_here(line, token, limit)
        except asyncio.CancelledError:
            self._return(line, token, after=asking)
            raise
        self._patience.answered()
        if found:
            line.held.add(token)
        return bool(found)

    def _taken_here(self, line: _Line, token: str, limit: int) -> bool:
        """Without Redis: counted in this process alone."""
        if len(line.held) >= limit:
            return False
        line.held.add(token)
        return True

    def _return(self, line: _Line, token: str, after: asyncio.Future[Any] | None = None) -> None:
        """Without waiting: neither an answer nor a cancelled run waits for Redis."""
        task = asyncio.create_task(self._give_back(line, token, after))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    async def _give_back(self, line: _Line, token: str, after: asyncio.Future[Any] | None) -> None:
        try:
            if after is not None:
                await after
            await self._client.zrem(line.key, token)
        except (redis.RedisError, OSError) as error:
            self._patience.failed(error)
        line.freed.set()

    def _keep_renewing(self) -> None:
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew(), name="model call slots")

    async def _renew(self) -> None:
        while any(line.held for line in self._lines.values()):
            await asyncio.sleep(RENEW_SECONDS)
            for line in self._lines.values():
                if line.held:
                    await self._renew_line(line)

    async def _renew_line(self, line: _Line) -> None:
        tokens = list(line.held)
        try:
            await self._client.eval(_RENEW, 1, line.key, HELD_SECONDS, *tokens)
            # What was given back meanwhile stays free.
            if gone := [token for token in tokens if token not in line.held]:
                await self._client.zrem(line.key, *gone)
        except (redis.RedisError, OSError) as error:
            self._patience.failed(error)


_slots = PerLoop(CallSlots, CallSlots.close)


def running_slots() -> CallSlots:
    """The slots of the running loop, made at their first use."""
    return _slots.get()
