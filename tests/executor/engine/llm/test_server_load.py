"""Large answers, many calls at once, and calls that are stopped while the server works."""

from __future__ import annotations

import asyncio

import pytest

from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.llm.clients import CALLS_A_CLIENT, MAX_CLIENTS
from executor.engine.llm.providers import ProviderModel
from tests.executor.engine.llm.conftest import asking_for, model_at
from tests.executor.engine.stage import play
from tests.graphs import agent, asking, design
from tests.model_server import Exchange, ModelServer, gives, says
from tests.virtual_time import move_clock


class Provided:
    """A provider of one model."""

    def __init__(self, model: ProviderModel) -> None:
        self.model = model

    def resolve(self, name: str) -> ProviderModel:
        return self.model


async def test_a_structured_answer_of_megabytes_is_refused_soon(server: ModelServer) -> None:
    schema = {"type": "object", "properties": {"rows": {"items": {"type": "string"}}}}
    server.then(gives({"rows": [1] * 300_000}))
    with pytest.raises(ModelError) as caught:
        await model_at(server).complete(asking_for(schema=schema))
    assert caught.value.kind is ErrorKind.CONTENT
    assert "has more than 50000 values" in caught.value.message


async def test_cancelling_ends_the_call_at_the_server_too(server: ModelServer) -> None:
    gone: list[bool] = []

    def watch(exchange: Exchange) -> None:
        exchange.handler.connection.settimeout(60)
        gone.append(exchange.handler.connection.recv(1) == b"")

    server.then(watch)
    task = asyncio.create_task(model_at(server).complete(asking_for()))
    while not server.calls:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(60):
        while not gone:
            await asyncio.sleep(0.005)
    assert gone == [True]


async def test_many_calls_at_once_share_a_few_clients(server: ModelServer) -> None:
    server.usual = says("Hello.", seconds=0.3)
    count = 3 * CALLS_A_CLIENT
    assert count < CALLS_A_CLIENT * MAX_CLIENTS
    model = model_at(server)
    answers = await asyncio.gather(*(model.complete(asking_for()) for _ in range(count)))
    assert [answer.text for answer in answers] == ["Hello."] * count
    assert len(server.calls) == count
    await model.close()


async def test_a_time_limit_of_a_block_stops_its_call(server: ModelServer) -> None:
    loop = asyncio.get_running_loop()

    def too_late(exchange: Exchange) -> None:
        loop.call_soon_threadsafe(move_clock, loop, 50)
        exchange.wait()

    server.usual = too_late
    raw = design([asking("a", agent("w"), timeout_seconds=50)])
    played = await play(raw, models=Provided(model_at(server)))
    assert played.error == ("timeout", "Block 'a': it took longer than its limit of 50 seconds.")
    assert len(server.calls) == 1
