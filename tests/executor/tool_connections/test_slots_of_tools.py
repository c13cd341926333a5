"""How many calls a connection makes at once."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler

import pytest

from executor.tool_connections.servers import server_of
from executor.tool_connections.snapshots import ConnectionUnusable, snapshot_of
from tests.executor.tool_connections.connecting import call
from tests.executor.tool_connections.odd_answers import http_tool
from tests.tool_servers import Asked, OddServer, odd_server, send

pytestmark = pytest.mark.django_db(transaction=True)


async def test_further_calls_wait_for_a_free_slot():
    lock, running, most = threading.Lock(), 0, 0

    def answer(handler: BaseHTTPRequestHandler, asked: Asked, server: OddServer) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        server.closing.wait(0.05)
        with lock:
            running -= 1
        send(handler, 200, b'"fine"')

    with odd_server(answer) as server:
        await http_tool(server.url, max_concurrent_calls=2)
        results = await asyncio.gather(*(call("crm.orders") for _ in range(8)))
    assert [result.content for result in results] == ['"fine"'] * 8
    assert most <= 2


async def test_a_call_that_gets_no_slot_in_time_was_not_made():
    def answer(handler: BaseHTTPRequestHandler, asked: Asked, server: OddServer) -> None:
        handler.close_connection = True
        server.closing.wait(60)

    with odd_server(answer) as server:
        await http_tool(server.url, max_concurrent_calls=1)
        first = asyncio.create_task(call("crm.orders"))
        while not server.asked:
            await asyncio.sleep(0.01)
        second = await call("crm.orders", timeout=0.2)
        assert len(server.asked) == 1
        first.cancel()
        await asyncio.wait([first])
    assert second.outcome == "not_called"
    assert "allows one call at once, and none ended in time" in second.content


async def test_a_disabled_connection_calls_nothing():
    with odd_server(lambda *_: None) as server:
        connection = await http_tool(server.url)
        connection.is_enabled = False
        with pytest.raises(ConnectionUnusable, match="disabled"):
            await server_of(snapshot_of(connection))
