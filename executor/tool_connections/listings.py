"""Reading the tools of a connection: what is new, changed or gone since it was accepted."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from designs.rows.locking import lock_row
from executor.errors import ToolsNotRead
from executor.models import Tool, ToolConnection, ToolKind
from executor.tool_connections.calling import CallBroken, NotCalled, RuleBroken
from executor.tool_connections.mcp_client import AnswerInvalid, Listing, ServerError, load
from executor.tool_connections.results import for_people
from executor.tool_connections.servers import Server, breaker_of
from executor.tool_connections.snapshots import (
    ConnectionSnapshot,
    ConnectionUnusable,
    snapshot_of,
)
from executor.tool_connections.telling import tell_processes
from executor.tool_connections.tool_texts import (
    ToolText,
    has_name,
    text_of_listed,
    write_text,
)

T = TypeVar("T")

logger = logging.getLogger(__name__)

# However long a server says that its list holds, and however short.
MIN_TTL = timedelta(minutes=5)
MAX_TTL = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a list found, in numbers of tools, and as a sentence."""

    sentence: str
    new: int = 0
    changed: int = 0
    gone: int = 0


@dataclass(frozen=True, slots=True)
class Listed:
    listing: Listing
    milliseconds: int


def fetch_list(snapshot: ConnectionSnapshot, *, protocol: str) -> Listed:
    """Ask an MCP server. Takes up to 20 seconds, so call it outside of transactions. Raises
    ToolsNotRead.
    """
    return run_here(_timed_list(snapshot, protocol), snapshot.name)


def run_here(work: Coroutine[Any, Any, T], name: str) -> T:
    """Run a question to a server in this thread. Raises ToolsNotRead."""
    try:
        return asyncio.run(work)
    except (NotCalled, ConnectionUnusable) as error:
        raise ToolsNotRead(for_people(str(error))) from error
    except (CallBroken, RuleBroken) as error:
        raise ToolsNotRead(for_people(f"{name}: {error}.")) from error
    except AnswerInvalid as error:
        raise ToolsNotRead(f"{name}: {error}. Is this the address of an MCP server?") from error
    except ServerError as error:
        raise ToolsNotRead(for_people(f"{name} answered with an error: {error}")) from error


async def _timed_list(snapshot: ConnectionSnapshot, protocol: str) -> Listed:
    # Not the server's time.
    await load()
    server = Server(snapshot)
    try:
        began = time.perf_counter()
        listing = await server.list_tools(protocol)
        milliseconds = round(1_000 * (time.perf_counter() - began))
    finally:
        await server.retire()
    # The server answers: calls need not wait until its breaker lets one through.
    breaker_of(snapshot).end_pause()
    return Listed(listing, milliseconds)


def read_connection(connection: ToolConnection) -> Reading:
    """Read the server's list and keep what it says. Raises ToolsNotRead, RowGone."""
    if connection.kind != ToolKind.MCP:
        raise ToolsNotRead(
            "An HTTP API lists no tools. Describe them, or import an OpenAPI document."
        )
    snapshot = snapshot_of(connection)
    try:
        listed = fetch_list(snapshot, protocol=connection.protocol)
    except ToolsNotRead:
        # It may have changed its protocol.
        if not connection.protocol:
            raise
        listed = fetch_list(snapshot, protocol="")
    listing = listed.listing
    texts, left_out = _texts_of(listing)
    with transaction.atomic():
        row = lock_row(ToolConnection.objects.all(), connection.pk)
        if snapshot_of(row).url != snapshot.url:
            raise ToolsNotRead("The address was changed meanwhile. Read the tools again.")
        reading = absorb(row, texts, is_whole=not listing.is_cut, left_out=left_out)
        now = timezone.now()
        ttl = timedelta(seconds=min(listing.ttl_seconds, MAX_TTL.total_seconds()))
        row.read_at = now
        row.read_again_at = now + min(MAX_TTL, max(MIN_TTL, ttl)) if ttl else None
        row.protocol = listing.protocol
        row.save(update_fields=["read_at", "read_again_at", "protocol"])
        tell_processes()
    return reading


def _texts_of(listing: Listing) -> tuple[list[ToolText], int]:
    """Each name once, and how many tools have names that cannot be used."""
    texts: dict[str, ToolText] = {}
    for tool in listing.tools:
        if has_name(tool.get("name")):
            texts.setdefault(tool["name"], text_of_listed(tool))
    return list(texts.values()), len(listing.tools) - len(texts)


def absorb(
    connection: ToolConnection, texts: Iterable[ToolText], *, is_whole: bool, left_out: int = 0
) -> Reading:
    """Compare the texts with the locked connection's tools, and write what differs.

    What is offered stays as it was accepted: other texts wait in `changed`. `is_whole`: tools that
    are not among the texts are gone.
    """
    known = {tool.name: tool for tool in connection.tools.select_for_update().order_by("pk")}
    new = changed = gone = 0
    seen = set()
    for text in texts:
        seen.add(text.name)
        tool = known.get(text.name)
        if tool is None:
            tool = Tool(connection=connection)
            write_text(tool, text)
            tool.save()
            new += 1
        else:
            changed += _compare(tool, text)
    for name in known.keys() - seen if is_whole else ():
        if not known[name].is_gone:
            gone += 1
            known[name].is_gone = True
            known[name].save(update_fields=["is_gone", "updated_at"])
    return Reading(_sentence(len(seen), new, changed, gone, left_out), new, changed, gone)


def _compare(tool: Tool, text: ToolText) -> bool:
    """Write what the server says now. True if it is something else than before."""
    digest = text.digest
    now_said = None if digest == tool.digest else {**asdict(text), "digest": digest}
    before = (tool.changed or {}).get("digest", tool.digest)
    if now_said is not None and not tool.is_offered:
        # Nobody has accepted the text of a tool that is not offered.
        write_text(tool, text)
        tool.changed, tool.is_gone = None, False
        tool.save()
    elif tool.changed != now_said or tool.is_gone:
        tool.changed, tool.is_gone = now_said, False
        tool.save(update_fields=["changed", "is_gone", "updated_at"])
    return bool(digest != before)


def _sentence(count: int, new: int, changed: int, gone: int, left_out: int) -> str:
    tools = "one tool" if count == 1 else f"{count:,} tools"
    parts = [f"{tools} listed: {new} new, {changed} changed, {gone} gone."]
    if left_out:
        parts.append(f"{left_out} left out: their names cannot be used, or stand there twice.")
    text = " ".join(parts)
    return text[0].upper() + text[1:]


def keep_test(connection: ToolConnection, *, passed: bool, said: str, protocol: str) -> None:
    """Store the result of a test, `said` as `results.for_people` makes it."""
    changes: dict[str, Any] = {"protocol": protocol} if passed else {}
    ToolConnection.objects.filter(pk=connection.pk).update(
        tested_at=timezone.now(),
        test_passed=passed,
        test_sentence=said,
        **changes,
    )
    tell_processes()
