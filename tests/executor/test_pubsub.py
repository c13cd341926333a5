"""Subscriptions: a half-open connection is noticed, and none waits for a broker that is away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.conf import settings

from designs.rows.ids import new_id
from executor.following import pubsub

PATIENCE_SECONDS = 60
BROKER = settings.REDIS_URL.removeprefix("unix://")


class Middle:
    """Stands between a hub and the broker; can stop passing anything on without closing."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.connections = 0
        self.is_silent = False

    async def serve(self, reader: Any, writer: Any) -> None:
        self.connections += 1
        there, here = await asyncio.open_unix_connection(BROKER)
        # One connection is silent for ever once it was silent.
        number = self.connections
        try:
            await asyncio.gather(
                self._pass(reader, here, number), self._pass(there, writer, number),
                return_exceptions=True,
            )  # fmt: skip
        finally:
            here.close()
            writer.close()

    async def _pass(self, source: Any, target: Any, number: int) -> None:
        while data := await source.read(65536):
            if not (self.is_silent and number == 1):
                target.write(data)
                await target.drain()
        target.close()


async def until(true: Any) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not true():
            await asyncio.sleep(0.02)


def test_a_half_open_connection_is_noticed_and_replaced(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub, "SILENCE_SECONDS", 0.2)
    middle = Middle(f"{tmp_path}/s")

    async def story() -> None:
        server = await asyncio.start_unix_server(middle.serve, middle.path)
        hub = pubsub.Hub()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(settings, "REDIS_URL", f"unix://{middle.path}")
            await hub.start()
        await until(lambda: hub.is_connected)
        middle.is_silent = True
        await until(lambda: not hub.is_connected)
        await until(lambda: hub.is_connected and middle.connections > 1)
        await hub.close()
        server.close()
        await server.wait_closed()

    asyncio.run(story())


def test_no_subscriber_waits_for_a_broker_that_is_away(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        pubsub.running_hub()
        monkeypatch.setattr(settings, "REDIS_URL", f"unix://{tmp_path}/nothing")
        confirmed = []
        original = asyncio.wait_for

        async def wait_for(what: Any, seconds: Any) -> Any:
            confirmed.append(seconds)
            return await original(what, seconds)

        monkeypatch.setattr(pubsub.asyncio, "wait_for", wait_for)
        async with pubsub.subscribe(new_id(), texts=True):
            assert confirmed == []

    asyncio.run(story())
