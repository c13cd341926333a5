"""A request whose body is read when its view asks for it: after it knows who sends it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest

Receive = Callable[[], Awaitable[dict[str, Any]]]


class CallerLeft(Exception):
    """The client has disconnected."""


class LateRequest(ASGIRequest):
    """An ASGI request that is made before its body is read."""

    def __init__(self, scope: dict[str, Any], receive: Receive) -> None:
        super().__init__(scope, io.BytesIO())
        self._receive = receive
        self._is_whole = False
        # Until it is loaded there is none, and nothing waits for it by accident.
        self._body = b""

    async def load(self) -> None:
        """Read the body, unless its length alone refuses it. Raises CallerLeft."""
        length = self.META.get("CONTENT_LENGTH", "")
        if not length.isdigit() or int(length) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
            return
        parts: list[bytes] = []
        while not self._is_whole:
            parts.append(await self._next())
        self._body = parts[0] if len(parts) == 1 else b"".join(parts)

    async def discard(self) -> None:
        """Read and drop the rest of the body: a client that is still sending does not read its
        answer.
        """
        left = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
        try:
            while not self._is_whole and left >= 0:
                left -= len(await self._next())
        except CallerLeft:
            return

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise CallerLeft
        self._is_whole = not message.get("more_body", False)
        return bytes(message.get("body", b""))


async def read_until_left(receive: Receive) -> dict[str, Any]:
    """Read what still comes and keep none of it: the message that the client has left.

    The server waits for what comes with `asyncio.wait_for`, which in Python 3.11 returns a message
    that has come instead of being cancelled; so that is looked at, too. Else a call that was
    answered would wait for its client, and its client for the end of the connection.
    """
    while (message := await receive())["type"] != "http.disconnect":
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError
        # Messages that are there already leave no other task its turn.
        await asyncio.sleep(0)
    return message


async def load_body(request: HttpRequest) -> None:
    if isinstance(request, LateRequest):
        await request.load()
