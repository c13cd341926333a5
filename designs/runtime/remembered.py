"""Values that a process remembers for a moment, so that most calls need no database."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# After this part of its time a value that is still asked for is read anew beside its use, so that
# nobody waits for the reading.
RENEWED_AFTER = 0.7


@dataclass(slots=True)
class Kept(Generic[V]):
    """A remembered value; `due` and `until` are times of the monotonic clock, in seconds."""

    value: V
    due: float
    until: float

    def take_renewal(self) -> bool:
        """True for one of those who ask when the value should be read anew: that one begins it."""
        if time.monotonic() < self.due:
            return False
        self.due = self.until
        return True


class Remembered(Generic[K, V]):
    """Values by key, each for so many `seconds` at most; beyond `most` values all are forgotten."""

    def __init__(self, *, seconds: float, most: int) -> None:
        self.seconds, self._most = seconds, most
        self._kept: dict[K, Kept[V]] = {}
        self._forgotten = 0

    def find(self, key: K) -> Kept[V] | None:
        """The value, or None if it must be read."""
        kept = self._kept.get(key)
        return kept if kept is not None and time.monotonic() < kept.until else None

    def begin(self) -> int:
        """Asked before a value is read, and given to `keep`: what was forgotten meanwhile may have
        been read before the change.
        """
        return self._forgotten

    def keep(self, key: K, value: V, begun: int, seconds: float | None = None) -> None:
        """Remember it, for fewer `seconds` than usual if they are given."""
        if begun != self._forgotten:
            return
        if len(self._kept) >= self._most:
            self._kept.clear()
        seconds = self.seconds if seconds is None else min(seconds, self.seconds)
        now = time.monotonic()
        self._kept[key] = Kept(value, now + seconds * RENEWED_AFTER, now + seconds)

    def forget(self) -> None:
        """After a change: nothing that was read before it counts any more."""
        self._forgotten += 1
        self._kept.clear()
