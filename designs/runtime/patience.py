"""Whether a server that may hang is asked at this moment."""

from __future__ import annotations

import threading
import time


class Patience:
    """After a failure nobody asks for `rest_seconds`, so that nobody waits; then one at a time
    tries, while the others still go on without, until an answer comes. For any thread.

    A try that tells of no end counts as failed after `try_seconds`.
    """

    def __init__(self, *, rest_seconds: float, try_seconds: float) -> None:
        self.rest_seconds = rest_seconds
        self.try_seconds = try_seconds
        self._lock = threading.Lock()
        # When it may be tried again; None while all goes well.
        self._try_at: float | None = None

    def asks(self) -> bool:
        """Whether the caller is to ask; `answered` or `failed` follows."""
        if self._try_at is None:
            return True
        with self._lock:
            now = time.monotonic()
            if self._try_at is not None and now < self._try_at:
                return False
            if self._try_at is not None:
                self._try_at = now + self.try_seconds
            return True

    def answered(self) -> None:
        self._try_at = None

    def failed(self) -> None:
        self._try_at = time.monotonic() + self.rest_seconds
