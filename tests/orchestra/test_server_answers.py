"""What the web server answers by itself, without the application."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orchestra.asgi import application
from tests.orchestra.serving import answer_of, serving, with_our_headers


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: here\r\nA: " + b"x" * 9_000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: <secret>\r\n\r\n", 501),
    ],
)
async def test_answers_of_the_server_itself_have_our_headers_and_repeat_nothing(
    sent: bytes, status: int
) -> None:
    async with serving() as connect, asyncio.timeout(60):
        reader, writer = await connect()
        writer.write(sent)
        found, said, body = await answer_of(reader)
        assert found == status
        assert with_our_headers(said)
        assert said["content-type"] == "application/problem+json"
        assert b"secret" not in body
        assert b"xxx" not in body


@pytest.mark.parametrize("version", ["13", "8", ""])
@pytest.mark.parametrize("key", ["dGhlIHNhbXBsZSBub25jZQ==", "short", ""])
async def test_an_upgrade_to_websocket_is_refused(version: str, key: str) -> None:
    lines = (
        "GET / HTTP/1.1",
        "Host: x",
        "Connection: Upgrade",
        "Upgrade: websocket",
        f"Sec-WebSocket-Version: {version}",
        f"Sec-WebSocket-Key: {key}",
    )
    async with serving(application) as connect, asyncio.timeout(60):
        reader, writer = await connect()
        writer.write("\r\n".join([*lines, "", ""]).encode())
        status, found, _ = await answer_of(reader)
        assert status == 403
        assert with_our_headers(found)


@pytest.mark.parametrize("kind", ["websocket", "webtransport", "nonsense"])
async def test_other_scopes_end_without_an_error(kind: str) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": f"{kind}.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await application({"type": kind, "path": "/", "headers": []}, receive, send)
    assert sent == (["websocket.close"] if kind == "websocket" else [])
