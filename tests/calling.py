"""Calls to a running installation: plain ones, many at once, and streams of events."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from tests.installations import Installation

Event = tuple[str, str, Any]


def call(
    installation: Installation, key: str, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    """Status, answer and headers (lower case), over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", installation.port, timeout=60)
    sent = {"Authorization": f"Bearer {key}", **headers}
    data = None
    if body is not None:
        data, sent["Content-Type"] = json.dumps(body), "application/json"
    with closing(connection):
        connection.request(method, path, data, sent)
        response = connection.getresponse()
        text = response.read()
    found = {name.lower(): value for name, value in response.getheaders()}
    return response.status, json.loads(text) if text else None, found


def race(
    installation: Installation, key: str, path: str, bodies: list[tuple[Any, dict[str, str]]]
) -> list[tuple[int, Any]]:
    """Posts them all at once, each over its own connection; statuses and answers in their order."""

    async def one(body: Any, headers: dict[str, str], start: asyncio.Event) -> tuple[int, Any]:
        reader, writer = await asyncio.open_connection("127.0.0.1", installation.port)
        data = json.dumps(body).encode()
        lines = {
            "Host": "127.0.0.1",
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            "Connection": "close",
            **headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        await start.wait()
        writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + data)
        answer = await reader.read()
        writer.close()
        top, _, text = answer.partition(b"\r\n\r\n")
        return int(top.split()[1]), json.loads(text)

    async def everything() -> list[tuple[int, Any]]:
        start = asyncio.Event()
        tasks = [asyncio.create_task(one(body, headers, start)) for body, headers in bodies]
        await asyncio.sleep(0.05)
        start.set()
        return await asyncio.gather(*tasks)

    return asyncio.run(everything())


@contextmanager
def events(
    installation: Installation, key: str, method: str, path: str, body: Any = None, **headers: str
) -> Iterator[Iterator[Event]]:
    """Follows a stream: (id, name, data) as they come, while the block lasts."""
    connection = http.client.HTTPConnection("127.0.0.1", installation.port, timeout=60)
    sent = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream", **headers}
    data = None
    if body is not None:
        data, sent["Content-Type"] = json.dumps(body), "application/json"
    with closing(connection):
        connection.request(method, path, data, sent)
        # A stream has no length, so that the answer and not the connection keeps the socket.
        with closing(connection.getresponse()) as response:
            assert response.status == 200, response.read()
            yield _read(response)


def _read(response: http.client.HTTPResponse) -> Iterator[Event]:
    fields: dict[str, str] = {}
    while line := response.readline():
        text = line.decode().rstrip("\n")
        if text and not text.startswith(":"):
            name, _, value = text.partition(": ")
            fields[name] = value
        elif not text:
            if "event" in fields:
                yield fields.get("id", ""), fields["event"], json.loads(fields["data"])
            fields = {}
