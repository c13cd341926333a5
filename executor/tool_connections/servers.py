"""The servers of tool connections: their kept connections, breakers and limits, and one call."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from designs.runtime.loops import PerLoop
from executor.engine.breaker import Breaker
from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.tools import ToolCallError, ToolResult
from executor.models import ToolKind
from executor.tool_connections import answers, mcp_client
from executor.tool_connections.calling import CallBroken, NotCalled, RuleBroken, exchange
from executor.tool_connections.http_requests import ArgumentsUnfit, build_request
from executor.tool_connections.results import not_called
from executor.tool_connections.sign_in import SignIn
from executor.tool_connections.snapshots import ConnectionSnapshot, ConnectionUnusable
from executor.tool_connections.transport import Watch, kept_transport

logger = logging.getLogger(__name__)

LIST_SECONDS = 20.0

Make = Callable[[httpx2.AsyncClient], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call to make: `http` is the description of an HTTP tool; `key` is empty for none."""

    name: str
    arguments: dict[str, Any]
    http: dict[str, Any] | None
    key: str
    seconds: float
    most_characters: int


class Server:
    """The server of one connection, as its record was, for the running loop."""

    def __init__(self, snapshot: ConnectionSnapshot) -> None:
        """Raises ConnectionUnusable."""
        self.snapshot = snapshot
        self._sign_in: SignIn = snapshot.sign_in()
        self._transport = kept_transport(snapshot.allow, calls=snapshot.max_concurrent_calls)
        self._slots = asyncio.Semaphore(snapshot.max_concurrent_calls)
        self._calls = 0
        self._is_retired = False

    async def call(self, call: ToolCall) -> ToolResult:
        """Call once. Raises ToolCallError."""
        breaker = breaker_of(self.snapshot)
        try:
            ticket = breaker.begin()
        except ModelError as error:
            return not_called(error.message)
        # What the call does not tell of its server: it was cancelled, or never sent.
        failure: ErrorKind | None = ErrorKind.UNAVAILABLE
        try:
            async with self._slot(call.seconds):
                result, failure = await self._call(call)
            return result
        except NotCalled as error:
            return not_called(str(error))
        except CallBroken as error:
            failure = ErrorKind.TIMEOUT if error.is_slow else ErrorKind.TRANSIENT
            sentence = f"{self.snapshot.name}: {error}."
            raise ToolCallError(sentence, was_sent=error.was_sent) from error
        finally:
            breaker.end(ticket, failure)

    async def list_tools(self, protocol: str) -> mcp_client.Listing:
        """What an MCP server lists; without a protocol it is found out.

        Raises NotCalled, RuleBroken, CallBroken, mcp_client.ServerError, mcp_client.AnswerInvalid.
        """
        await mcp_client.load()
        watch = Watch(self.snapshot.max_response_bytes, is_mcp=True)
        return await self._exchange(
            lambda client: mcp_client.list_tools(client, self.snapshot.url, protocol),
            watch,
            key="",
            seconds=min(LIST_SECONDS, self.snapshot.timeout_seconds),
        )

    async def reach(self) -> int:
        """The status with which an HTTP API answers at its address. Raises as `list_tools`."""
        watch = Watch(self.snapshot.max_response_bytes, is_mcp=False)
        reply = await self._exchange(
            lambda client: client.get(self.snapshot.url),
            watch,
            key="",
            seconds=min(LIST_SECONDS, self.snapshot.timeout_seconds),
        )
        return int(reply.status_code)

    async def fetch(self, make: Make, watch: Watch, *, seconds: float) -> httpx2.Response:
        """The answer to a request of a block, whatever its status.

        Raises NotCalled, RuleBroken, CallBroken.
        """
        breaker = breaker_of(self.snapshot)
        try:
            ticket = breaker.begin()
        except ModelError as error:
            raise CallBroken(error.message.rstrip(".")) from error
        failure: ErrorKind | None = ErrorKind.UNAVAILABLE
        try:
            async with self._slot(seconds):
                reply = await self._exchange(make, watch, key="", seconds=seconds)
            failure = answers.failure_of(reply.status_code)
            if reply.status_code == 401 and self._sign_in.is_renewable:
                self._sign_in.forget_token()
            return reply  # type: ignore[no-any-return]
        except CallBroken as error:
            failure = ErrorKind.TIMEOUT if error.is_slow else ErrorKind.TRANSIENT
            raise
        finally:
            breaker.end(ticket, failure)

    async def _call(self, call: ToolCall) -> answers.Judged:
        is_mcp = self.snapshot.kind == ToolKind.MCP
        if is_mcp:
            await mcp_client.load()
        make = self._mcp_call(call) if is_mcp else self._http_call(call)
        answer, watch = await self._answer(make, call, is_mcp=is_mcp)
        if watch.http_status == 401 and self._sign_in.is_renewable:
            # The token ended early. Such an answer means that nothing was done.
            self._sign_in.forget_token()
            answer, watch = await self._answer(make, call, is_mcp=is_mcp)
        if isinstance(answer, RuleBroken):
            return answers.of_rule(str(answer), watch)
        if isinstance(answer, Exception):
            return answers.of_mcp_error(answer, watch, call.most_characters)
        if isinstance(answer, mcp_client.Answer):
            return answers.of_mcp(answer, watch, call.most_characters)
        return answers.of_http(answer, call.most_characters)

    async def _answer(self, make: Make, call: ToolCall, *, is_mcp: bool) -> tuple[Any, Watch]:
        """The answer, or the error that it is. Raises NotCalled, CallBroken."""
        watch = Watch(self.snapshot.max_response_bytes, is_mcp=is_mcp)
        try:
            return await self._exchange(make, watch, key=call.key, seconds=call.seconds), watch
        except (RuleBroken, mcp_client.ServerError, mcp_client.AnswerInvalid) as error:
            return error, watch

    def _mcp_call(self, call: ToolCall) -> Make:
        snapshot = self.snapshot
        return lambda client: mcp_client.call_tool(
            client, snapshot.url, snapshot.protocol, call.name, call.arguments, key=call.key
        )

    def _http_call(self, call: ToolCall) -> Make:
        try:
            request = build_request(self.snapshot.url, call.http or {}, call.arguments)
        except ArgumentsUnfit as error:
            raise NotCalled(str(error)) from error
        return lambda client: client.request(
            request.method, request.url, headers=request.headers, content=request.content
        )

    async def _exchange(self, make: Make, watch: Watch, *, key: str, seconds: float) -> Any:
        self._calls += 1
        try:
            return await exchange(
                self.snapshot,
                self._sign_in,
                self._transport,
                make,
                watch,
                key=key,
                seconds=seconds,
            )
        finally:
            self._calls -= 1
            if self._is_retired and not self._calls:
                await self._transport.aclose()

    @asynccontextmanager
    async def _slot(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                await self._slots.acquire()
        except TimeoutError:
            most = self.snapshot.max_concurrent_calls
            calls = "one call" if most == 1 else f"{most} calls"
            raise NotCalled(
                f"{self.snapshot.name}: the connection allows {calls} at once, and none ended in "
                "time."
            ) from None
        try:
            yield
        finally:
            self._slots.release()

    async def retire(self) -> None:
        """Close its connections, once no call uses them."""
        self._is_retired = True
        if not self._calls:
            await self._transport.aclose()


async def server_of(snapshot: ConnectionSnapshot) -> Server:
    """The running loop's server of this connection. Raises ConnectionUnusable."""
    if not snapshot.is_enabled:
        raise ConnectionUnusable(f"The tool connection {snapshot.name} is disabled.")
    servers = _servers.get()
    server = servers.get(snapshot.id)
    if server is None or server.snapshot != snapshot:
        made = Server(snapshot)
        servers[snapshot.id] = made
        if server is not None:
            await server.retire()
        server = made
    return server


async def _close_all(servers: dict[int, Server]) -> None:
    for server in servers.values():
        await server.retire()


_servers: PerLoop[dict[int, Server]] = PerLoop(dict, _close_all)
_breakers: dict[int, tuple[ConnectionSnapshot, Breaker]] = {}
_lock = threading.Lock()


def breaker_of(snapshot: ConnectionSnapshot) -> Breaker:
    """This process's breaker of the connection; a changed connection has a new one."""
    with _lock:
        known = _breakers.get(snapshot.id)
        if known is None or known[0] != snapshot:
            known = _breakers[snapshot.id] = (snapshot, Breaker(snapshot.name, on_open=_tell))
        return known[1]


def _tell(name: str, seconds: float, reason: str) -> None:
    logger.warning("Tools of %r are left alone for %g seconds, because %s.", name, seconds, reason)
