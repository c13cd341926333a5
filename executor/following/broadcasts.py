"""One reader per run or draft for all its listeners in this process, and their cached access."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Generic, TypeVar

from designs.runtime.loops import PerLoop, stop_task

T = TypeVar("T")
B = TypeVar("B", bound="Broadcast[Any]")

logger = logging.getLogger(__name__)

# Queued pieces per listener. A slower one is disconnected, and reconnects with its position.
MAX_WAITING = 1_000


class Listener(Generic[T]):
    """The queue of one listener. `is_over` once nothing more comes."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[T | None] = asyncio.Queue()
        self._is_over = False

    @property
    def is_over(self) -> bool:
        return self._is_over

    async def next(self, timeout: float) -> T | None:
        """The next piece; None after `timeout` seconds, or at the end."""
        try:
            piece = await asyncio.wait_for(self._waiting.get(), timeout)
        except TimeoutError:
            return None
        self._is_over = piece is None
        return piece

    def put(self, piece: T) -> bool:
        """False if the listener is too far behind."""
        self._waiting.put_nowait(piece)
        return self._waiting.qsize() <= MAX_WAITING

    def end(self) -> None:
        self._waiting.put_nowait(None)

    def drop(self) -> None:
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self.end()


class Broadcast(Generic[T]):
    """Follows a run or draft for all its listeners on a loop; it lives while there are any."""

    def __init__(self, pk: uuid.UUID) -> None:
        self.pk = pk
        self.is_over = False
        self._listeners: dict[Listener[T], None] = {}
        self._holders = 0
        # Set once the state of the row is known.
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def produce(self) -> None:
        """Call `mark_ready` once the state of the row is known, `publish` with all that happens
        from then on, and return at its end.
        """
        raise NotImplementedError

    def mark_ready(self) -> None:
        self._ready.set()

    def publish(self, piece: T) -> None:
        for listener in list(self._listeners):
            if not listener.put(piece):
                del self._listeners[listener]
                listener.drop()

    def listen(self) -> Listener[T]:
        listener: Listener[T] = Listener()
        if self.is_over:
            listener.end()
        else:
            self._listeners[listener] = None
        return listener

    async def _run(self) -> None:
        try:
            await self.produce()
        except Exception:
            # Listeners reconnect, which starts another broadcast.
            logger.exception("Following a run or draft failed.")
        finally:
            self.is_over = True
            self._remove()
            self._ready.set()
            for listener in self._listeners:
                listener.end()

    def _remove(self) -> None:
        broadcasts = _running.get()
        if broadcasts.get((type(self), self.pk)) is self:
            del broadcasts[type(self), self.pk]


async def _stop_all(broadcasts: dict[tuple[type, uuid.UUID], Broadcast[Any]]) -> None:
    for broadcast in list(broadcasts.values()):
        await stop_task(broadcast._task)


_running: PerLoop[dict[tuple[type, uuid.UUID], Broadcast[Any]]] = PerLoop(dict, _stop_all)


@contextlib.asynccontextmanager
async def broadcast_of(kind: type[B], pk: uuid.UUID) -> AsyncIterator[B]:
    broadcasts = _running.get()
    broadcast: Any = broadcasts.get((kind, pk))
    if broadcast is None:
        broadcast = broadcasts[kind, pk] = kind(pk)
    broadcast._holders += 1
    try:
        if broadcast._task is None:
            loop = asyncio.get_running_loop()
            broadcast._task = loop.create_task(broadcast._run(), name="broadcast")
        await broadcast._ready.wait()
        yield broadcast
    finally:
        broadcast._holders -= 1
        if not broadcast._holders:
            broadcast._remove()
            broadcast._task.cancel()


class CachedAccess(Generic[T]):
    """A caller's access, checked again after `every_seconds`. None: it was taken away."""

    def __init__(self, check: Callable[[], Awaitable[T | None]], every_seconds: float) -> None:
        self._check, self._every = check, every_seconds
        self._at = -every_seconds
        self._access: asyncio.Future[T | None] | None = None

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._at + self._every - time.monotonic())

    def set(self, access: T | None) -> None:
        """Cache the result of a check that was just made."""
        self._at = time.monotonic()
        self._access = asyncio.get_running_loop().create_future()
        self._access.set_result(access)

    async def get(self) -> T | None:
        if not self.seconds_left or self._access is None:
            self._at = time.monotonic()
            self._access = asyncio.ensure_future(self._check())
        # A listener that is cancelled must not cancel the check for the others.
        return await asyncio.shield(self._access)


_accesses: PerLoop[weakref.WeakValueDictionary[Any, CachedAccess[Any]]] = PerLoop(
    weakref.WeakValueDictionary
)


def shared_access(
    key: tuple[Any, ...], check: Callable[[], Awaitable[T | None]], every_seconds: float
) -> CachedAccess[T]:
    """One for all streams of the same caller on the same run or draft."""
    accesses = _accesses.get()
    access = accesses.get(key)
    if access is None:
        access = accesses[key] = CachedAccess(check, every_seconds)
    return access
