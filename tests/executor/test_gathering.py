"""What is asked at about the same time is read together, and never older than its question."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from designs.runtime.gathering import BatchedReads


class Shelf:
    """Read one reading after the other, each when it is let."""

    def __init__(self, **options: int) -> None:
        self.readings: list[list[str]] = []
        self.turns: asyncio.Queue[Exception | None] = asyncio.Queue()
        self.reads: BatchedReads[str, str] = BatchedReads(self.read, **{"max_keys": 3, **options})

    async def read(self, keys: Sequence[str]) -> Mapping[str, str]:
        self.readings.append(list(keys))
        number = len(self.readings)
        error = await self.turns.get()
        if error is not None:
            raise error
        return {key: f"{key}{number}" for key in keys}

    def asks(self, *keys: str) -> list[asyncio.Task[str]]:
        return [asyncio.create_task(self.reads.ask(key)) for key in keys]

    async def until_read(self, number: int) -> None:
        async with asyncio.timeout(60):
            while len(self.readings) < number:
                await asyncio.sleep(0)


async def test_who_asks_during_a_reading_shares_the_next() -> None:
    shelf = Shelf()
    first = shelf.asks("a")
    await shelf.until_read(1)
    # Also for the same: what is being read may be older than this question.
    later = shelf.asks("a", "b", "b", "c", "d")
    for _ in range(3):
        shelf.turns.put_nowait(None)
    assert await asyncio.gather(*first, *later) == ["a1", "a2", "b2", "b2", "c2", "d3"]
    assert shelf.readings == [["a"], ["a", "b", "c"], ["d"]]


async def test_a_slow_reading_does_not_hold_up_others_where_two_may_be_under_way() -> None:
    shelf = Shelf(max_readers=2)
    slow = shelf.asks("slow")[0]
    await shelf.until_read(1)
    quick = shelf.asks("quick")[0]
    await shelf.until_read(2)
    shelf.turns.put_nowait(None)
    shelf.turns.put_nowait(None)
    assert await asyncio.gather(slow, quick) == ["slow1", "quick2"]


async def test_what_a_reading_raises_is_told_to_all_who_asked_and_to_nobody_else() -> None:
    shelf = Shelf()
    first, second = shelf.asks("a", "b")
    await shelf.until_read(1)
    third = shelf.asks("c")[0]
    shelf.turns.put_nowait(ValueError("no"))
    shelf.turns.put_nowait(None)
    for task in (first, second):
        with pytest.raises(ValueError, match="no"):
            await task
    assert await third == "c2"


@pytest.mark.parametrize("steps", range(12))
async def test_who_asks_the_moment_the_last_reading_ends_is_answered(steps: int) -> None:
    async def read(keys: Sequence[str]) -> Mapping[str, str]:
        return {key: key for key in keys}

    reads: BatchedReads[str, str] = BatchedReads(read, max_keys=3)

    async def later() -> str:
        # At one of these steps of the loop the reader of the first question ends.
        for _ in range(steps):
            await asyncio.sleep(0)
        return await reads.ask("b")

    async with asyncio.timeout(60):
        assert await asyncio.gather(reads.ask("a"), later()) == ["a", "b"]


async def test_who_goes_away_takes_the_answer_from_nobody() -> None:
    shelf = Shelf()
    first, second = shelf.asks("a", "a")
    await shelf.until_read(1)
    first.cancel()
    shelf.turns.put_nowait(None)
    assert await second == "a1"


async def test_closing_ends_what_is_under_way() -> None:
    shelf = Shelf()
    task = shelf.asks("a")[0]
    await shelf.until_read(1)
    await shelf.reads.close()
    with pytest.raises(asyncio.CancelledError):
        await task
