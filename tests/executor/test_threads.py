"""Reads that many ask for at once: made once, and answered to all."""

from __future__ import annotations

import asyncio
import threading

import pytest

from designs.runtime.threads import in_thread_once


class Source:
    """Answers when it is let; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.opened = threading.Event()

    def read(self, name: str) -> str:
        self.asked.append(name)
        assert self.opened.wait(60)
        if name == "bad":
            raise LookupError(name)
        return name.upper()


async def test_who_asks_for_the_same_shares_one_read() -> None:
    source = Source()
    callers = [asyncio.create_task(in_thread_once(source.read, "a")) for _ in range(10)]
    other = asyncio.create_task(in_thread_once(source.read, "b"))
    await asyncio.sleep(0.05)
    source.opened.set()
    assert await asyncio.gather(*callers, other) == ["A"] * 10 + ["B"]
    assert sorted(source.asked) == ["a", "b"]
    assert await in_thread_once(source.read, "a") == "A"
    assert source.asked.count("a") == 2


async def test_who_goes_away_takes_nothing_from_the_others() -> None:
    source = Source()
    first, second = (asyncio.create_task(in_thread_once(source.read, "a")) for _ in range(2))
    await asyncio.sleep(0.05)
    first.cancel()
    source.opened.set()
    assert await second == "A"
    assert first.cancelled()


async def test_a_failure_is_told_to_all_and_not_kept() -> None:
    source = Source()
    source.opened.set()
    both = await asyncio.gather(
        *(in_thread_once(source.read, "bad") for _ in range(2)), return_exceptions=True
    )
    assert [type(one) for one in both] == [LookupError, LookupError]
    with pytest.raises(LookupError):
        await in_thread_once(source.read, "bad")
    assert source.asked == ["bad", "bad"]
