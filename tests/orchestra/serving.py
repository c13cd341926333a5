"""The web server's connections without its processes: a socket, and what a client reads from it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger

from orchestra.server import headers
from orchestra.server.connections import Connection, close_all_idle

App = Callable[[Any, Any, Any], Awaitable[None]]
HEAD = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body, then answers."""
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.disconnect":
        return
    sent = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": sent})
    await send({"type": "http.response.body", "body": b"hello"})


@asynccontextmanager
async def serving(app: App = hello) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    """gunicorn's worker as far as a connection knows it; gives a function that connects."""
    loop, config = asyncio.get_running_loop(), Config()
    config.set("keepalive", 75)
    worker = SimpleNamespace(
        cfg=config, log=Logger(config), asgi=app, loop=loop, state={},
        alive=True, nr=0, nr_conns=0, max_requests=10_000,
    )  # fmt: skip
    worker.log.error_log.setLevel(logging.CRITICAL)
    server = await loop.create_server(lambda: Connection(worker), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    writers: list[asyncio.StreamWriter] = []

    async def connect() -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        return reader, writer

    yield connect
    for writer in writers:
        writer.close()
    server.close()
    await server.wait_closed()
    close_all_idle()


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    found = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), found, await reader.readexactly(int(found["content-length"]))


def with_our_headers(found: dict[str, str]) -> bool:
    """Whether it has what every answer has."""
    wanted = headers.outside_middleware()
    return {name.lower(): value.lower() for name, value in wanted.items()}.items() <= found.items()
