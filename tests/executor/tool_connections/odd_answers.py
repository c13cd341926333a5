"""A tool of each kind, and the odd answers of its server."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from designs.runtime.threads import in_thread
from executor.models import ToolConnection, ToolKind
from tests.executor.tool_connections.connecting import add_tool, connect
from tests.tool_servers import Asked, OddServer

GET = {"method": "GET", "path": "/orders"}
TEXT = {"content": [{"type": "text", "text": "fine"}], "resultType": "complete"}


async def http_tool(url: str, **fields: Any) -> ToolConnection:
    connection = await in_thread(connect, url, kind=ToolKind.HTTP, **fields)
    await in_thread(add_tool, connection, "orders", http=GET)
    return connection


async def mcp_tool(url: str, **fields: Any) -> ToolConnection:
    connection = await in_thread(connect, url, **fields)
    rows = ToolConnection.objects.filter(pk=connection.pk)
    await in_thread(lambda: rows.update(protocol="2026-07-28"))
    await in_thread(add_tool, connection, "orders")
    return connection


MAKERS = pytest.mark.parametrize("make", [http_tool, mcp_tool], ids=["http", "mcp"])


def flood(size: int, *, tells: bool) -> Callable[..., None]:
    """An answer of that size, whose length is told or found out while it is read."""

    def answer(handler: BaseHTTPRequestHandler, asked: Asked, server: OddServer) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(size)) if tells else None
        handler.send_header("Connection", "close")
        handler.end_headers()
        for _ in range(size // 50_000):
            handler.wfile.write(b" " * 50_000)
        handler.close_connection = True

    return answer


def drip(handler: BaseHTTPRequestHandler, asked: Asked, server: OddServer) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    while not server.closing.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def hang(handler: BaseHTTPRequestHandler, asked: Asked, server: OddServer) -> None:
    handler.close_connection = True
    server.closing.wait(60)


def crash(handler: BaseHTTPRequestHandler, asked: Asked, server: OddServer) -> None:
    handler.close_connection = True
