"""One reader for all who follow a run in this process, and whether each of them still may."""

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

# Pieces that wait for a slow listener; one that is further behind is sent away, and comes back with
# the place where it was.
MAX_WAITING = 1_000


class Listener(Generic[T]):
    """What one listener has not heard yet. `is_over` once nothing more comes."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[T | None] = asyncio.Queue()
        self._is_over = False

    @property
    def is_over(self) -> bool:
        return self._is_over

    async def next(self, timeout: float) -> T | None:
        """The next piece; None after so many seconds, or at the end."""
        try:
            found = await asyncio.wait_for(self._waiting.get(), timeout)
        except TimeoutError:
            return None
        self._is_over = found is None
        return found

    def hear(self, piece: T) -> bool:
        """False if it is too far behind."""
        self._waiting.put_nowait(piece)
        return self._waiting.qsize() <= MAX_WAITING

    def end(self) -> None:
        self._waiting.put_nowait(None)

    def drop(self) -> None:
        """Forget what waits, and end."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self.end()


class Broadcast(Generic[T]):
    """Reads what happens to one run, once for all its listeners; it lives as long as these."""

    def __init__(self, pk: uuid.UUID) -> None:
        self.pk = pk
        self.is_over = False
        self._listeners: dict[Listener[T], None] = {}
        self._holders = 0
        # Set when it knows how the run stands.
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def produce(self) -> None:
        """Call `begin` once it is known how the run stands, `tell` with all that happens from then
        on, and return at its end.
        """
        raise NotImplementedError

    def begin(self) -> None:
        self._ready.set()

    def tell(self, piece: T) -> None:
        for listener in list(self._listeners):
            if not listener.hear(piece):
                del self._listeners[listener]
                listener.drop()

    def listen(self) -> Listener[T]:
        """Hear all that is told from now on."""
        listener: Listener[T] = Listener()
        if self.is_over:
            listener.end()
        else:
            self._listeners[listener] = None
        return listener

    async def _hold(self) -> None:
        self._holders += 1
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="broadcast")
        await self._ready.wait()

    def _let_go(self) -> None:
        self._holders -= 1
        if not self._holders:
            self._remove()
            if self._task is not None:
                self._task.cancel()

    async def _run(self) -> None:
        try:
            await self.produce()
        except Exception:
            # Those who listen come back, and it is tried anew.
            logger.exception("A run can no longer be followed.")
        finally:
            self.is_over = True
            self._remove()
            self._ready.set()
            for listener in self._listeners:
                listener.end()

    async def stop(self) -> None:
        await stop_task(self._task)

    def _remove(self) -> None:
        here = _running.get()
        if here.get((type(self), self.pk)) is self:
            del here[type(self), self.pk]


async def _stop_all(broadcasts: dict[tuple[type, uuid.UUID], Broadcast[Any]]) -> None:
    for one in list(broadcasts.values()):
        await one.stop()


_running: PerLoop[dict[tuple[type, uuid.UUID], Broadcast[Any]]] = PerLoop(dict, _stop_all)


@contextlib.asynccontextmanager
async def broadcast_of(kind: type[B], pk: uuid.UUID) -> AsyncIterator[B]:
    """The one of this loop that tells of this run; it knows by now how the run stands."""
    here = _running.get()
    found: Any = here.get((kind, pk))
    if found is None:
        found = here[kind, pk] = kind(pk)
    try:
        await found._hold()
        yield found
    finally:
        found._let_go()


class Looks(Generic[T]):
    """Whether somebody still may, asked anew when the last answer is too old; None: no longer."""

    def __init__(self, look: Callable[[], Awaitable[T | None]], every_seconds: float) -> None:
        self._look, self._every = look, every_seconds
        self._at = -every_seconds
        self._found: asyncio.Future[T | None] | None = None

    @property
    def seconds_left(self) -> float:
        """How long the last answer is good."""
        return max(0.0, self._at + self._every - time.monotonic())

    def know(self, found: T | None) -> None:
        """Somebody has just looked, and this is what they found."""
        self._at = time.monotonic()
        self._found = asyncio.get_running_loop().create_future()
        self._found.set_result(found)

    async def now(self) -> T | None:
        if not self.seconds_left or self._found is None:
            self._at = time.monotonic()
            self._found = asyncio.ensure_future(self._look())
        # One listener that goes away must not take the answer from the others.
        return await asyncio.shield(self._found)


_looks: PerLoop[weakref.WeakValueDictionary[Any, Looks[Any]]] = PerLoop(weakref.WeakValueDictionary)


def shared_looks(
    who: tuple[Any, ...], look: Callable[[], Awaitable[T | None]], every_seconds: float
) -> Looks[T]:
    """One for all streams of the same caller on the same run."""
    here = _looks.get()
    found = here.get(who)
    if found is None:
        found = here[who] = Looks(look, every_seconds)
    return found
