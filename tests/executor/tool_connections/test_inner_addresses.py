"""Guarded connections lead to public addresses only: refused before a byte is sent."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from designs.access import caller_of
from designs.runtime.threads import in_thread
from executor.errors import ToolsInvalid
from executor.models import ToolConnection, ToolKind
from executor.tool_connections.services import save_connection
from tests.executor.tool_connections.connecting import add_tool, call, connect
from tests.tool_servers import odd_server, says

pytestmark = pytest.mark.django_db(transaction=True)

INNER = (
    "http://127.0.0.1:PORT", "http://[::1]:PORT", "http://[::ffff:127.0.0.1]:PORT",
    "http://0.0.0.0:PORT", "http://10.0.0.1", "http://169.254.169.254", "http://2130706433:PORT",
    "http://0x7f.1:PORT", "http://127.1:PORT", "http://[64:ff9b::7f00:1]:PORT",
)  # fmt: skip
KINDS = pytest.mark.parametrize("kind", [ToolKind.HTTP, ToolKind.MCP])


@pytest.mark.parametrize("url", INNER)
def test_an_inner_address_is_refused_when_it_is_written(url: str):
    with pytest.raises(ToolsInvalid) as caught:
        connect(url.replace("PORT", "8000"), is_guarded=True)
    assert set(caught.value.errors) == {"url"}
    assert not ToolConnection.objects.exists()


@KINDS
@pytest.mark.parametrize("url", INNER[:6])
async def test_an_inner_address_is_refused_before_a_byte_is_sent(kind: str, url: str):
    with odd_server(says({})) as server:
        connection = await in_thread(connect, server.url, kind=kind)
        http = {"method": "GET", "path": "/"} if kind == ToolKind.HTTP else None
        await in_thread(add_tool, connection, "orders", **({"http": http} if http else {}))
        changed = url.replace("PORT", str(server.port))
        rows = ToolConnection.objects.filter(pk=connection.pk)
        await in_thread(lambda: rows.update(url=changed, is_guarded=True))
        result = await call("crm.orders")
        assert server.connections == 0
    assert result.is_error
    assert result.outcome == "not_called"
    assert "inner address" in result.content


@KINDS
async def test_a_name_that_turns_inner_is_refused(kind: str, monkeypatch: pytest.MonkeyPatch):
    def turned(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    with odd_server(says({})) as server:
        url = f"http://tools.example:{server.port}"
        connection = await in_thread(connect, url, kind=kind, is_guarded=True)
        http = {"method": "GET", "path": "/"} if kind == ToolKind.HTTP else None
        await in_thread(add_tool, connection, "orders", **({"http": http} if http else {}))
        monkeypatch.setattr(socket, "getaddrinfo", turned)
        result = await call("crm.orders")
        assert server.connections == 0
    assert result.outcome == "not_called"
    assert "tools.example is an inner address (127.0.0.1)" in result.content


def test_only_administrators_open_inner_addresses(make_user: Callable[..., User]):
    keeper = caller_of(make_user("keeper"))
    row = ToolConnection(name="crm", url="http://127.0.0.1:9/mcp", is_guarded=False)
    with pytest.raises(ToolsInvalid) as caught:
        save_connection(connection=row, caller=keeper)
    assert set(caught.value.errors) == {"is_guarded"}


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch):
    with odd_server(says("proxied")) as proxy, odd_server(says("direct")) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        connection = await in_thread(connect, server.url, kind=ToolKind.HTTP)
        await in_thread(add_tool, connection, "orders", http={"method": "GET", "path": "/"})
        result = await call("crm.orders")
        assert proxy.connections == 0
    assert result.content == '"direct"'
