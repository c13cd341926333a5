"""Values that belong to an event loop: made at first use, closed when the loop ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)

# A server that hangs must not delay the end of a process.
CLOSE_SECONDS = 2.0


class PerLoop(Generic[T]):
    """One value for each event loop, such as a client whose connections belong to that loop."""

    def __init__(
        self, make: Callable[[], T], close: Callable[[T], Awaitable[None]] | None = None
    ) -> None:
        self._make, self._close = make, close

    def get(self) -> T:
        loop = asyncio.get_running_loop()
        values = _by_loop.get(loop)
        if values is None:
            for old in [old for old in list(_by_loop) if old.is_closed()]:
                _by_loop.pop(old, None)
            values = _by_loop[loop] = _LoopValues()
            # `asyncio.run`, like anything else that ends a loop properly, closes the generators
            # that are open on it. So no user of a loop has to close its values.
            step = values.closer.__anext__()
            with contextlib.suppress(StopIteration):
                step.send(None)
        if self not in values:
            values[self] = self._make()
        value: T = values[self]
        return value

    def everywhere(self) -> list[tuple[asyncio.AbstractEventLoop, T]]:
        """The values of all loops in this process. Can be called from any thread."""
        return [
            (loop, values[self])
            for loop, values in list(_by_loop.items())
            if self in values and not loop.is_closed()
        ]

    async def close(self) -> None:
        """Close the running loop's value; the next use makes another."""
        values = _by_loop.get(asyncio.get_running_loop())
        if values is not None and self in values:
            await self._end(values.pop(self))

    async def _end(self, value: T) -> None:
        if self._close is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._close(value)
        except Exception as error:  # noqa: BLE001 - the loop's other values must be closed too
            logger.warning("A value of an event loop could not be closed: %r", error)


class _LoopValues(dict[PerLoop[Any], Any]):
    def __init__(self) -> None:
        super().__init__()
        self.closer = self._close_at_end()

    async def _close_at_end(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            while self:
                # Last in, first out: later values may use earlier ones.
                holder, value = self.popitem()
                await holder._end(value)


# Not weak: values may refer to their loop, which would keep weak keys alive anyway.
_by_loop: dict[asyncio.AbstractEventLoop, _LoopValues] = {}


async def close_loop() -> None:
    """Close all values of the running loop, for a loop whose generators may never be closed."""
    values = _by_loop.pop(asyncio.get_running_loop(), None)
    if values is not None:
        await values.closer.aclose()


async def stop_task(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
