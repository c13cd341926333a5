"""Slots for calls of a connection: whoever dies, is cancelled, or cannot reach the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from designs.runtime.loops import PerLoop
from executor.engine.llm.base import ModelError
from executor.language_models import call_slots
from executor.language_models.call_slots import CallSlots

KEY = f"{call_slots.PREFIX}7"


@pytest.fixture
def stored(settings: Any) -> Iterator[redis.Redis]:
    """Redis, where the slots of all processes are."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(KEY)
        yield client


@pytest.fixture
def slots_of(settings: Any, stored: redis.Redis) -> Callable[..., CallSlots]:
    """Makes the slots of one more process."""

    def make(url: str = "") -> CallSlots:
        if url:
            settings.REDIS_URL = url
        # Its loop's end closes it, as that of the process whose slots these are.
        return PerLoop(CallSlots, CallSlots.close).get()

    return make


def hold(slots: CallSlots, limit: int = 1, seconds: float = 60.0) -> Any:
    return slots.take(7, limit, wait_seconds=seconds, name="vllm")


async def test_the_slots_of_a_killed_process_get_free(
    slots_of: Callable[..., CallSlots], stored: redis.Redis
) -> None:
    killed, other = slots_of(), slots_of()
    async with hold(killed):
        assert killed._renewing
        killed._renewing.cancel()
        with pytest.raises(ModelError):
            async with hold(other, seconds=0.2):
                pass
        # The time of a slot that nobody renews passes.
        stored.zincrby(KEY, -call_slots.HELD_SECONDS, stored.zrange(KEY, 0, -1)[0])
        async with hold(other, seconds=60):
            pass


async def test_a_living_process_keeps_its_slot_as_long_as_it_takes(
    slots_of: Callable[..., CallSlots], stored: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_slots, "RENEW_SECONDS", 0.05)

    def free_at() -> float:
        [(_, at)] = stored.zrange(KEY, 0, -1, withscores=True)
        return at

    async with hold(slots_of()):
        for _ in range(3):
            before = free_at()
            while free_at() == before:
                await asyncio.sleep(0.01)
        with pytest.raises(ModelError):
            async with hold(slots_of(), seconds=0.2):
                pass


async def test_cancelled_waiters_take_nothing(
    slots_of: Callable[..., CallSlots], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Their own slots would be held for longer than the last one waits.
    monkeypatch.setattr(call_slots, "HELD_SECONDS", 600.0)
    slots, other = slots_of(), slots_of()

    async def wait() -> None:
        async with hold(slots):
            await asyncio.sleep(60)

    for turns in range(30):
        waiting = [asyncio.create_task(wait()) for _ in range(3)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    async with hold(other):
        pass


async def test_without_redis_each_process_counts_alone(slots_of: Callable[..., CallSlots]) -> None:
    slots = slots_of("unix:///nowhere/valkey.sock")
    async with hold(slots):
        with pytest.raises(ModelError):
            async with hold(slots, seconds=0.3):
                pass
        async with hold(slots, limit=2):
            pass
    async with hold(slots):
        pass


async def test_after_redis_was_emptied_what_is_held_counts_again(
    slots_of: Callable[..., CallSlots], stored: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_slots, "RENEW_SECONDS", 0.05)
    async with hold(slots_of()):
        stored.delete(KEY)
        async with asyncio.timeout(60):
            while not stored.zcard(KEY):
                await asyncio.sleep(0.02)
        with pytest.raises(ModelError):
            async with hold(slots_of(), seconds=0.2):
                pass
    async with hold(slots_of(), seconds=60):
        pass
