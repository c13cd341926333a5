"""Holds model calls up, so that a test says when runs end."""

from __future__ import annotations

import asyncio

from executor.running.worker import process_loop


class Gate:
    """A model that answers as many calls as are let through."""

    def __init__(self) -> None:
        self.waiting = 0
        self._open = asyncio.Semaphore(0)

    async def passed(self) -> None:
        self.waiting += 1
        await self._open.acquire()
        self.waiting -= 1

    def let(self, number: int) -> None:
        def release() -> None:
            for _ in range(number):
                self._open.release()

        process_loop().call_soon_threadsafe(release)
