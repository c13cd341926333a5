"""Requests of blocks: by a connection with its secrets, or to any public address without any."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import httpx2
from django.conf import settings
from django.db import Error as DatabaseError

from designs.outgoing.addresses import AddressRefused, check_url
from designs.patterns.calls import HttpCall
from designs.runtime.loops import PerLoop
from executor.engine.http_door import HttpFailed, HttpReply
from executor.models import ToolKind
from executor.tool_connections.books import books
from executor.tool_connections.calling import CallBroken, NotCalled, RuleBroken, run_apart
from executor.tool_connections.servers import server_of
from executor.tool_connections.snapshots import ConnectionUnusable
from executor.tool_connections.transport import Watch, call_client, kept_transport

AWAY = "The tool connections cannot be read at the moment."
PUBLIC_AT_ONCE = 50

Make = Callable[[httpx2.AsyncClient], Awaitable[httpx2.Response]]


class Requests:
    """An `HttpDoor` (`executor.engine.http_door`) over the rows."""

    async def send(self, call: HttpCall, headers: Mapping[str, str]) -> HttpReply:
        """Raises HttpFailed."""
        watch = Watch(call.max_bytes, is_mcp=False)
        try:
            if call.connection is None:
                reply = await _in_public(call, headers, watch)
            else:
                reply = await _by_connection(call, headers, watch)
        except (NotCalled, ConnectionUnusable, AddressRefused) as error:
            raise HttpFailed("refused", str(error), was_sent=False) from error
        except RuleBroken as error:
            if watch.http_status in range(300, 400):
                return HttpReply(watch.http_status or 300, {}, b"")
            raise HttpFailed("too_large", f"{error}.", was_sent=True) from error
        except CallBroken as error:
            kind = "timeout" if error.is_slow else "transient"
            raise HttpFailed(kind, f"{error}.", was_sent=error.was_sent) from error
        named = {name.lower(): value for name, value in reply.headers.items()}
        return HttpReply(reply.status_code, named, reply.content)


async def _by_connection(
    call: HttpCall, headers: Mapping[str, str], watch: Watch
) -> httpx2.Response:
    name = call.connection or ""
    try:
        book = (await books().get({name})).get(name)
    except DatabaseError as error:
        raise CallBroken(AWAY.rstrip(".")) from error
    if book is None or book.snapshot.kind != ToolKind.HTTP:
        raise NotCalled(
            f"There is no connection {name} of kind HTTP. An administrator can add it on the page "
            "Tools."
        )
    server = await server_of(book.snapshot)
    url = book.snapshot.url.rstrip("/") + call.url
    return await server.fetch(_make(call, url, headers), watch, seconds=call.seconds)


async def _in_public(call: HttpCall, headers: Mapping[str, str], watch: Watch) -> httpx2.Response:
    allow = tuple(settings.ENVIRONMENT.egress_allow)
    check_url(call.url, allow)
    kept = _transports.get()
    transport = kept.get(allow)
    if transport is None:
        transport = kept[allow] = kept_transport(allow, calls=PUBLIC_AT_ONCE)

    async def work() -> httpx2.Response:
        async with call_client(transport, watch, {}, seconds=call.seconds) as client:
            return await _make(call, call.url, headers)(client)

    return await judged(work, watch, call.seconds)


async def judged(
    work: Callable[[], Awaitable[httpx2.Response]], watch: Watch, seconds: float
) -> httpx2.Response:
    """Raises NotCalled, RuleBroken, CallBroken."""
    try:
        return await run_apart(_awaited(work), seconds=seconds)
    except Exception as error:  # noqa: BLE001 - a library's groups of errors, too
        if watch.cause == "address":
            raise NotCalled(watch.failure) from error
        if watch.cause == "answer":
            raise RuleBroken(watch.failure) from error
        slow = isinstance(error, CallBroken) and error.is_slow
        why = watch.failure or str(error).rstrip(".") or type(error).__name__
        raise CallBroken(why, is_slow=slow, was_sent=watch.was_sent) from error


async def _awaited(work: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
    return await work()


def _make(call: HttpCall, url: str, headers: Mapping[str, str]) -> Make:
    return lambda client: client.request(
        call.method, url, headers=dict(headers), content=call.content
    )


async def _close_all(transports: dict[tuple[str, ...], httpx2.AsyncBaseTransport]) -> None:
    for transport in transports.values():
        await transport.aclose()


_transports: PerLoop[dict[tuple[str, ...], httpx2.AsyncBaseTransport]] = PerLoop(dict, _close_all)
