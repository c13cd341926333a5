"""When a failed model call is tried again, and after how long."""

from __future__ import annotations

from executor.engine.context import Timing
from executor.engine.llm.base import ErrorKind, ModelError

FIRST_WAIT_SECONDS = 0.5
MAX_WAIT_SECONDS = 30.0
MAX_TRIES = 5
# Waiting as long as a server asks costs no try; without a deadline it ends after this long.
MAX_RATE_LIMIT_SECONDS = 600.0
MAX_RATE_LIMIT_WAITS = 60

AGAIN = frozenset({ErrorKind.TRANSIENT, ErrorKind.TIMEOUT})


class Tries:
    """Counts the failed tries of one call at one model.

    `retries` are those the block allows, at most `MAX_TRIES - 1` are made. A rate limit whose
    server says how long to wait is waited for without counting, unless another model stands in
    (`has_fallback`). Nobody is waited for longer than 10 minutes, or 30 seconds where another model
    stands in. An answer that does not fit its schema is corrected once, and what only
    streaming broke is asked again as a whole, once. Everything else is final: the same request
    fails again.

    A breaker belongs around the model itself, so that its refusals come here as UNAVAILABLE.
    """

    __slots__ = (
        "_corrected",
        "_failed",
        "_has_fallback",
        "_limited",
        "_retries",
        "_timing",
        "_waited",
        "_was_whole",
    )

    def __init__(self, retries: int, timing: Timing, *, has_fallback: bool = False) -> None:
        self._retries = min(retries, MAX_TRIES - 1)
        self._timing = timing
        self._has_fallback = has_fallback
        self._failed = 0
        self._limited = 0
        self._waited = 0.0
        self._corrected = False
        self._was_whole = False

    def wait_after(self, error: ModelError, seconds_left: float | None) -> float | None:
        """Seconds to wait before the next try, or None if there is none.

        `seconds_left` is the time to the nearest deadline (None: none); no wait ends after it.
        """
        if error.only_streaming and not self._was_whole:
            self._was_whole = True
            return 0.0
        if error.kind is ErrorKind.CONTENT:
            again, self._corrected = not self._corrected, True
            return 0.0 if again else None
        is_told = error.kind is ErrorKind.RATE_LIMIT and bool(error.retry_after)
        if is_told and not self._has_fallback:
            wait = self._wait_for_limit(error)
        elif error.kind in AGAIN or error.kind is ErrorKind.RATE_LIMIT:
            wait = self._wait_for_try(error)
        else:
            return None
        if wait is None or (seconds_left is not None and wait >= seconds_left):
            return None
        return wait

    def _wait_for_try(self, error: ModelError) -> float | None:
        told = error.retry_after or 0.0
        most = MAX_WAIT_SECONDS if self._has_fallback else MAX_RATE_LIMIT_SECONDS
        if self._failed >= self._retries or told > most:
            return None
        wait = max(told, self._backoff(self._failed))
        self._failed += 1
        return wait

    def _wait_for_limit(self, error: ModelError) -> float | None:
        wait = max(error.retry_after or 0.0, self._backoff(self._limited))
        self._limited += 1
        self._waited += wait
        if self._limited > MAX_RATE_LIMIT_WAITS or self._waited > MAX_RATE_LIMIT_SECONDS:
            return None
        return wait

    def _backoff(self, count: int) -> float:
        """Full jitter: callers that failed together do not come back together."""
        return self._timing.random() * min(MAX_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0**count)
