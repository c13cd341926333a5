"""Opens streams as the web server does: through the application, past the test client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.test import AsyncClient

from executor.models import Execution
from orchestra.asgi import application


class Asked:
    """One request under way: its status and headers once it is answered, and what came."""

    def __init__(self, path: str, **headers: str) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.answered = asyncio.Event()
        self.heard = asyncio.Event()
        self._left = asyncio.Event()
        self._has_begun = False
        named = {"host": "localhost", "accept": "text/event-stream", **headers}
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "path": path, "scheme": "http",
            "raw_path": path.encode(), "query_string": b"", "root_path": "",
            "client": ("203.0.113.5", 1), "server": ("localhost", 80),
            "headers": [(name.replace("_", "-").encode(), v.encode()) for name, v in named.items()],
        }  # fmt: skip
        self._task = asyncio.create_task(application(scope, self._receive, self._send))

    @property
    def is_over(self) -> bool:
        return self._task.done()

    async def until_heard(self) -> Asked:
        """Until an event has come, or the answer is whole."""
        hearing = asyncio.ensure_future(self.heard.wait())
        async with asyncio.timeout(60):
            await asyncio.wait({hearing, self._task}, return_when=asyncio.FIRST_COMPLETED)
        hearing.cancel()
        return self

    async def leave(self) -> None:
        """As a client that closes its connection; the server waits a little, then cancels."""
        self._left.set()
        if not self.status:
            self._task.cancel()
        await asyncio.wait({self._task})

    async def _receive(self) -> dict[str, Any]:
        if not self._has_begun:
            self._has_begun = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {n.decode().title(): v.decode() for n, v in message["headers"]}
            self.answered.set()
        self.body += message.get("body", b"")
        if b"event: " in self.body:
            self.heard.set()


@asynccontextmanager
async def opened(paths: list[str], **headers: str) -> AsyncIterator[list[Asked]]:
    """All of them at once, each until it has heard something."""
    asked = [Asked(path, **headers) for path in paths]
    try:
        for one in asked:
            await one.until_heard()
        yield asked
    finally:
        for one in asked:
            await one.leave()


async def session_of(user: User) -> str:
    browser = AsyncClient()
    await browser.aforce_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"


def addresses(executions: list[Execution], kind: str, count: int = 1) -> list[str]:
    """Of the events of these runs (`api`), or of the drafts of their designs (`page`)."""
    chosen = [executions[number % len(executions)] for number in range(count)]
    if kind == "page":
        return [f"/designs/{one.design_id}/stream/" for one in chosen]
    return [f"/api/executions/{one.pk}/events" for one in chosen]
