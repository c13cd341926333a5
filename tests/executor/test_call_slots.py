"""Calls at once of a connection: one count for all processes, whatever ends, dies or is away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from executor import call_slots
from executor.call_slots import CallSlots
from executor.engine.llm.base import ErrorKind, ModelError
from executor.loops import PerLoop
from executor.threads import in_thread
from tests.executor.connections import Process, connect
from tests.model_server import Exchange, ModelServer, fails, model_server, says

pytestmark = pytest.mark.django_db(transaction=True)


class Counting:
    """Answers once `together` calls have come; `most` is how many calls it had at once."""

    def __init__(self, together: int) -> None:
        self.all_here = threading.Barrier(together, timeout=30)
        self.busy = self.most = 0
        self.lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> None:
        with self.lock:
            self.busy += 1
            self.most = max(self.most, self.busy)
        self.all_here.wait()
        with self.lock:
            self.busy -= 1
        says("Hello.")(exchange)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as found:
        yield found


@pytest.fixture
def slots_of(settings: Any) -> Callable[..., CallSlots]:
    """Makes the slots of one more process."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(f"{call_slots.PREFIX}7")

    def make(url: str = "") -> CallSlots:
        if url:
            settings.REDIS_URL = url
        # Its loop's end closes it, as that of the process whose slots these are.
        return PerLoop(CallSlots, CallSlots.close).get()

    return make


def hold(slots: CallSlots, limit: int = 1, seconds: float = 5.0) -> Any:
    return slots.take(7, limit, wait_seconds=seconds, name="vllm")


def test_two_processes_together_keep_to_the_limit(server: ModelServer) -> None:
    connect(server, max_concurrent_calls=3)
    server.usual = counting = Counting(3)
    answers: list[Any] = []

    def process() -> None:
        answers.extend(asyncio.run(Process().ask_many(9)))

    threads = [threading.Thread(target=process) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.text for answer in answers] == ["Hello."] * 18
    assert counting.most == 3


async def test_without_a_limit_nothing_waits(server: ModelServer) -> None:
    await in_thread(connect, server)
    server.usual = counting = Counting(8)
    await Process().ask_many(8)
    assert counting.most == 8


async def test_who_waits_too_long_is_told_to_come_again(server: ModelServer) -> None:
    """As by a rate limit: waiting for it costs no try, and another model may stand in."""
    await in_thread(connect, server, max_concurrent_calls=1)
    told = threading.Event()
    server.usual = says("slow", after=told)
    process = Process()
    first = asyncio.create_task(process.ask())
    await _heard(server)
    error = await process.fails(seconds=0.3)
    assert error.kind is ErrorKind.RATE_LIMIT
    assert error.message == "vllm: the connection allows one call at once, and none ended in time."
    told.set()
    assert (await first).text == "slow"


async def _heard(server: ModelServer) -> None:
    """Until the server has the next call."""
    before = len(server.calls)
    while len(server.calls) == before:
        await asyncio.sleep(0.02)


async def test_a_failed_or_cancelled_call_gives_its_slot_back(server: ModelServer) -> None:
    await in_thread(connect, server, max_concurrent_calls=1)
    process = Process()
    never = threading.Event()
    server.then(fails(400), says("never", after=never))
    assert (await process.fails()).kind is ErrorKind.REQUEST
    running = asyncio.create_task(process.ask())
    await _heard(server)
    running.cancel()
    # A slot that was kept would be free only after HELD_SECONDS, which is later.
    await process.ask(seconds=call_slots.HELD_SECONDS / 2)
    never.set()


async def test_a_model_that_is_left_alone_is_not_waited_for(server: ModelServer) -> None:
    await in_thread(connect, server, max_concurrent_calls=1)
    process = Process()
    server.then(says("slow", seconds=1.5), fails(401))
    slow, refused = asyncio.create_task(process.ask()), asyncio.create_task(process.fails())
    assert (await slow).text == "slow"
    assert (await refused).kind is ErrorKind.CREDENTIAL
    assert (await process.fails()).kind is ErrorKind.UNAVAILABLE


async def test_the_slots_of_a_killed_process_get_free(
    slots_of: Callable[..., CallSlots], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_slots, "HELD_SECONDS", 3.0)
    killed, other = slots_of(), slots_of()
    async with hold(killed):
        assert killed._renewing
        killed._renewing.cancel()
        with pytest.raises(ModelError):
            async with hold(other, seconds=0.2):
                pass
        async with hold(other, seconds=30):
            pass


async def test_a_living_process_keeps_its_slot_as_long_as_it_takes(
    slots_of: Callable[..., CallSlots], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_slots, "HELD_SECONDS", 2.0)
    monkeypatch.setattr(call_slots, "RENEW_SECONDS", 0.2)
    async with hold(slots_of()):
        with pytest.raises(ModelError):
            async with hold(slots_of(), seconds=3.0):
                pass


async def test_cancelled_waiters_take_nothing(slots_of: Callable[..., CallSlots]) -> None:
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
    # Their own slots would be held for longer than this waits.
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
