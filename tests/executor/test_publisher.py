"""What a process publishes reaches the others although Redis restarts meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import redis.asyncio
from django.conf import settings

from executor.following import pubsub
from tests.relays import Relay

# As while a server restarts; one try more would not outlive them.
REFUSED_CONNECTIONS = 4


async def test_a_message_outlives_a_restart_of_redis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        redis.asyncio.Redis.from_url(settings.REDIS_URL) as client,
        client.pubsub() as listener,
        Relay(tmp_path / "redis", refused=REFUSED_CONNECTIONS) as relay,
    ):
        await listener.subscribe("orchestra:test:publisher")
        monkeypatch.setattr(settings, "REDIS_URL", relay.url)
        publisher = pubsub.Publisher()
        publisher.publish("orchestra:test:publisher", {"is": "there"})
        async with asyncio.timeout(60):
            async for message in listener.listen():
                if message["type"] == "message":
                    break
        assert b'"is": "there"' in message["data"]
        assert relay.connections > REFUSED_CONNECTIONS
