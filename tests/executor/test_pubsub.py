"""Subscriptions: a half-open connection is noticed, and none waits for a broker that is away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from designs.rows.ids import new_id
from executor.following import pubsub
from tests.relays import Relay

PATIENCE_SECONDS = 60


async def until(true: Any) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not true():
            await asyncio.sleep(0.02)


def test_a_half_open_connection_is_noticed_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub, "SILENCE_SECONDS", 0.2)

    async def story() -> None:
        async with Relay(tmp_path / "s") as relay:
            hub = pubsub.Hub()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(settings, "REDIS_URL", relay.url)
                await hub.start()
            await until(lambda: hub.is_connected)
            relay.is_silent = True
            await until(lambda: not hub.is_connected)
            await until(lambda: hub.is_connected and relay.connections > 1)
            await hub.close()

    asyncio.run(story())


def test_no_subscriber_waits_for_a_broker_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
