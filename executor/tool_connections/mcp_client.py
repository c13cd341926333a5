"""Calls of MCP servers over streamable HTTP, by the official library.

It is imported at the first call, in a thread: that takes a second and 30 MiB.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import logging
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import httpx2

# A server that lists for ever is not followed.
MAX_PAGES = 20
MAX_TOOLS = 500
KEY_IN_META = "orchestra/idempotency-key"
KEY_HEADER = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool answered: `parts` as in the protocol; `asks` if it wants input instead."""

    parts: list[dict[str, Any]]
    structured: Any
    is_error: bool
    asks: bool = False


class ServerError(Exception):
    """The server answered the call with an error of the protocol; the message is the server's."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self._code = code

    @property
    def is_broken(self) -> bool:
        """The library's own word for an answer that ended before it was complete."""
        types = importlib.import_module("mcp_types")
        return self._code in (types.CONNECTION_CLOSED, types.REQUEST_TIMEOUT)

    @property
    def wants_headers(self) -> bool:
        """It reads some arguments from headers, and has called nothing."""
        return self._code == importlib.import_module("mcp_types").HEADER_MISMATCH


class AnswerInvalid(Exception):
    """The answer does not follow the protocol."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A server's tools, as the protocol writes them.

    `protocol` is the revision that it speaks, `ttl_seconds` how long it says the list holds.
    """

    tools: list[dict[str, Any]]
    protocol: str
    server: str
    ttl_seconds: float
    is_cut: bool = False


@dataclass(slots=True)
class _Found:
    tools: list[dict[str, Any]] = field(default_factory=list)
    ttl_seconds: float = 0.0
    is_cut: bool = False


async def load() -> None:
    """Import the library, once per process, without blocking the event loop."""
    if not _library.cache_info().currsize:
        await asyncio.to_thread(_library)


async def call_tool(
    http: httpx2.AsyncClient,
    url: str,
    protocol: str,
    name: str,
    arguments: dict[str, Any],
    *,
    key: str,
) -> Answer:
    """Call once. `protocol` is the revision found before; empty: it is found out first.

    Raises ServerError, AnswerInvalid, and what the transport raises. `load` comes first.
    """
    async with _Opened(http, url, protocol) as client:
        try:
            return await _call(client, name, arguments, key)
        except ServerError as error:
            if not error.wants_headers:
                raise
            # Which headers, the client learns from the server's list.
            await client.list_tools()
            return await _call(client, name, arguments, key)


async def list_tools(http: httpx2.AsyncClient, url: str, protocol: str) -> Listing:
    """All tools of the server, at most 500. Raises as `call_tool`."""
    async with _Opened(http, url, protocol) as client:
        found = _Found()
        try:
            await _read_pages(client, found)
        except Exception as error:
            raise _told(error) from error
        info = client.server_info
        return Listing(
            found.tools,
            client.protocol_version,
            info.name if info is not None else "",
            found.ttl_seconds,
            found.is_cut,
        )


async def _read_pages(client: Any, found: _Found) -> None:
    cursor = None
    for _ in range(MAX_PAGES):
        page = await client.list_tools(cursor=cursor, cache_mode="bypass")
        found.tools += [
            tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in page.tools
        ]
        found.ttl_seconds = page.ttl_ms / 1_000
        cursor = page.next_cursor
        if cursor is None or len(found.tools) >= MAX_TOOLS:
            break
    found.is_cut = cursor is not None or len(found.tools) > MAX_TOOLS
    del found.tools[MAX_TOOLS:]


async def _call(client: Any, name: str, arguments: dict[str, Any], key: str) -> Answer:
    types = importlib.import_module("mcp_types")
    request = types.CallToolRequest(
        params=types.CallToolRequestParams(
            name=name, arguments=arguments, _meta={KEY_IN_META: key} if key else None
        )
    )
    try:
        # Not `client.call_tool`: that lists the tools after each call, to check the answer by a
        # schema that nobody has accepted.
        result = await client.session.send_request(request, _results())
    except Exception as error:
        raise _told(error) from error
    if isinstance(result, types.InputRequiredResult):
        return Answer([], None, is_error=True, asks=True)
    plain = result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return Answer(
        plain.get("content", []), plain.get("structuredContent"), is_error=result.is_error
    )


class _Opened:
    """A client of the library for one call: never shared, because a connection that breaks in one
    call would cancel the others.
    """

    def __init__(self, http: httpx2.AsyncClient, url: str, protocol: str) -> None:
        library = _library()
        streams = library.client.streamable_http.streamable_http_client(url, http_client=http)
        modern = importlib.import_module("mcp_types.version").MODERN_PROTOCOL_VERSIONS
        mode = protocol if protocol in modern else "legacy" if protocol else "auto"
        about = importlib.import_module("mcp_types").Implementation(name="orchestra", version="1")
        self._client = library.Client(streams, mode=mode, cache=None, client_info=about)

    async def __aenter__(self) -> Any:
        try:
            return await self._client.__aenter__()
        except Exception as error:
            raise _told(error) from error

    async def __aexit__(self, *error: Any) -> None:
        try:
            await self._client.__aexit__(*error)
        except Exception as raised:
            # Among them ours, in groups of the library's tasks.
            raise _told(raised) from raised


@functools.cache
def _library() -> ModuleType:
    # It logs answers that it cannot read, as they are; we tell of them ourselves.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    importlib.import_module("mcp.client.streamable_http")
    return importlib.import_module("mcp")


@functools.cache
def _results() -> Any:
    types = importlib.import_module("mcp_types")
    pydantic = importlib.import_module("pydantic")
    return pydantic.TypeAdapter(types.InputRequiredResult | types.CallToolResult)


def _told(error: Exception) -> Exception:
    """The error in our words; an error of ours, of the transport or of the network stays."""
    exceptions = importlib.import_module("mcp.shared.exceptions")
    pydantic = importlib.import_module("pydantic")
    types = importlib.import_module("mcp_types")
    for inner in _inner(error):
        if isinstance(inner, ServerError | AnswerInvalid):
            return inner
        if isinstance(inner, exceptions.MCPError) and inner.code != types.PARSE_ERROR:
            return ServerError(str(inner.message), inner.code)
        if isinstance(inner, exceptions.MCPError | pydantic.ValidationError):
            return AnswerInvalid("the answer does not follow the protocol")
    return error


def _inner(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [inner for part in error.exceptions for inner in _inner(part)]
    return [error]
