"""Calls at once of a connection: one count for all processes, whatever ends, dies or is away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from designs.runtime.threads import in_thread
from executor.engine.llm.base import ErrorKind
from executor.language_models import call_slots
from tests.executor.connections import Process, connect
from tests.model_server import Exchange, ModelServer, fails, model_server, says

pytestmark = pytest.mark.django_db(transaction=True)


class Counting:
    """Answers once `together` calls have come; `most` is how many calls it had at once."""

    def __init__(self, together: int) -> None:
        self.all_here = threading.Barrier(together, timeout=60)
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


async def test_slots_are_renewed_while_other_connections_are_first_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A renewing that ended would free slots whose calls still run."""
    monkeypatch.setattr(call_slots, "RENEW_SECONDS", 0.0)
    slots = call_slots.CallSlots()
    async with AsyncExitStack() as taken:
        for number in range(100):
            take = slots.take(10**9 + number, 1, wait_seconds=60, name="quick")
            await taken.enter_async_context(take)
            if number == 0:
                renewing = slots._renewing
        assert renewing is not None
        assert slots._renewing is renewing
        assert not renewing.done()
    await slots.close()


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


async def test_a_failed_or_cancelled_call_gives_its_slot_back(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A slot that was kept would be free long after the next call has given up.
    monkeypatch.setattr(call_slots, "HELD_SECONDS", 600.0)
    await in_thread(connect, server, max_concurrent_calls=1)
    process = Process()
    never = threading.Event()
    server.then(fails(400), says("never", after=never))
    assert (await process.fails()).kind is ErrorKind.REQUEST
    running = asyncio.create_task(process.ask())
    await _heard(server)
    running.cancel()
    await process.ask()
    never.set()


async def test_a_model_that_is_left_alone_is_not_waited_for(server: ModelServer) -> None:
    await in_thread(connect, server, max_concurrent_calls=1)
    process = Process()
    server.then(says("slow", seconds=1.5), fails(401))
    slow, refused = asyncio.create_task(process.ask()), asyncio.create_task(process.fails())
    assert (await slow).text == "slow"
    assert (await refused).kind is ErrorKind.CREDENTIAL
    assert (await process.fails()).kind is ErrorKind.UNAVAILABLE
