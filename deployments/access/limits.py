"""How many requests a deployment, key or person may have: counted in Redis, in one round trip."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from deployments.errors import RateLimitReached
from designs.access import Caller
from designs.runtime.loops import PerLoop
from designs.runtime.patience import Patience

logger = logging.getLogger(__name__)

MINUTE, DAY = 60, 86_400
PREFIX = "orchestra:limit:"
# A Redis that hangs must not hold up every call: after a failure none waits for it for this long,
# and then one at a time.
REST_SECONDS = 5.0
# Under load an event loop comes back to an answer late; that is no failure of Redis.
SOCKET_SECONDS = 5.0
# More connections of one process would only wait for each other.
MAX_CONNECTIONS = 8
COMPLAIN_EVERY_SECONDS = 60.0

# Keys are the limits' counters; arguments the limit and the window of each. Judged together and
# counted together: a request that one limit refuses uses up none of the others. The minute slides
# (the list holds the time of each request in it); the day is the one of UTC. For each limit comes
# back what is left, and in how many milliseconds the next request (minute) or day begins.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local day = math.floor(now / 86400000)
local left, wait, open = {}, {}, true
for i, key in ipairs(KEYS) do
  local most = tonumber(ARGV[2 * i - 1])
  if ARGV[2 * i] == '60' then
    local oldest = redis.call('LINDEX', key, -1)
    while oldest and tonumber(oldest) <= now - 60000 do
      redis.call('RPOP', key)
      oldest = redis.call('LINDEX', key, -1)
    end
    left[i] = most - redis.call('LLEN', key)
    wait[i] = oldest and tonumber(oldest) + 60000 - now or 60000
  else
    left[i] = most - tonumber(redis.call('GET', key .. ':' .. day) or '0')
    wait[i] = (day + 1) * 86400000 - now
  end
  if left[i] < 1 then open = false end
end
local answer = {open and 1 or 0}
for i, key in ipairs(KEYS) do
  if open then
    left[i] = left[i] - 1
    if ARGV[2 * i] == '60' then
      redis.call('LPUSH', key, now)
      redis.call('PEXPIRE', key, 60000)
    else
      redis.call('INCR', key .. ':' .. day)
      redis.call('PEXPIRE', key .. ':' .. day, wait[i])
    end
  end
  answer[2 * i] = math.max(left[i], 0)
  answer[2 * i + 1] = wait[i]
end
return answer
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` requests in `seconds`; `policy` names it to callers, `counter` in Redis."""

    policy: str
    counter: str
    most: int
    seconds: int

    @property
    def owner(self) -> str:
        """Whose limit it is, for a sentence with "this"."""
        name = self.policy.partition("-")[0]
        return "key's maker" if name.startswith("maker") else name

    @property
    def in_words(self) -> str:
        window = "in a minute" if self.seconds == MINUTE else "a day"
        return f"{self.most:,} request{'s' * (self.most != 1)} {window}"


def limits_of(who: str, pk: Any, per_minute: int | None, per_day: int | None) -> list[Limit]:
    """The limits of one deployment, key or person; `who` is what callers read: `key-minute`."""
    found = ((per_minute, "minute", MINUTE), (per_day, "day", DAY))
    return [
        Limit(f"{who}-{name}", f"{PREFIX}{who}:{pk}:{name}", most, seconds)
        for most, name, seconds in found
        if most is not None
    ]


def limits_of_caller(caller: Caller) -> list[Limit]:
    """The key's own limits, or those that every person has."""
    if caller.key_id is not None:
        own = limits_of("key", caller.key_id, caller.requests_per_minute, caller.requests_per_day)
        return own + _limits_of_makers(caller)
    if caller.user_id is None:
        return []
    told = settings.ENVIRONMENT
    return limits_of(
        "person",
        caller.user_id,
        told.person_requests_per_minute or None,
        told.person_requests_per_day or None,
    )


def _limits_of_makers(caller: Caller) -> list[Limit]:
    """Those of the keys that this one comes from: all keys of one family count together."""
    return [
        replace(limit, policy=f"maker{number}-{limit.policy.partition('-')[2]}")
        for number, maker in enumerate(caller.makers, 1)
        for limit in limits_of("key", maker.id, maker.requests_per_minute, maker.requests_per_day)
    ]


def count_request(limits: Sequence[Limit]) -> dict[str, str]:
    """Count a request against the limits: the headers that say how much is left.

    Raises RateLimitReached, and then nothing was counted. Without Redis everything is let through.
    """
    if not limits or not patience.asks():
        return {}
    try:
        answer = _script()(*_arguments(limits))
    except (redis.RedisError, OSError) as error:
        return _let_through(error)
    patience.answered()
    return _judged(limits, answer)


async def count_request_async(limits: Sequence[Limit]) -> dict[str, str]:
    """`count_request` from an event loop."""
    if not limits or not patience.asks():
        return {}
    try:
        answer = await _async_script.get()(*_arguments(limits))
    except (redis.RedisError, OSError) as error:
        return _let_through(error)
    patience.answered()
    return _judged(limits, answer)


def _arguments(limits: Sequence[Limit]) -> tuple[list[str], list[int]]:
    numbers = [number for limit in limits for number in (limit.most, limit.seconds)]
    return [limit.counter for limit in limits], numbers


def _judged(limits: Sequence[Limit], answer: Sequence[int]) -> dict[str, str]:
    """The headers of the IETF's draft for rate limits (fields RateLimit and RateLimit-Policy)."""
    waits = [max(1, -(-wait // 1000)) for wait in answer[2::2]]
    found = list(zip(limits, answer[1::2], waits, strict=True))
    headers = {
        "RateLimit-Policy": ", ".join(f'"{n.policy}";q={n.most};w={n.seconds}' for n in limits),
        "RateLimit": ", ".join(f'"{n.policy}";r={left};t={wait}' for n, left, wait in found),
    }
    if answer[0]:
        return headers
    full = [(limit, wait) for limit, left, wait in found if not left]
    seconds = str(max(wait for _, wait in full))
    words = " and ".join(f"{n.owner} ({n.in_words})" for n, _ in full)
    raise RateLimitReached(
        f"The limit of this {words} is reached. Try again in {seconds} seconds.",
        [limit.policy for limit, _ in full],
        {**headers, "Retry-After": seconds},
    )


# --- Redis ----------------------------------------------------------------------------------------

_OPTIONS: dict[str, Any] = {
    "socket_timeout": SOCKET_SECONDS,
    "socket_connect_timeout": SOCKET_SECONDS,
}
# A try may connect anew, too.
patience = Patience(rest_seconds=REST_SECONDS, try_seconds=3 * SOCKET_SECONDS)
_complained = -COMPLAIN_EVERY_SECONDS


@functools.cache
def _script() -> Any:
    # One try more, for a connection that a restart of Redis has ended.
    retry = Retry(NoBackoff(), 1)
    client = redis.Redis.from_url(settings.REDIS_URL, retry=retry, **_OPTIONS)
    return client.register_script(SCRIPT)


def _make_async_script() -> Any:
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=MAX_CONNECTIONS,
        timeout=SOCKET_SECONDS,
        retry=AsyncRetry(NoBackoff(), 1),
        **_OPTIONS,
    )
    return redis.asyncio.Redis.from_pool(pool).register_script(SCRIPT)


async def _close_async_script(script: Any) -> None:
    await script.registered_client.aclose()


_async_script = PerLoop(_make_async_script, _close_async_script)


def _let_through(error: Exception) -> dict[str, str]:
    """Limits protect; they are no reason to be away together with Redis."""
    global _complained  # noqa: PLW0603 - one state a process
    patience.failed()
    now = time.monotonic()
    if now - _complained > COMPLAIN_EVERY_SECONDS:
        _complained = now
        logger.warning("Requests cannot be counted (%s): limits are not kept for now.", error)
    return {}
