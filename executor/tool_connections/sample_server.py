"""A small MCP server to try tools with: orders, currencies, notes. It only has what is written
here, keeps notes in memory, and answers on this machine alone.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

NAME = "sample-tools"
PATH = "/mcp"
HOST = "127.0.0.1"
MAX_NOTES = 1_000

ORDERS: tuple[dict[str, Any], ...] = (
    {"number": 1001, "customer": "ACME", "item": "Desk lamp", "quantity": 4, "total": 156.0,
     "currency": "EUR", "status": "delivered", "ordered_on": "2026-10-02"},
    {"number": 1002, "customer": "ACME", "item": "Office chair", "quantity": 2, "total": 498.0,
     "currency": "EUR", "status": "delayed", "ordered_on": "2026-11-10"},
    {"number": 1003, "customer": "Birch & Sons", "item": "Bookshelf", "quantity": 1, "total": 219.0,
     "currency": "GBP", "status": "shipped", "ordered_on": "2026-11-18"},
    {"number": 1004, "customer": "Cobalt Labs", "item": "Whiteboard", "quantity": 3, "total": 540.0,
     "currency": "USD", "status": "open", "ordered_on": "2026-11-21"},
    {"number": 1005, "customer": "Birch & Sons", "item": "Desk lamp", "quantity": 10,
     "total": 390.0, "currency": "GBP", "status": "open", "ordered_on": "2026-11-24"},
)  # fmt: skip
# How much of each a euro is; fixed, so that answers repeat.
RATES = {"EUR": 1.0, "USD": 1.08, "GBP": 0.85, "CHF": 0.95, "JPY": 170.0}

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False)

Status = Literal["any", "open", "shipped", "delivered", "delayed"]


def find_orders(
    customer: Annotated[str, Field(description="Part of the name; empty for all.")] = "",
    status: Annotated[Status, Field(description="Only orders that stand like this.")] = "any",
) -> list[dict[str, Any]]:
    """Find orders by customer and status, the newest last."""
    return [
        order
        for order in ORDERS
        if customer.lower() in order["customer"].lower() and status in ("any", order["status"])
    ]


def get_order(
    number: Annotated[int, Field(description="The order's number, for instance 1002.")],
) -> dict[str, Any]:
    """Everything that is known about one order."""
    for order in ORDERS:
        if order["number"] == number:
            return order
    raise ToolError(f"There is no order {number}. Numbers run from 1001 to 1005.")


def convert_currency(
    amount: Annotated[float, Field(description="How much of `source`.")],
    source: Annotated[str, Field(description="A code such as EUR.")],
    target: Annotated[str, Field(description="A code such as USD.")],
) -> dict[str, Any]:
    """Convert an amount of money at fixed rates, which are not those of today."""
    for code in (source, target):
        if code.upper() not in RATES:
            raise ToolError(f"There is no rate for {code[:10]}. Use {', '.join(RATES)}.")
    converted = amount / RATES[source.upper()] * RATES[target.upper()]
    return {"amount": round(converted, 2), "currency": target.upper()}


class Notes:
    """The notes of one server, in memory."""

    def __init__(self) -> None:
        self._notes: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)

    def send_note(
        self,
        to: Annotated[str, Field(description="Who is to read it.", max_length=100)],
        text: Annotated[str, Field(description="What it says.", max_length=2_000)],
    ) -> dict[str, Any]:
        """Send a note to a colleague. Each call sends one more."""
        note = {"number": next(self._numbers), "to": to, "text": text}
        self._notes.append(note)
        del self._notes[:-MAX_NOTES]
        return note

    def list_notes(self) -> list[dict[str, Any]]:
        """The notes that were sent since the server started, the last one last."""
        return self._notes


def make_server() -> MCPServer[Any]:
    """With notes of its own."""
    server: MCPServer[Any] = MCPServer(NAME, version="1", log_level="WARNING")
    notes = Notes()
    server.add_tool(find_orders, title="Find orders", annotations=READS)
    server.add_tool(get_order, title="Look an order up", annotations=READS)
    server.add_tool(convert_currency, title="Convert an amount", annotations=READS)
    server.add_tool(notes.send_note, title="Send a note", annotations=WRITES)
    server.add_tool(notes.list_notes, title="List sent notes", annotations=READS)
    return server


def make_app() -> Any:
    """The ASGI application, at PATH."""
    return make_server().streamable_http_app(**_OPTIONS)


def serve(port: int) -> None:
    """Answer on this machine alone, until Ctrl-C."""
    make_server().run("streamable-http", host=HOST, port=port, **_OPTIONS)


# No sessions, so that any client can call it.
_OPTIONS: dict[str, Any] = {
    "streamable_http_path": PATH,
    "stateless_http": True,
    "json_response": True,
}
