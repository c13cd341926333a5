"""What an event loop keeps for its lifetime: made at its first use, closed when the loop ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)

# A server that hangs must not hold up the end of a process.
CLOSE_SECONDS = 2.0


class PerLoop(Generic[T]):
    """One value for each event loop, such as a client whose connections belong to that loop."""

    def __init__(
        self, make: Callable[[], T], close: Callable[[T], Awaitable[None]] | None = None
    ) -> None:
        self._make, self._close = make, close

    def get(self) -> T:
        """The running loop's value, made at its first use."""
        loop = asyncio.get_running_loop()
        kept = _kept.get(loop)
        if kept is None:
            kept = _begin(loop)
        if self not in kept.values:
            kept.values[self] = self._make()
        found: T = kept.values[self]
        return found

    def everywhere(self) -> list[tuple[asyncio.AbstractEventLoop, T]]:
        """The values of all loops in this process; may be called from any thread."""
        return [
            (loop, kept.values[self])
            for loop, kept in list(_kept.items())
            if self in kept.values and not loop.is_closed()
        ]

    async def close(self) -> None:
        """Close the running loop's value; the next use makes another."""
        kept = _kept.get(asyncio.get_running_loop())
        if kept is not None and self in kept.values:
            await self._end(kept.values.pop(self))

    async def _end(self, value: T) -> None:
        if self._close is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._close(value)
        except Exception as error:  # noqa: BLE001 - the others are to be closed all the same
            logger.warning("What an event loop kept could not be closed: %r", error)


class _Kept:
    def __init__(self) -> None:
        self.values: dict[PerLoop[Any], Any] = {}
        self.closer = self._closed_with_the_loop()

    async def _closed_with_the_loop(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await self.close()

    async def close(self) -> None:
        while self.values:
            # What was made last may use what was made before.
            holder, value = self.values.popitem()
            await holder._end(value)


# Values may hold their loop, so weak keys would never let go of it.
_kept: dict[asyncio.AbstractEventLoop, _Kept] = {}


def _begin(loop: asyncio.AbstractEventLoop) -> _Kept:
    for old in [old for old in list(_kept) if old.is_closed()]:
        _kept.pop(old, None)
    kept = _kept[loop] = _Kept()
    # `asyncio.run`, and whatever else ends a loop properly, closes the generators that are open
    # on it. So nobody who uses a loop needs to know what was kept for it.
    step = kept.closer.__anext__()
    with contextlib.suppress(StopIteration):
        step.send(None)
    return kept


async def close_loop() -> None:
    """Close all that the running loop keeps: for a loop that others end, or nobody."""
    kept = _kept.pop(asyncio.get_running_loop(), None)
    if kept is not None:
        await kept.closer.aclose()


async def stop_task(task: asyncio.Task[Any] | None) -> None:
    """Cancel a task of the running loop, and wait until it has ended."""
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
