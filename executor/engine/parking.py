"""What of a run is under way and what is parked: notices when a run can only wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from designs.patterns.base import Need

# Turns of the loop without anything under way after which nothing more can come by itself: what
# ends wakes its waiters turn by turn, through task groups and designs inside designs.
QUIET_TURNS = 100


class Activity:
    """Counts what is under way in a run, and keeps its parked needs.

    `with activity:` is around whatever will go on by itself: model calls, tool calls, records,
    pauses, threads. `on_quiet` is called once there are parked needs and nothing else.
    """

    __slots__ = ("_count", "_handle", "_left", "_loop", "_on_quiet", "_parked")

    def __init__(self, on_quiet: Callable[[], None]) -> None:
        self._on_quiet = on_quiet
        self._loop = asyncio.get_running_loop()
        self._count = 0
        self._parked: dict[str, Need] = {}
        self._handle: asyncio.Handle | None = None
        self._left = 0

    def __enter__(self) -> None:
        self._count += 1

    def __exit__(self, *_: object) -> None:
        self._count -= 1
        if self._parked:
            self.stir()

    @property
    def needs(self) -> tuple[Need, ...]:
        """The parked ones, in the order of their keys."""
        return tuple(need for _, need in sorted(self._parked.items()))

    def stir(self) -> None:
        """Something went on just now: look again after QUIET_TURNS."""
        self._left = QUIET_TURNS
        if self._parked and self._handle is None:
            self._handle = self._loop.call_soon(self._look)

    async def park(self, need: Need, due: Awaitable[None] | None = None) -> None:
        """Wait until `due`, or for ever: until the run is let go, which cancels this."""
        if need.key in self._parked:
            raise RuntimeError(f"{need.key} is waited for twice at once.")
        self._parked[need.key] = need
        self.stir()
        try:
            await (self._loop.create_future() if due is None else due)
        finally:
            del self._parked[need.key]

    def _look(self) -> None:
        self._handle = None
        if self._count or not self._parked:
            return
        self._left -= 1
        if self._left:
            self._handle = self._loop.call_soon(self._look)
        else:
            self._on_quiet()


class BlockClock:
    """The time limit of a block, in the loop's time; it stands still while the block waits.

    `ends_at` is None meanwhile. `guard` is what cancels the block when its time is over.
    """

    __slots__ = ("_left", "_waits", "ends_at", "guard")

    def __init__(self, ends_at: float) -> None:
        self.ends_at: float | None = ends_at
        self.guard: asyncio.Timeout | None = None
        self._left = 0.0
        self._waits = 0

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        now = asyncio.get_running_loop().time
        if self.ends_at is not None:
            self._left = self.ends_at - now()
            self._set(None)
        self._waits += 1
        try:
            yield
        finally:
            self._waits -= 1
            if not self._waits:
                self._set(now() + self._left)

    def _set(self, ends_at: float | None) -> None:
        self.ends_at = ends_at
        if self.guard is not None and not self.guard.expired():
            self.guard.reschedule(ends_at)
