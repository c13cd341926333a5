"""Stands between a client and the broker, for tests of connections that break."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from django.conf import settings


class Relay:
    """`async with Relay(path)`: who connects to the socket at `path` talks to the broker.

    The first `refused` connections are closed at once. Leaving it ends all connections, so that
    none is left when the test's loop ends.
    """

    def __init__(self, path: Path, *, refused: int = 0) -> None:
        self.path, self.refused = path, refused
        self.connections = 0
        # Nothing passes on the first connection any more, and none of its ends is closed.
        self.is_silent = False
        # The broker's own address, because a test sets it to ours.
        self._broker = settings.REDIS_URL.removeprefix("unix://")
        self._tasks: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_unix_server(self._accept, self.path)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(one.wait_closed() for one in self._writers), return_exceptions=True)

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # No coroutine: one that never begins could not close its writer.
        self.connections += 1
        self._writers.append(writer)
        if self.connections <= self.refused:
            writer.close()
        else:
            serving = self._serve(reader, writer, self.connections)
            self._tasks.append(asyncio.create_task(serving))

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        there, here = await asyncio.open_unix_connection(self._broker)
        self._writers.append(here)
        await asyncio.gather(
            self._pass(reader, here, number), self._pass(there, writer, number),
            return_exceptions=True,
        )  # fmt: skip

    async def _pass(self, source: Any, target: Any, number: int) -> None:
        while data := await source.read(65_536):
            if not (self.is_silent and number == 1):
                target.write(data)
                await target.drain()
        target.close()
