"""A model server of the tests' own that counts its calls, by the key each call bears in its text.

It speaks the OpenAI protocol. A prompt holds `[[key]]`; every answer is another text, so that it
can be told which call's answer a run was built upon.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

KEY = re.compile(r"\[\[([^\]]+)\]\]")


@dataclass
class Provider:
    """What was asked and answered. `begun` counts calls by key, `answered` those that got theirs.

    `texts` are the answers given for a key. An answer takes `seconds`, half more or less; that and
    the answer's length may be set for a single key.
    """

    seconds: float
    url: str = ""
    seconds_of: dict[str, float] = field(default_factory=dict)
    padding_of: Counter[str] = field(default_factory=Counter)
    begun: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    texts: dict[str, list[str]] = field(default_factory=dict)
    under_way: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, for as many calls as the client likes."""
        try:
            while (request := await _read(reader)) is not None:
                await self._answer(request, writer)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            # Whoever asked was killed, or cut off.
            pass
        finally:
            writer.close()

    async def _answer(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        found = KEY.search(json.dumps(request["messages"]))
        key = found.group(1) if found else ""
        self.begun[key] += 1
        self.under_way += 1
        try:
            seconds = self.seconds_of.get(key, self.seconds * random.uniform(0.5, 1.5))
            await asyncio.sleep(seconds)
        finally:
            self.under_way -= 1
        text = f"answer {next(self._numbers)} for {key}{' ' * self.padding_of[key]}"
        # Noted before it is sent: what arrives must be known.
        self.texts.setdefault(key, []).append(text)
        body = json.dumps(_message(request["model"], text)).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)
        )
        writer.write(body)
        await writer.drain()
        self.answered[key] += 1


@contextmanager
def provider(seconds: float) -> Iterator[Provider]:
    """A server in a thread of its own."""
    found = Provider(seconds)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    starting = asyncio.start_server(found.serve, "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(timeout=60)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield found
    finally:
        server.get_loop().call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_hang_up(), loop).result(timeout=60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=60)
        loop.close()


async def _hang_up() -> None:
    """End all connections of the running loop."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    if not length:
        return None
    request: dict[str, Any] = json.loads(await reader.readexactly(int(length.group(1))))
    return request


def _message(model: str, text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "answer",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
