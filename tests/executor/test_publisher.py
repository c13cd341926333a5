"""What a process publishes reaches the others although Redis restarts meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from django.conf import settings

from executor.following import pubsub

BROKER = settings.REDIS_URL.removeprefix("unix://")
# As while a server restarts; one try more would not outlive them.
REFUSED_CONNECTIONS = 4


async def test_a_message_outlives_a_restart_of_redis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = 0

    async def copy(source: Any, target: Any) -> None:
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
        target.close()

    async def serve(reader: Any, writer: Any) -> None:
        nonlocal connections
        connections += 1
        if connections > REFUSED_CONNECTIONS:
            there, here = await asyncio.open_unix_connection(BROKER)
            await asyncio.gather(copy(reader, here), copy(there, writer), return_exceptions=True)
            here.close()
        writer.close()

    path = tmp_path / "redis"
    async with (
        redis.asyncio.Redis.from_url(settings.REDIS_URL) as client,
        client.pubsub() as listener,
        await asyncio.start_unix_server(serve, path),
    ):
        await listener.subscribe("orchestra:test:publisher")
        monkeypatch.setattr(settings, "REDIS_URL", f"unix://{path}")
        publisher = pubsub.Publisher()
        publisher.publish("orchestra:test:publisher", {"is": "there"})
        async with asyncio.timeout(60):
            async for message in listener.listen():
                if message["type"] == "message":
                    break
        assert b'"is": "there"' in message["data"]
        assert connections > REFUSED_CONNECTIONS
        publisher._client.close()
