"""Servers that drip, flood, redirect, hang, lie or go away: the model reads a sentence."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from executor.engine.tools import ToolCallError
from tests.executor.tool_connections.connecting import call
from tests.executor.tool_connections.odd_answers import MAKERS, crash, drip, flood, hang, mcp_tool
from tests.tool_servers import Asked, OddServer, mcp_result, odd_server, says, send

pytestmark = pytest.mark.django_db(transaction=True)


@MAKERS
@pytest.mark.parametrize("tells", [True, False])
async def test_five_megabytes_end_at_the_cap(make: Any, tells: bool):
    with odd_server(flood(5_000_000, tells=tells)) as server:
        await make(server.url)
        result = await call("crm.orders")
    assert result.is_error
    assert "more than 1,048,576 bytes, and nothing of it was kept" in result.content
    assert result.size < 1_200_000


@MAKERS
@pytest.mark.parametrize("odd", [drip, hang])
async def test_a_drip_ends_in_time_and_nobody_knows_what_came_of_it(make: Any, odd: Any):
    with odd_server(odd) as server:
        await make(server.url)
        with pytest.raises(ToolCallError) as caught:
            await call("crm.orders", timeout=0.5)
    assert caught.value.was_sent
    assert "no whole answer within 0.5 seconds" in caught.value.sentence


@MAKERS
async def test_a_redirect_is_an_error_and_is_not_followed(make: Any):
    with (
        odd_server(says("secret")) as inner,
        odd_server(says({}, status=307, Location=f"{inner.url}/orders")) as server,
    ):
        await make(server.url)
        result = await call("crm.orders")
        assert inner.asked == []
    assert result.is_error
    assert "redirects are not followed" in result.content


@MAKERS
async def test_a_broken_answer_was_sent_and_a_refused_connection_was_not(make: Any):
    with odd_server(crash) as server:
        await make(server.url)
        with pytest.raises(ToolCallError) as broken:
            await call("crm.orders")
    with pytest.raises(ToolCallError) as refused:
        await call("crm.orders")
    assert (broken.value.was_sent, refused.value.was_sent) == (True, False)
    assert "could not be reached" in refused.value.sentence


@MAKERS
@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
async def test_a_bad_status_is_told(make: Any, status: int):
    with odd_server(says({"detail": "no such shelf"}, status=status)) as server:
        await make(server.url)
        result = await call("crm.orders")
    assert result.is_error
    assert result.outcome == "error"
    assert f"status {status}" in result.content


@MAKERS
async def test_a_compressed_answer_is_not_unpacked(make: Any):
    with odd_server(says({}, Content_Encoding="gzip")) as server:
        await make(server.url)
        result = await call("crm.orders")
    assert "compressed" in result.content
    assert server.asked[0].headers["accept-encoding"] == "identity"


@MAKERS
async def test_a_server_that_fails_five_times_is_left_alone(make: Any):
    with odd_server(says({}, status=503)) as server:
        await make(server.url)
        for _ in range(5):
            await call("crm.orders")
        result = await call("crm.orders")
        assert len(server.asked) == 5
    assert result.outcome == "not_called"
    assert "left alone for 30 more seconds" in result.content


async def test_a_tool_that_asks_for_input_is_told_that_it_cannot():
    asks = {"resultType": "input_required", "requestState": "half"}

    def answer(handler: BaseHTTPRequestHandler, asked: Asked, server: OddServer) -> None:
        send(handler, 200, mcp_result(asked, asks))

    with odd_server(answer) as server:
        await mcp_tool(server.url)
        result = await call("crm.orders")
        assert len(server.asked) == 1
    assert result.is_error
    assert "asks for more input" in result.content


@pytest.mark.parametrize("body", [b"{}", b"null", b"<html>", b'{"jsonrpc": "2.0", "id": 1}', b""])
async def test_what_is_no_answer_of_the_protocol_is_an_error(body: bytes):
    def answer(handler: BaseHTTPRequestHandler, asked: Asked, server: OddServer) -> None:
        send(handler, 200, body)

    with odd_server(answer) as server:
        await mcp_tool(server.url)
        result = await call("crm.orders", timeout=5.0)
    assert result.is_error
