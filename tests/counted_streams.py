"""How many open streams are noted where all processes look."""

from __future__ import annotations

import asyncio
import gc

import redis
from django.conf import settings

from executor.open_streams import PREFIX


def counted() -> int:
    client = redis.Redis.from_url(settings.REDIS_URL)
    return sum(client.zcard(name) for name in client.scan_iter(f"{PREFIX}caller:*"))


async def until_counted(number: int) -> None:
    async with asyncio.timeout(30):
        while await asyncio.to_thread(counted) != number:
            await asyncio.sleep(0.02)
            # The test's client keeps what it has answered in cycles.
            gc.collect()
