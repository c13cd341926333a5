"""Servers that repeat what they were sent: no secret is shown, and no long text."""

from __future__ import annotations

import base64
import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer

from designs.access import SYSTEM
from designs.runtime.threads import in_thread
from designs.secrets.masking import masked_output
from executor.errors import ToolsNotRead
from executor.models import ToolAuth, ToolKind
from executor.tool_connections.services import read_tools, test_connection
from tests.executor.tool_connections.connecting import SECRET, add_tool, call, connect
from tests.tool_servers import Asked, OddServer, mcp_server, odd_server

pytestmark = pytest.mark.django_db(transaction=True)

ask = test_connection
ask.__test__ = False  # type: ignore[attr-defined]


def repeats(handler: BaseHTTPRequestHandler, asked: Asked, server: OddServer) -> None:
    """An error of the protocol, with what was sent in its message."""
    said = json.loads(asked.body or b"{}")
    message = f"refused {asked.headers.get('authorization')} {'x' * 50_000}"
    error = {"code": -32603, "message": message}
    answers(handler, {"jsonrpc": "2.0", "id": said.get("id"), "error": error})


def answers(handler: BaseHTTPRequestHandler, value: Any) -> None:
    body = json.dumps(value).encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def test_what_a_test_says_has_no_secret() -> None:
    with odd_server(repeats) as server:
        connection = connect(server.url, auth=ToolAuth.BEARER, secret=SECRET)
        passed, sentence = ask(connection=connection, caller=SYSTEM)
    assert not passed
    assert "refused" in sentence
    assert SECRET not in sentence
    assert len(sentence) <= 500


def test_the_name_that_a_server_gives_itself_can_be_stored() -> None:
    with mcp_server(MCPServer(f"Told\0{SECRET}", log_level="CRITICAL")) as url:
        connection = connect(url, auth=ToolAuth.BEARER, secret=SECRET)
        passed, sentence = ask(connection=connection, caller=SYSTEM)
    connection.refresh_from_db()
    assert passed
    assert connection.test_sentence == sentence
    assert "\0" not in sentence
    assert SECRET not in sentence


def test_why_a_list_was_not_read_has_no_secret() -> None:
    with odd_server(repeats) as server:
        connection = connect(server.url, auth=ToolAuth.BEARER, secret=SECRET)
        with pytest.raises(ToolsNotRead, match="refused") as caught:
            read_tools(connection=connection, caller=SYSTEM)
    assert SECRET not in str(caught.value)
    assert len(str(caught.value)) <= 500


@pytest.mark.asyncio
async def test_a_password_is_masked_as_it_was_sent() -> None:
    def repeat(handler: BaseHTTPRequestHandler, asked: Asked, server: OddServer) -> None:
        answers(handler, {"sent": asked.headers["authorization"]})

    with odd_server(repeat) as server:
        connection = await in_thread(
            lambda: connect(
                server.url, kind=ToolKind.HTTP, auth=ToolAuth.BASIC, auth_name="ana", secret=SECRET
            )
        )
        await in_thread(
            lambda: add_tool(connection, "orders", http={"method": "GET", "path": "/orders"})
        )
        result = await call("crm.orders")
    sent = base64.b64encode(f"ana:{SECRET}".encode()).decode()
    assert server.asked[0].headers["authorization"] == f"Basic {sent}"
    assert sent not in result.content
    assert sent not in masked_output(f"Basic {sent}")
