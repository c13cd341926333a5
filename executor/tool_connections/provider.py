"""What the engine calls: the tools that this installation offers, by the names in designs."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from django.db import Error as DatabaseError

from executor.engine.tools import OfferedTool, ToolCallError, ToolResult, ToolsMissing
from executor.tool_connections import rereading
from executor.tool_connections.books import Book, KnownTool, books
from executor.tool_connections.results import not_called
from executor.tool_connections.servers import ToolCall, server_of
from executor.tool_connections.snapshots import ConnectionUnusable

logger = logging.getLogger(__name__)

AWAY = "The tool connections cannot be read at the moment."


class Tools:
    """A `ToolProvider` (`executor.engine.tools`) over the rows."""

    async def offered(self, names: Sequence[str]) -> dict[str, OfferedTool]:
        """Raises ToolsMissing with a sentence about the first that is not offered."""
        try:
            found = await books().get({connection_of(name) for name in names})
        except DatabaseError as error:
            raise ToolsMissing(AWAY) from error
        offered = {}
        for name in names:
            book, tool = _find(found, name)
            offered[name] = tool.offered
            if book.read_again_at is not None and book.read_again_at <= time.time():
                rereading.begin(book.snapshot.id)
        return offered

    async def call(
        self, tool: OfferedTool, arguments: dict[str, Any], *, idempotency_key: str, timeout: float
    ) -> ToolResult:
        """Raises ToolCallError if there is no answer."""
        try:
            found = await books().get({connection_of(tool.name)})
        except DatabaseError as error:
            raise ToolCallError(AWAY, was_sent=False) from error
        try:
            book, known = _find(found, tool.name)
            server = await server_of(book.snapshot)
        except (ToolsMissing, ConnectionUnusable) as error:
            return not_called(str(error))
        return await server.call(
            ToolCall(
                name=known.own_name,
                arguments=arguments,
                http=known.http,
                key=idempotency_key,
                seconds=min(timeout, tool.timeout_seconds),
                most_characters=tool.most_result_characters,
            )
        )


def connection_of(name: str) -> str:
    return name.partition(".")[0]


def _find(found: dict[str, Book], name: str) -> tuple[Book, KnownTool]:
    connection, _, own_name = name.partition(".")
    book = found.get(connection)
    if book is None:
        raise ToolsMissing(
            f"There is no tool connection {connection}, which the tool {name} needs. An "
            "administrator can add it on the page Tools."
        )
    if not book.snapshot.is_enabled:
        raise ToolsMissing(
            f"The tool connection {connection} is disabled, so {name} cannot be called."
        )
    tool = book.tools.get(own_name)
    if tool is None or not tool.is_offered:
        raise ToolsMissing(
            f"The tool {name} is not offered to designs. An administrator decides that on the "
            "page Tools."
        )
    return book, tool
