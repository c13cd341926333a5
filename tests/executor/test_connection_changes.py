"""Changes of model connections: how soon they count in every process, and what they cost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from django.db import InterfaceError, connection
from django.test.utils import CaptureQueriesContext

from designs.runtime import threads
from designs.runtime.threads import in_thread
from executor.connections import probe_connection
from executor.engine.llm.base import ErrorKind
from executor.language_models import connection_models
from tests.executor.connections import Process, change, connect
from tests.model_server import ModelServer, fails, model_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as found:
        yield found


async def eventually(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(60):
        while not await true():
            await asyncio.sleep(0.05)


async def test_a_change_counts_soon(server: ModelServer) -> None:
    row = await in_thread(connect, server)
    process = Process()
    await process.ask()
    await in_thread(change, row, default_model="large", key="sk-another")

    async def is_changed() -> bool:
        return (await process.ask()).model == "vllm:large"

    await eventually(is_changed)
    assert server.calls[-1].headers["authorization"] == "Bearer sk-another"


async def test_a_disabled_connection_is_not_asked(server: ModelServer) -> None:
    row = await in_thread(connect, server)
    process = Process()
    await process.ask()
    await in_thread(change, row, is_enabled=False)

    async def is_disabled() -> bool:
        heard = len(server.calls)
        await process.ask_many(1)
        return len(server.calls) == heard

    await eventually(is_disabled)
    error = await process.fails()
    assert error.kind is ErrorKind.UNAVAILABLE
    assert error.message == (
        "The model connection 'vllm' is disabled: enable it, or name another model."
    )


async def test_a_new_connection_is_there_at_once(server: ModelServer) -> None:
    process = Process()
    assert "There is no model connection 'vllm'" in (await process.fails()).message
    await asyncio.sleep(connection_models.UNKNOWN_SECONDS)
    await in_thread(connect, server)
    await process.ask()


def test_many_calls_read_the_rows_once(server: ModelServer, monkeypatch: Any) -> None:
    readings = []
    read = connection_models.ConnectionCache._read
    monkeypatch.setattr(
        connection_models.ConnectionCache, "_read", lambda self: (readings.append(1), read(self))
    )
    connect(server)
    answers = asyncio.run(Process().ask_many(50))
    assert {answer.text for answer in answers} == {"Hello."}
    assert len(readings) == 1
    with CaptureQueriesContext(connection) as queries:
        assert Process().model("vllm").name == "vllm"
    assert not queries, "the event loop must not read rows"


async def test_without_the_database_what_was_known_is_used(server: ModelServer) -> None:
    await in_thread(connect, server)
    known, new = Process(), Process()
    await known.ask()
    await in_thread(_execute, "ALTER TABLE executor_modelconnection RENAME TO away")
    try:
        known.models.connections.expire()
        await known.ask()
        assert (await new.fails()).kind is ErrorKind.TRANSIENT
    finally:
        await in_thread(_execute, "ALTER TABLE away RENAME TO executor_modelconnection")
    await new.ask()


async def test_a_connection_that_breaks_while_it_is_closed_fails_no_call(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await in_thread(connect, server)
    process = Process()
    await process.ask()

    def close_broken() -> None:
        raise InterfaceError("The connection is closed.")

    with monkeypatch.context() as patched:
        patched.setattr(threads, "close_old_connections", close_broken)
        process.models.connections.expire()
        await process.ask()


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


async def test_a_refused_key_is_left_alone_until_it_is_typed_anew(server: ModelServer) -> None:
    row = await in_thread(connect, server)
    process = Process()
    server.then(fails(401))
    assert (await process.fails()).kind is ErrorKind.CREDENTIAL
    for name in ("vllm", "vllm:small"):
        error = await process.fails(name)
        assert error.kind is ErrorKind.UNAVAILABLE
        assert "left alone" in error.message
    assert len(server.calls) == 1
    await process.ask("vllm:large")
    await in_thread(change, row, key="sk-right")
    process.models.connections.expire()
    await process.ask()


async def test_a_test_that_passed_ends_the_pause_in_every_process(server: ModelServer) -> None:
    row = await in_thread(connect, server)
    other = Process()
    server.then(fails(402))
    assert (await other.fails()).kind is ErrorKind.QUOTA
    assert (await other.fails()).kind is ErrorKind.UNAVAILABLE
    result = await in_thread(lambda: probe_connection(connection=row))
    assert result.passed

    async def is_asked() -> bool:
        return not isinstance((await other.ask_many(1))[0], Exception)

    await eventually(is_asked)
