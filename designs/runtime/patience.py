"""When to ask a server that may hang, and when to log that it failed."""

from __future__ import annotations

import logging
import threading
import time

WARN_EVERY_SECONDS = 60.0


class RareWarning:
    """A warning about a failure that may repeat many times a second: logged once a minute."""

    def __init__(self, logger: logging.Logger, text: str) -> None:
        """The text has one `%s`, for the error."""
        self._logger, self._text = logger, text
        self._next_at = float("-inf")

    def log(self, error: Exception) -> None:
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + WARN_EVERY_SECONDS
            self._logger.warning(self._text, error)


class Patience:
    """After a failure no caller asks for `rest_seconds`; then one at a time tries, while the others
    do without, until an answer comes. For any thread.

    A try that reports neither answer nor failure counts as failed after `try_seconds`.
    """

    def __init__(
        self, *, try_seconds: float, warning: RareWarning, rest_seconds: float = 5.0
    ) -> None:
        self.rest_seconds = rest_seconds
        self.try_seconds = try_seconds
        self._warning = warning
        self._lock = threading.Lock()
        # The time of the next try; None while the server answers.
        self._try_at: float | None = None

    def asks(self) -> bool:
        """True if the caller should ask; it then reports `answered` or `failed`."""
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

    def failed(self, error: Exception) -> None:
        self._try_at = time.monotonic() + self.rest_seconds
        self._warning.log(error)
