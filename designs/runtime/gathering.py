"""Answers several who ask at about the same time by one reading."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Read = Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]


class Gathered(Generic[K, V]):
    """What is asked while readings are under way is read together in the next one.

    An answer is never older than its question: who asks during a reading waits for the one after.
    A reading that follows another waits for the `pause` (in seconds), so that more come along.
    `read` answers every key that it is given. For one event loop.
    """

    def __init__(
        self, read: Read[K, V], *, most: int, at_once: int = 1, pause: float = 0.0
    ) -> None:
        self._read, self._most, self._at_once, self._pause = read, most, at_once, pause
        self._asked: dict[K, asyncio.Future[V]] = {}
        self._readers: set[asyncio.Task[None]] = set()
        # A task that has ended is in the set for a moment more.
        self._under_way = 0

    async def ask(self, key: K) -> V:
        """The answer, or what the reading raised."""
        # One of them that goes away must not take the answer from the others.
        return await asyncio.shield(self.begin(key))

    def begin(self, key: K) -> asyncio.Future[V]:
        """The same, for who does not wait for it."""
        found = self._asked.get(key)
        if found is None:
            found = self._asked[key] = asyncio.get_running_loop().create_future()
            if self._under_way < self._at_once:
                self._under_way += 1
                # Nobody's request: it answers for many, and must hold nothing of the first.
                context = contextvars.Context()
                reader = asyncio.create_task(self._work(), name="gathered", context=context)
                self._readers.add(reader)
                reader.add_done_callback(self._readers.discard)
        return found

    async def close(self) -> None:
        """End the readings that are under way; nobody is answered any more."""
        readers = list(self._readers)
        for found in self._asked.values():
            found.cancel()
        self._asked.clear()
        for reader in readers:
            reader.cancel()
        if readers:
            await asyncio.wait(readers)

    async def _work(self) -> None:
        try:
            while self._asked:
                keys = list(self._asked)[: self._most]
                await self._answer({key: self._asked.pop(key) for key in keys})
                if self._pause:
                    await asyncio.sleep(self._pause)
        finally:
            self._under_way -= 1

    async def _answer(self, asked: dict[K, asyncio.Future[V]]) -> None:
        try:
            answers = await self._read(list(asked))
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            for found in asked.values():
                found.set_exception(error)
                # Looked at, so that nothing complains if all who asked went away.
                found.exception()
        except BaseException:
            for found in asked.values():
                found.cancel()
            raise
        else:
            for key, found in asked.items():
                found.set_result(answers[key])
