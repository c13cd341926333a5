"""Keeps for a moment what took many rows to read: the home page refreshes itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import redis
from django.core.cache import cache

logger = logging.getLogger(__name__)

KEPT_SECONDS = 20
# Fewer rows are read as quickly.
MANY = 500


def kept(key: str, kind: type, read: Callable[[], tuple[Any, int]]) -> Any:
    """What is kept under the key, or what `read` returns, with the number of rows that it took."""
    try:
        found = cache.get(key)
        if isinstance(found, kind):
            return found
    except (redis.RedisError, OSError) as error:
        logger.debug("The home page could not be read from the cache: %s", error)
    value, rows = read()
    if rows > MANY:
        try:
            cache.set(key, value, timeout=KEPT_SECONDS)
        except (redis.RedisError, OSError) as error:
            logger.debug("A part of the home page could not be kept: %s", error)
    return value
