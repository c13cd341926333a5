"""A connection of the web server: how long a request may take to arrive, and how many idle ones."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from orchestra.server import connections
from orchestra.server.connections import close_all_idle
from tests.orchestra.serving import HEAD, POST, answer_of, hello, serving, with_our_headers
from tests.virtual_time import move_clock


async def test_a_connection_is_kept_for_another_request() -> None:
    async with serving() as connect, asyncio.timeout(60):
        reader, writer = await connect()
        for sent in (HEAD, POST + b"0123456789", HEAD):
            writer.write(sent)
            status, _, body = await answer_of(reader)
            assert (status, body) == (200, b"hello")


async def test_a_silent_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.1)
    async with serving() as connect, asyncio.timeout(60):
        reader, _ = await connect()
        assert await reader.read() == b""


@pytest.mark.parametrize("begun", [b"GET", HEAD[:-2], POST, POST + b"0123"])
async def test_a_request_that_does_not_arrive_whole_is_408(
    monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.1)
    async with serving() as connect, asyncio.timeout(60):
        reader, writer = await connect()
        writer.write(begun)
        status, found, body = await answer_of(reader)
        assert status == 408
        assert json.loads(body)["status"] == 408
        assert with_our_headers(found)
        assert await reader.read() == b""


async def test_also_on_a_kept_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as connect, asyncio.timeout(60):
        reader, writer = await connect()
        writer.write(HEAD)
        await answer_of(reader)
        monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.1)
        writer.write(HEAD[:-1])
        assert (await answer_of(reader))[0] == 408


async def test_bytes_that_drip_win_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.3)
    async with serving() as connect, asyncio.timeout(60):
        reader, writer = await connect()
        answer = asyncio.ensure_future(answer_of(reader))
        for letter in HEAD[:-1]:
            if answer.done():
                break
            writer.write(bytes([letter]))
            await asyncio.sleep(0.05)
        assert (await answer)[0] == 408


async def test_a_large_body_that_keeps_coming_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "BYTES_PER_SECOND", 1_000)
    came, seconds = 0, connections.REQUEST_SECONDS + 10

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def counted() -> Any:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            return message

        await hello(scope, counted, send)

    async with serving(app) as connect:
        reader, writer = await connect()
        writer.write(POST.replace(b"10\r\n", b"20000\r\n") + b"x" * 15_000)
        while came < 15_000:
            await asyncio.sleep(0.01)
        move_clock(asyncio.get_running_loop(), seconds)
        await asyncio.sleep(0.05)
        writer.write(b"x" * 5_000)
        assert (await answer_of(reader))[0] == 200


async def test_of_too_many_idle_ones_the_longest_idle_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "MAX_IDLE", 3)
    async with serving() as connect, asyncio.timeout(60):
        made = [await connect() for _ in range(3)]
        # The first was used a moment ago, so the second is the one.
        made[0][1].write(HEAD)
        await answer_of(made[0][0])
        made.append(await connect())
        assert await made[1][0].read() == b""
        for reader, writer in (made[0], made[2], made[3]):
            writer.write(HEAD)
            assert (await answer_of(reader))[0] == 200


async def test_one_under_way_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        await go_on.wait()
        await hello(scope, receive, send)

    monkeypatch.setattr(connections, "MAX_IDLE", 0)
    async with serving(slow) as connect, asyncio.timeout(60):
        monkeypatch.setattr(connections, "MAX_IDLE", 1)
        busy, writer = await connect()
        writer.write(HEAD)
        await begun.wait()
        idle, _ = await connect()
        close_all_idle()
        assert await idle.read() == b""
        go_on.set()
        assert (await answer_of(busy))[0] == 200
