"""How many open streams are noted where all processes look."""

from __future__ import annotations

import asyncio
import gc

import redis
from django.conf import settings

from executor.following.open_streams import LEASE_SECONDS, PREFIX

# A process that could not reach Redis in time leaves its streams to their leases.
PATIENCE_SECONDS = 60.0 + 2 * LEASE_SECONDS


def counted() -> int:
    """Those whose lease is not over, by Redis's clock."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    seconds, micros = client.time()
    now = seconds * 1000 + micros // 1000
    names = client.scan_iter(f"{PREFIX}caller:*")
    return sum(client.zcount(name, now, "+inf") for name in names)


def forget_earlier() -> None:
    """What streams left behind whose loop ended with its test; their leases would be waited for."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    for name in client.scan_iter(f"{PREFIX}*"):
        client.delete(name)


async def until_counted(number: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await asyncio.to_thread(counted) != number:
            await asyncio.sleep(0.02)
            # The test's client keeps what it has answered in cycles.
            gc.collect()
