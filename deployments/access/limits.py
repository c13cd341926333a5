"""How many requests a deployment, key or person may have: counted in Redis, in one round trip."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import redis
from django.conf import settings

from deployments.errors import RateLimitReached
from designs.access import Caller
from designs.runtime.loops import PerLoop
from designs.runtime.patience import Patience, RareWarning
from designs.runtime.redis_clients import PATIENT, async_redis_client, redis_client

logger = logging.getLogger(__name__)

MINUTE, DAY = 60, 86_400
PREFIX = "orchestra:limit:"
# More connections of one process would only wait for each other.
MAX_CONNECTIONS = 8

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


# What was counted until now, by the same keys and arguments.
READ_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local used = {}
for i, key in ipairs(KEYS) do
  if ARGV[2 * i] == '60' then
    local count = redis.call('LLEN', key)
    while count > 0 and tonumber(redis.call('LINDEX', key, count - 1)) <= now - 60000 do
      count = count - 1
    end
    used[i] = count
  else
    used[i] = tonumber(redis.call('GET', key .. ':' .. math.floor(now / 86400000)) or '0')
  end
end
return used
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
        """For a sentence: "the limit of this …"."""
        name = self.policy.partition("-")[0]
        return "key's maker" if name.startswith("maker") else name

    @property
    def in_words(self) -> str:
        window = "in a minute" if self.seconds == MINUTE else "a day"
        return f"{self.most:,} request{'s' * (self.most != 1)} {window}"


def limits_of(who: str, pk: Any, per_minute: int | None, per_day: int | None) -> list[Limit]:
    """The limits of one deployment, key or person; `who` begins their names in headers."""
    windows = ((per_minute, "minute", MINUTE), (per_day, "day", DAY))
    return [
        Limit(f"{who}-{name}", f"{PREFIX}{who}:{pk}:{name}", most, seconds)
        for most, name, seconds in windows
        if most is not None
    ]


def limits_of_caller(caller: Caller) -> list[Limit]:
    """The key's own limits, or those of every person."""
    if caller.key_id is not None:
        own = limits_of("key", caller.key_id, caller.requests_per_minute, caller.requests_per_day)
        # All keys of one family count for the keys that they come from, too.
        return own + [
            replace(limit, policy=f"maker{number}-{limit.policy.partition('-')[2]}")
            for number, maker in enumerate(caller.makers, 1)
            for limit in limits_of(
                "key", maker.id, maker.requests_per_minute, maker.requests_per_day
            )
        ]
    if caller.user_id is None:
        return []
    environment = settings.ENVIRONMENT
    return limits_of(
        "person",
        caller.user_id,
        environment.person_requests_per_minute or None,
        environment.person_requests_per_day or None,
    )


def count_request(limits: Sequence[Limit]) -> dict[str, str]:
    """Count a request against the limits; returns headers that say how much is left. Raises
    RateLimitReached, and then nothing was counted. Without Redis everything is let through.
    """
    if not limits or not patience.asks():
        return {}
    try:
        answer = _script()(*_arguments(limits))
    except (redis.RedisError, OSError) as error:
        patience.failed(error)
        return {}
    patience.answered()
    return _judged(limits, answer)


async def count_request_async(limits: Sequence[Limit]) -> dict[str, str]:
    if not limits or not patience.asks():
        return {}
    try:
        answer = await _async_script.get()(*_arguments(limits))
    except (redis.RedisError, OSError) as error:
        patience.failed(error)
        return {}
    patience.answered()
    return _judged(limits, answer)


def used_now(limits: Sequence[Limit]) -> dict[str, int]:
    """How many requests each limit has counted in its minute or day, by policy; counts none itself.
    Empty without Redis.
    """
    if not limits or not patience.asks():
        return {}
    try:
        left = _read_script()(*_arguments(limits))
    except (redis.RedisError, OSError) as error:
        patience.failed(error)
        return {}
    patience.answered()
    return {limit.policy: used for limit, used in zip(limits, left, strict=True)}


def _arguments(limits: Sequence[Limit]) -> tuple[list[str], list[int]]:
    numbers = [number for limit in limits for number in (limit.most, limit.seconds)]
    return [limit.counter for limit in limits], numbers


def _judged(limits: Sequence[Limit], answer: Sequence[int]) -> dict[str, str]:
    """The headers of the IETF's draft for rate limits (fields RateLimit and RateLimit-Policy)."""
    waits = [max(1, -(-wait // 1000)) for wait in answer[2::2]]
    counts = list(zip(limits, answer[1::2], waits, strict=True))
    headers = {
        "RateLimit-Policy": ", ".join(f'"{n.policy}";q={n.most};w={n.seconds}' for n in limits),
        "RateLimit": ", ".join(f'"{n.policy}";r={left};t={wait}' for n, left, wait in counts),
    }
    if answer[0]:
        return headers
    full = [(limit, wait) for limit, left, wait in counts if not left]
    seconds = str(max(wait for _, wait in full))
    words = " and ".join(f"{n.owner} ({n.in_words})" for n, _ in full)
    raise RateLimitReached(
        f"The limit of this {words} is reached. Try again in {seconds} seconds.",
        [limit.policy for limit, _ in full],
        {**headers, "Retry-After": seconds},
    )


# --- Redis ----------------------------------------------------------------------------------------

# Limits protect; they are no reason to be away together with Redis.
patience = Patience(
    try_seconds=PATIENT.try_seconds,
    warning=RareWarning(logger, "Requests cannot be counted (%s): limits are not kept for now."),
)


@functools.cache
def _script() -> Any:
    return redis_client(PATIENT).register_script(SCRIPT)


@functools.cache
def _read_script() -> Any:
    return redis_client(PATIENT).register_script(READ_SCRIPT)


_async_script: PerLoop[Any] = PerLoop(
    lambda: async_redis_client(PATIENT, max_connections=MAX_CONNECTIONS).register_script(SCRIPT),
    lambda script: script.registered_client.aclose(),
)
