"""Limits on the callbacks of this process: how many are sent at once, and how many wait.

A callback takes its turn before it is claimed or read. A host that hangs, or a deployment with many
callbacks, gets only a share of the places, so that others still get through.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from designs.runtime.cache import ExpiringSet
from designs.runtime.loops import PerLoop

AT_ONCE = 32
AT_ONCE_A_DEPLOYMENT = 8
AT_ONCE_A_HOST = 4
# Waiting callbacks hold only their ids; a sweep sends the rest again.
MAX_WAITING = 1_000
MAX_WAITING_A_DEPLOYMENT = 100
# After a timeout a host gets one try at a time for this long.
SLOW_SECONDS = 300.0
MAX_CACHED = 10_000


class Line:
    """The callbacks that wait or are sent in this process, each once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: set[uuid.UUID] = set()
        self._by_deployment: Counter[object] = Counter()

    def __contains__(self, pk: uuid.UUID) -> bool:
        return pk in self._waiting

    def enter(self, pk: uuid.UUID, deployment: object) -> bool:
        """False if it is here already, or there is no room."""
        with self._lock:
            if pk in self._waiting or len(self._waiting) >= MAX_WAITING:
                return False
            if self._by_deployment[deployment] >= MAX_WAITING_A_DEPLOYMENT:
                return False
            self._waiting.add(pk)
            self._by_deployment[deployment] += 1
            return True

    def leave(self, pk: uuid.UUID, deployment: object) -> None:
        with self._lock:
            self._waiting.discard(pk)
            self._by_deployment[deployment] -= 1
            if not self._by_deployment[deployment]:
                del self._by_deployment[deployment]


class Turns:
    """The places of one event loop."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(AT_ONCE)
        # Semaphores in use, with the number of their holders and waiters.
        self._lanes: dict[object, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def take(self, url: str, deployment: object) -> AsyncIterator[None]:
        """Wait for a place of the deployment, of the host, and of the process."""
        host = host_of(url)
        async with AsyncExitStack() as held:
            await held.enter_async_context(self._lane(deployment, AT_ONCE_A_DEPLOYMENT))
            await held.enter_async_context(self._lane(host, AT_ONCE_A_HOST))
            if is_slow(host):
                await held.enter_async_context(self._lane(("slow", host), 1))
            await held.enter_async_context(self._all)
            yield

    @asynccontextmanager
    async def _lane(self, name: object, places: int) -> AsyncIterator[None]:
        semaphore, users = self._lanes.get(name, (asyncio.Semaphore(places), 0))
        self._lanes[name] = (semaphore, users + 1)
        try:
            async with semaphore:
                yield
        finally:
            users = self._lanes[name][1] - 1
            if users:
                self._lanes[name] = (semaphore, users)
            else:
                del self._lanes[name]


_slow_hosts: ExpiringSet[str] = ExpiringSet(seconds=SLOW_SECONDS, max_entries=MAX_CACHED)
_turns = PerLoop(Turns)


def turns() -> Turns:
    return _turns.get()


def host_of(url: str) -> str:
    return (urlsplit(url).netloc or url).lower()


def is_slow(host: str) -> bool:
    return host in _slow_hosts


def note_speed(url: str, *, slow: bool) -> None:
    if slow:
        _slow_hosts.add(host_of(url))
    else:
        _slow_hosts.discard(host_of(url))
