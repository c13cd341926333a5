"""Tool connections to servers of the tests, and their tools as runs call them."""

from __future__ import annotations

from typing import Any

from designs.runtime.threads import in_thread
from executor.engine.tools import ToolResult
from executor.models import Tool, ToolConnection
from executor.tool_connections.books import books
from executor.tool_connections.provider import Tools
from executor.tool_connections.services import save_connection
from executor.tool_connections.tool_services import change_tool, save_http_tool
from executor.tool_connections.tool_texts import ToolText

SECRET = "tool-canary-7f3e1b9c55d2aa01"


def connect(url: str, name: str = "crm", **fields: Any) -> ToolConnection:
    """A saved connection that may lead to this machine."""
    secret = fields.pop("secret", "")
    headers = fields.pop("headers", None)
    given: dict[str, Any] = {"url": url, "is_guarded": False, **fields}
    row = ToolConnection(name=name, **given)
    save_connection(connection=row, new_secret=secret, new_headers=headers)
    return row


def add_tool(connection: ToolConnection, name: str, **fields: Any) -> Tool:
    """An offered tool of a connection, without asking its server."""
    text = {
        key: fields.pop(key) for key in ("description", "input_schema", "http") if key in fields
    }
    http = text.get("http")
    if http is not None:
        tool = save_http_tool(connection=connection, text=ToolText(name=name, **text))
    else:
        schema = text.pop("input_schema", {"type": "object"})
        tool = Tool.objects.create(connection=connection, name=name, input_schema=schema, **text)
    return change_tool(tool=tool, changes={"is_offered": True, **fields})


async def call(name: str, arguments: dict[str, Any] | None = None, **options: Any) -> ToolResult:
    """As a run does. Raises ToolCallError."""
    await in_thread(books().expire)
    tools = Tools()
    offered = await tools.offered([name])
    given: dict[str, Any] = {"idempotency_key": "run:step", "timeout": 60.0, **options}
    return await tools.call(offered[name], arguments or {}, **given)
