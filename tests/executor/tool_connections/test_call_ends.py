"""What calls leave behind: connections, requests that were given up, secrets in answers."""

from __future__ import annotations

import asyncio
import json
from http.server import BaseHTTPRequestHandler

import pytest

from executor.tool_connections import transport
from tests.executor.tool_connections.connecting import call
from tests.executor.tool_connections.odd_answers import TEXT, http_tool, mcp_tool
from tests.tool_servers import Asked, OddServer, mcp_result, odd_server, send

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("seconds", "connections"), [(600.0, 1), (0.0, 3)])
async def test_a_connection_is_kept_for_a_second(
    seconds: float, connections: int, monkeypatch: pytest.MonkeyPatch
):
    # Two seconds are what many servers keep theirs.
    assert transport.KEEPALIVE_SECONDS == 1.0
    monkeypatch.setattr(transport, "KEEPALIVE_SECONDS", seconds)

    def answer(handler: BaseHTTPRequestHandler, asked: Asked, server: OddServer) -> None:
        send(handler, 200, mcp_result(asked, TEXT))

    with odd_server(answer) as server:
        await mcp_tool(server.url)
        for _ in range(3):
            assert (await call("crm.orders")).content == "fine"
        assert server.connections == connections


async def test_a_cancelled_call_closes_its_request():
    gone: list[bool] = []

    def answer(handler: BaseHTTPRequestHandler, asked: Asked, server: OddServer) -> None:
        handler.close_connection = True
        handler.connection.settimeout(60)
        # Nothing more comes, until the caller closes.
        assert handler.rfile.read(1) == b""
        gone.append(True)

    with odd_server(answer) as server:
        await mcp_tool(server.url)
        task = asyncio.create_task(call("crm.orders"))
        while not server.asked:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not gone:
            await asyncio.sleep(0.01)


async def test_secrets_are_masked_in_results():
    secret = "canary-of-tools-5d1f0a77b3e94c21"

    def answer(handler: BaseHTTPRequestHandler, asked: Asked, server: OddServer) -> None:
        said = json.dumps({"you sent": asked.headers.get("authorization")})
        send(handler, 200, said.encode())

    with odd_server(answer) as server:
        await http_tool(server.url, auth="bearer", secret=secret)
        result = await call("crm.orders")
        assert server.asked[0].headers["authorization"] == f"Bearer {secret}"
    assert secret not in result.content
    assert "(secret)" in result.content
