"""Decides whether a failed model call is retried, and after how long."""

from __future__ import annotations

from designs.graph.bounds import MAX_RETRIES
from executor.engine.context import Timing
from executor.engine.llm.base import ErrorKind, ModelError

FIRST_WAIT_SECONDS = 0.5
MAX_WAIT_SECONDS = 30.0
# Waiting as long as a server asks counts as no retry; these bound it where there is no deadline.
MAX_RATE_LIMIT_SECONDS = 600.0
MAX_RATE_LIMIT_WAITS = 60

RETRIED = frozenset({ErrorKind.TRANSIENT, ErrorKind.TIMEOUT})


class Tries:
    """Counts the failed tries of one call at one model.

    The block allows `retries`, of which at most MAX_RETRIES are made. A wait that a rate limit
    asks for is not counted, unless the chain has a next model (`has_fallback`). No wait is longer
    than 10 minutes, or 30 seconds with a fallback. An answer that does not fit its schema is
    corrected once, and a call that failed only because it streamed is repeated once without
    streaming. Everything else is final: the same request would fail again.

    A breaker belongs around the model itself, so that its refusals come here as UNAVAILABLE.
    """

    __slots__ = (
        "_corrected", "_failed", "_has_fallback", "_limited", "_retries", "_timing", "_waited",
        "_was_whole",
    )  # fmt: skip

    def __init__(self, retries: int, timing: Timing, *, has_fallback: bool = False) -> None:
        self._retries = min(retries, MAX_RETRIES)
        self._timing = timing
        self._has_fallback = has_fallback
        self._failed = 0
        self._limited = 0
        self._waited = 0.0
        self._corrected = False
        self._was_whole = False

    def wait_after(self, error: ModelError, seconds_left: float | None) -> float | None:
        """Seconds to wait before the next try; None if there is no next try.

        `seconds_left` is the time to the nearest deadline, or None; no wait ends after it.
        """
        if error.only_streaming and not self._was_whole:
            self._was_whole = True
            return 0.0
        if error.kind is ErrorKind.CONTENT:
            again, self._corrected = not self._corrected, True
            return 0.0 if again else None
        is_rate_limit, retry_after = error.kind is ErrorKind.RATE_LIMIT, error.retry_after or 0.0
        if is_rate_limit and retry_after and not self._has_fallback:
            wait = max(retry_after, self._backoff(self._limited))
            self._limited += 1
            self._waited += wait
            if self._limited > MAX_RATE_LIMIT_WAITS or self._waited > MAX_RATE_LIMIT_SECONDS:
                return None
        elif is_rate_limit or error.kind in RETRIED:
            max_wait = MAX_WAIT_SECONDS if self._has_fallback else MAX_RATE_LIMIT_SECONDS
            if self._failed >= self._retries or retry_after > max_wait:
                return None
            wait = max(retry_after, self._backoff(self._failed))
            self._failed += 1
        else:
            return None
        return None if seconds_left is not None and wait >= seconds_left else wait

    def _backoff(self, count: int) -> float:
        return backoff(self._timing, count)


def backoff(timing: Timing, count: int) -> float:
    """Seconds: exponential, with full jitter so that callers that failed together spread out."""
    return timing.random() * min(MAX_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0**count)
