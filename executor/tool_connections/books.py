"""The tools of connections as calls use them, read from rows and kept for two seconds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from django.db import Error as DatabaseError

from designs.runtime.threads import in_thread_once
from designs.secrets.encryption import prepare_keys
from executor.engine.tools import Approval, Effect, OfferedTool, UnknownOutcome
from executor.models import Tool, ToolConnection
from executor.tool_connections.snapshots import ConnectionSnapshot, snapshot_of

logger = logging.getLogger(__name__)

# Within this time every process sees a changed or disabled connection.
FRESH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class KnownTool:
    """A tool as it was accepted; `http` describes the request of an HTTP tool."""

    offered: OfferedTool
    own_name: str
    http: dict[str, Any] | None
    is_offered: bool


@dataclass(frozen=True, slots=True)
class Book:
    """A connection and its tools by their own names; `is_due`: its list is to be read again."""

    snapshot: ConnectionSnapshot
    tools: dict[str, KnownTool]
    read_again_at: float | None


class Books:
    """This process's cache."""

    def __init__(self) -> None:
        self._books: dict[str, tuple[float, Book | None]] = {}
        self._expired_at = float("-inf")
        self._lock = threading.Lock()

    def expire(self) -> None:
        """Read again before the next call."""
        self._expired_at = time.monotonic()

    async def get(self, names: Collection[str]) -> dict[str, Book]:
        """By the connections' names; those that do not exist are left out.

        Without a database what was read before is used; raises DatabaseError if nothing was.
        """
        stale = self._stale(names)
        if stale:
            try:
                await in_thread_once(self.read, tuple(sorted(stale)))
            except DatabaseError as error:
                if any(name not in self._books for name in stale):
                    raise
                logger.warning("The tool connections could not be read again: %s", error)
        return self._found(names)

    def read(self, names: tuple[str, ...]) -> dict[str, Book]:
        """By the rows as they are now. Blocks."""
        began = time.monotonic()
        prepare_keys()
        rows = ToolConnection.objects.filter(name__in=names)
        read = {row.name: _book(row) for row in rows.prefetch_related(None)}
        with self._lock:
            for name in names:
                self._books[name] = (began, read.get(name))
        return self._found(names)

    def _stale(self, names: Collection[str]) -> list[str]:
        oldest = max(time.monotonic() - FRESH_SECONDS, self._expired_at)
        never = (float("-inf"), None)
        return [name for name in names if self._books.get(name, never)[0] < oldest]

    def _found(self, names: Collection[str]) -> dict[str, Book]:
        found = {name: self._books[name][1] for name in names if name in self._books}
        return {name: book for name, book in found.items() if book is not None}


@cache
def books() -> Books:
    return Books()


def _book(row: ToolConnection) -> Book:
    tools = row.tools.select_related("approval_group")
    again = row.read_again_at
    return Book(
        snapshot_of(row),
        {tool.name: _known(row, tool) for tool in tools},
        None if again is None else again.timestamp(),
    )


def _known(row: ToolConnection, tool: Tool) -> KnownTool:
    offered = OfferedTool(
        name=f"{row.name}.{tool.name}",
        description=tool.description or tool.title,
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        effect=cast(Effect, tool.effect),
        approval=cast(Approval, tool.approval),
        approval_group=tool.approval_group.name if tool.approval_group else "",
        allows_self=tool.allow_self,
        untrusted=tool.untrusted,
        on_unknown_outcome=cast(UnknownOutcome, tool.on_unknown_outcome),
        most_result_characters=tool.most_result_characters,
        timeout_seconds=float(tool.timeout_seconds or row.timeout_seconds),
    )
    return KnownTool(offered, tool.name, tool.http, is_offered=tool.is_offered)
