"""A body that no view takes is never written down: it is refused by its headers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.models import User

from deployments.access.keys import create_key
from orchestra import asgi

pytestmark = pytest.mark.django_db(transaction=True)

LIMIT = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0


@pytest.mark.parametrize(
    ("length", "is_whole"),
    [(b"0", True), (str(LIMIT).encode(), True), (str(LIMIT + 1).encode(), False), (b"-1", False)],
)
async def test_only_what_may_be_taken_is_handed_on(length: bytes, is_whole: bool) -> None:
    messages = [
        {"type": "http.request", "body": b"x", "more_body": True},
        {"type": "http.request", "body": b"y", "more_body": False},
        {"type": "http.disconnect"},
    ]
    left = list(messages)

    async def receive() -> Any:
        return left.pop(0)

    found = asgi.bounded({"headers": [(b"content-length", length)]}, receive)
    if is_whole:
        assert [await found() for _ in messages] == messages
        return
    assert await found() == {"type": "http.request", "body": b"", "more_body": False}
    assert len(left) == 3
    assert await found() == messages[-1]


@pytest.mark.parametrize(
    ("path", "header", "statuses"),
    [
        ("/api/keys", (b"content-length", b"9000000"), {413}),
        ("/api/keys", (b"transfer-encoding", b"chunked"), {411}),
        ("/sign-in/", (b"content-length", b"9000000"), {400, 403, 413}),
    ],
)
def test_it_is_refused(
    administrator: User, path: str, header: tuple[bytes, bytes], statuses: set[int]
) -> None:
    key = create_key(owner=administrator)[1]
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": path, "query_string": b"",
        "client": ("192.0.2.12", 4000), "server": ("testserver", 80), "scheme": "http",
        "headers": [
            (b"host", b"localhost"), (b"content-type", b"application/json"), header,
            (b"authorization", f"Bearer {key}".encode()),
        ],
    }  # fmt: skip
    found: list[int] = []

    async def receive() -> Any:
        # The client sends nothing before it is answered.
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        if "status" in message:
            found.append(message["status"])

    async def call() -> None:
        await asgi.application(scope, receive, send)

    async_to_sync(call)()
    assert found
    assert found[0] in statuses
