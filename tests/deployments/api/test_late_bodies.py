"""What still comes of a request that was answered."""

from __future__ import annotations

import asyncio
from typing import Any

from deployments.api.late_bodies import read_until_left

PIECE = {"type": "http.request", "body": b"x", "more_body": True}


class Server:
    """Gives one piece as its caller is cancelled, as gunicorn does on Python 3.11; then nothing."""

    def __init__(self) -> None:
        self.asked = 0

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        if self.asked > 1:
            await asyncio.Event().wait()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return PIECE
        raise AssertionError


async def test_it_ends_when_it_is_cancelled_though_a_piece_came_just_then() -> None:
    server = Server()
    reading = asyncio.create_task(read_until_left(server.receive))
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait({reading}, timeout=60)
    assert reading.cancelled()
    assert server.asked == 1


async def test_it_reads_to_the_clients_leaving_and_lets_others_have_their_turn() -> None:
    left = {"type": "http.disconnect"}
    messages = iter([*[PIECE] * 100, left])
    turns = 0

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    assert await read_until_left(receive) == left
    counting.cancel()
    assert turns >= 100
