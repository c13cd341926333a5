"""A door for requests over HTTP that answers what a test wrote for it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from executor.engine.context import Timing
from executor.engine.http_door import HttpFailed, HttpReply
from tests.scripted import design, play


async def never_ends(seconds: float) -> None:
    await asyncio.get_running_loop().create_future()


LATER = Timing(now=lambda: 1_000.0, sleep=never_ends)
MUCH_LATER = Timing(now=lambda: 2_000.0)
JSON = {"content-type": "application/json"}


class Door:
    """Answers with these in turn, the last one for ever; an error is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.sent: list[Any] = []
        self.keys: list[str | None] = []

    async def send(self, call, headers):
        self.sent.append(call)
        self.keys.append(headers.get("Idempotency-Key"))
        answer = self.answers[min(len(self.sent), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


def reply(body: Any = None, status: int = 200, **headers: str) -> HttpReply:
    named = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return HttpReply(status, named, json.dumps(body).encode())


def block(**settings):
    usual = {} if "path" in settings else {"url": "https://example.com/things"}
    return design(
        {"id": "get", "type": "http", "label": "Get it", "settings": {**usual, **settings}}
    )


async def sent(door, given=None, steps=None, **settings):
    return await play(block(**settings), given=given, http=door, steps=steps)


BROKEN = HttpFailed("transient", "it broke off.", was_sent=True)
REFUSED = HttpFailed("refused", "10.0.0.1 is an inner address.", was_sent=False)
