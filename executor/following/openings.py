"""Opens streams in turns, so that a thousand reconnecting clients leave room for other requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from django.conf import settings

from designs.runtime.loops import PerLoop
from executor.errors import TooManyStreams

# Maximum of streams that a process opens at once.
AT_ONCE = 32


class Turn:
    """The permission to open one stream."""

    def __init__(self, turns: asyncio.Semaphore) -> None:
        self._turns: asyncio.Semaphore | None = turns

    def end(self) -> None:
        """May be called several times."""
        if self._turns is not None:
            self._turns.release()
            self._turns = None


class _Line:
    """The waiting line of one event loop, first come, first served."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(AT_ONCE)
        self.waiting = 0


@asynccontextmanager
async def turn_to_open() -> AsyncIterator[Turn]:
    """Wait for a turn, which ends with the block at the latest. Raises TooManyStreams if as many
    wait as may be open.
    """
    line = _lines.get()
    if line.waiting >= settings.ENVIRONMENT.most_streams:
        raise TooManyStreams("Too many streams are being opened here. Try again in some seconds.")
    line.waiting += 1
    try:
        await line.turns.acquire()
    finally:
        line.waiting -= 1
    turn = Turn(line.turns)
    try:
        yield turn
    finally:
        turn.end()


_lines = PerLoop(_Line)
