"""Calls of MCP servers, in both eras of the protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import EmbeddedResource, TextResourceContents

from designs.runtime.threads import in_thread
from executor.models import ToolConnection
from tests.executor.tool_connections.connecting import add_tool, call, connect
from tests.tool_servers import mcp_server

pytestmark = pytest.mark.django_db(transaction=True)

ERAS = ("", "2026-07-28", "2025-11-25")


def played() -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("Played", log_level="CRITICAL")

    @server.tool()
    def keys(ctx: Context[Any, Any]) -> str:
        """The idempotency keys in the header and in `_meta`."""
        request: Any = ctx.request_context.request
        meta: Any = ctx.request_context.meta or {}
        return json.dumps(
            [request.headers.get("idempotency-key"), meta.get("orchestra/idempotency-key")]
        )

    @server.tool()
    def add(a: int, b: int) -> int:
        return a + b

    @server.tool(structured_output=False)
    def parts() -> list[Any]:
        text = TextResourceContents(uri="file:///a.txt", text="A file.", mime_type="text/plain")
        chart = Image(data=b"\x89PNG" + bytes(1_000), format="png")
        return ["A chart:", chart, EmbeddedResource(resource=text)]

    @server.tool()
    def broken() -> str:
        raise ToolError("the shelf is empty")

    @server.tool()
    def long(count: int) -> str:
        return "x" * count

    return server


@pytest.fixture(params=[{}, {"stateless_http": True, "json_response": True}], ids=["sse", "json"])
def url(request: Any) -> Iterator[str]:
    with mcp_server(played(), **request.param) as found:
        yield found


async def connected(url: str, *names: str, protocol: str = "", **fields: Any) -> ToolConnection:
    connection = await in_thread(connect, url, **fields)
    rows = ToolConnection.objects.filter(pk=connection.pk)
    await in_thread(lambda: rows.update(protocol=protocol))
    for name in names:
        await in_thread(add_tool, connection, name)
    return connection


@pytest.mark.parametrize("era", ERAS)
async def test_a_tool_is_called_with_its_key_in_meta_and_header(url: str, era: str):
    await connected(url, "keys", "add", protocol=era)
    result = await call("crm.keys", idempotency_key="run:block/agent/1/answer/tool.1")
    assert json.loads(result.content) == ["run:block/agent/1/answer/tool.1"] * 2
    added = await call("crm.add", {"a": 1, "b": 2})
    assert (added.content, added.is_error, added.outcome) == ("3", False, "done")
    assert added.size > 1


@pytest.mark.parametrize("era", ERAS)
async def test_errors_of_tools_are_results_that_say_so(url: str, era: str):
    await connected(url, "broken", "add", "unknown", protocol=era)
    broken = await call("crm.broken")
    assert broken.is_error
    assert broken.outcome == "error"
    assert "the shelf is empty" in broken.content
    for unfit in (await call("crm.add", {"a": "x"}), await call("crm.unknown")):
        assert unfit.is_error
        assert unfit.outcome == "error"


async def test_pictures_are_named_and_not_sent(url: str):
    await connected(url, "parts")
    result = await call("crm.parts")
    lines = result.content.splitlines()
    assert lines == ["A chart:", "[an image of type image/png, 1,005 bytes, not shown]", "A file."]


async def test_a_long_answer_is_cut_and_says_how_much_there_was(url: str):
    await connected(url, "long")
    result = await call("crm.long", {"count": 500_000})
    assert result.content.endswith("\n[cut: 20,000 of 500,000 characters]")
    assert result.content.startswith("x" * 20_000 + "\n")
    assert result.size > 500_000
    assert not result.is_error


async def test_nothing_is_kept_of_an_answer_that_is_too_large(url: str):
    await connected(url, "long")
    result = await call("crm.long", {"count": 5_000_000})
    assert result.is_error
    assert "more than 1,048,576 bytes" in result.content
    assert "xx" not in result.content
    assert result.size < 1_300_000
    fine = await call("crm.long", {"count": 10})
    assert fine.content == "x" * 10


async def test_neighbours_of_a_broken_call_are_unharmed(url: str):
    await connected(url, "long", protocol="2026-07-28")
    sizes = [10, 5_000_000, 20, 5_000_000, 30] * 3
    results = await asyncio.gather(*(call("crm.long", {"count": size}) for size in sizes))
    assert [result.is_error for result in results] == [size > 1_000_000 for size in sizes]
