"""Redis clients, with their timeouts and retries.

TCP keep-alive is the library's default. Its health checks are off, because each costs a round trip:
a command on a dead connection times out and is retried on a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry


@dataclass(frozen=True, slots=True)
class RedisUse:
    """How long one answer may take, and how often a failed command is sent again: at once, or after
    growing pauses of at most `max_pause_seconds`.
    """

    timeout_seconds: float
    retries: int = 1
    max_pause_seconds: float = 0.0

    @property
    def options(self) -> dict[str, Any]:
        return {
            "socket_timeout": self.timeout_seconds,
            "socket_connect_timeout": self.timeout_seconds,
        }

    @property
    def try_seconds(self) -> float:
        """How long a command may take that has to connect again."""
        return 3 * self.timeout_seconds


# The retry is for a connection that a restart of Redis has closed.
QUICK = RedisUse(2.0)
# For event loops under load: they read an answer late, which is no failure of Redis.
PATIENT = RedisUse(5.0)
# For a thread that nobody waits for: a command outlives a restart of Redis.
PUBLISHER = RedisUse(2.0, retries=10, max_pause_seconds=1.0)
# A subscriber must notice each lost connection: it subscribes again, and reads what it missed.
SUBSCRIBER = RedisUse(2.0, retries=0)


def redis_client(use: RedisUse, url: str | None = None) -> redis.Redis:
    """A client for any thread; by default of the installation's Redis."""
    longest = use.max_pause_seconds
    backoff = ExponentialWithJitterBackoff(base=0.01, cap=longest) if longest else NoBackoff()
    retry = Retry(backoff, use.retries)
    return redis.Redis.from_url(url or settings.REDIS_URL, retry=retry, **use.options)


def async_redis_client(use: RedisUse, *, max_connections: int | None = None) -> redis.asyncio.Redis:
    """A client for the running event loop. With `max_connections` commands wait for a free one."""
    url, retry = settings.REDIS_URL, AsyncRetry(NoBackoff(), use.retries)
    if max_connections is None:
        return redis.asyncio.Redis.from_url(url, retry=retry, **use.options)
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=use.timeout_seconds,
        retry=retry,
        **use.options,
    )
    return redis.asyncio.Redis.from_pool(pool)
