"""Kinds of processes that are alive, by a cache key that each of them renews."""

from __future__ import annotations

import logging
import time

import redis
from django.core.cache import cache

from designs.runtime.background import forever

logger = logging.getLogger(__name__)

RENEW_SECONDS = 5.0
SEEN_SECONDS = 20.0


def note(kind: str) -> None:
    """Record that a process of this kind is alive. Never raises."""
    try:
        cache.set(f"presence:{kind}", time.time(), timeout=300)
    except (redis.RedisError, OSError) as error:
        logger.debug("Presence could not be recorded: %s", error)


def is_alive(kind: str) -> bool:
    """True if a process of this kind was seen lately. False too without the cache."""
    try:
        at = cache.get(f"presence:{kind}")
    except (redis.RedisError, OSError):
        return False
    return at is not None and time.time() - at < SEEN_SECONDS


def start_noting(kind: str) -> None:
    forever(f"presence {kind}", lambda: note(kind), pause=lambda: RENEW_SECONDS)
