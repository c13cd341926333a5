"""Batches reads: keys that are asked for at about the same time are read together."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Read = Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]


class BatchedReads(Generic[K, V]):
    """Keys asked for while a read is under way are read together in the next one.

    A value is never older than its question: a question during a read waits for the read after it.
    Consecutive reads are `pause` seconds apart, so that batches grow. `read` must return a value
    for each of its keys. Belongs to one event loop.
    """

    def __init__(
        self, read: Read[K, V], *, max_keys: int, max_readers: int = 1, pause: float = 0.0
    ) -> None:
        self._read, self._pause = read, pause
        self._max_keys, self._max_readers = max_keys, max_readers
        self._asked: dict[K, asyncio.Future[V]] = {}
        self._readers: set[asyncio.Task[None]] = set()
        # Not `len(_readers)`: a task that has ended leaves the set a moment later.
        self._running = 0

    async def ask(self, key: K) -> V:
        """The value. Raises what the read raised."""
        # Shielded, because others may wait for the same future.
        return await asyncio.shield(self.begin(key))

    def begin(self, key: K) -> asyncio.Future[V]:
        """Like `ask`, without waiting."""
        future = self._asked.get(key)
        if future is None:
            future = self._asked[key] = asyncio.get_running_loop().create_future()
            if self._running < self._max_readers:
                self._running += 1
                # An empty context: the task serves many requests, not the one that started it.
                context = contextvars.Context()
                reader = asyncio.create_task(self._work(), name="batched-reads", context=context)
                self._readers.add(reader)
                reader.add_done_callback(self._readers.discard)
        return future

    async def close(self) -> None:
        """Cancel all reads and questions."""
        readers = list(self._readers)
        for future in self._asked.values():
            future.cancel()
        self._asked.clear()
        for reader in readers:
            reader.cancel()
        if readers:
            await asyncio.wait(readers)

    async def _work(self) -> None:
        batch: dict[K, asyncio.Future[V]] = {}
        try:
            while self._asked:
                keys = list(self._asked)[: self._max_keys]
                batch = {key: self._asked.pop(key) for key in keys}
                try:
                    values = await self._read(keys)
                except Exception as error:  # noqa: BLE001 - raised in every task that asked
                    for future in batch.values():
                        future.set_exception(error)
                        # Retrieved, so that asyncio reports nothing if all who asked are gone.
                        future.exception()
                else:
                    for key, future in batch.items():
                        future.set_result(values[key])
                if self._pause:
                    await asyncio.sleep(self._pause)
        finally:
            # Does nothing unless the read was cancelled.
            for future in batch.values():
                future.cancel()
            self._running -= 1
