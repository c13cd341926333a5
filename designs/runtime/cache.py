"""Values and names with a TTL, so that most calls need no database."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# After this part of its time to live a value in use is refreshed in the background, so that no
# caller waits for the read.
REFRESH_AFTER = 0.7


@dataclass(slots=True)
class CacheEntry(Generic[V]):
    """A cached value; its times are of the monotonic clock, in seconds."""

    value: V
    refresh_at: float
    expires_at: float

    def take_refresh(self) -> bool:
        """True for exactly one caller once a refresh is due: that caller starts it."""
        if time.monotonic() < self.refresh_at:
            return False
        self.refresh_at = self.expires_at
        return True


class TimedCache(Generic[K, V]):
    """Values by key, each for at most `seconds`. A full cache (`max_entries`) is cleared."""

    def __init__(self, *, seconds: float, max_entries: int) -> None:
        self.seconds, self._max_entries = seconds, max_entries
        self._entries: dict[K, CacheEntry[V]] = {}
        self._generation = 0

    def get(self, key: K) -> CacheEntry[V] | None:
        """The entry, or None if the value must be read."""
        entry = self._entries.get(key)
        return entry if entry is not None and time.monotonic() < entry.expires_at else None

    def generation(self) -> int:
        """Get this before reading a value, and pass it to `put`: a value read before the cache was
        cleared may be stale, and is not cached.
        """
        return self._generation

    def put(self, key: K, value: V, generation: int, seconds: float | None = None) -> None:
        """Cache the value, for fewer `seconds` than usual if given."""
        if generation != self._generation:
            return
        if len(self._entries) >= self._max_entries:
            self._entries.clear()
        seconds = self.seconds if seconds is None else min(seconds, self.seconds)
        now = time.monotonic()
        self._entries[key] = CacheEntry(value, now + seconds * REFRESH_AFTER, now + seconds)

    def clear(self) -> None:
        """Drop all values, and those being read at the moment."""
        self._generation += 1
        self._entries.clear()


class ExpiringSet(Generic[K]):
    """Names, each for `seconds`; beyond `max_entries` the oldest are dropped."""

    def __init__(self, *, seconds: float, max_entries: int) -> None:
        self._seconds, self._max_entries = seconds, max_entries
        self._expires_at: OrderedDict[K, float] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        return self._expires_at.get(key, 0.0) > time.monotonic()

    def add(self, key: K) -> None:
        self._expires_at[key] = time.monotonic() + self._seconds
        self._expires_at.move_to_end(key)
        while len(self._expires_at) > self._max_entries:
            self._expires_at.popitem(last=False)

    def discard(self, key: K) -> None:
        self._expires_at.pop(key, None)


class TextCache(Generic[K]):
    """Texts that never change, by key; the ones that were not used for longest are dropped."""

    def __init__(self, *, max_characters: int) -> None:
        self._texts: OrderedDict[K, str] = OrderedDict()
        self._left = max_characters
        self._lock = threading.Lock()

    def get(self, key: K) -> str | None:
        with self._lock:
            text = self._texts.get(key)
            if text is not None:
                self._texts.move_to_end(key)
            return text

    def put(self, key: K, text: str) -> None:
        with self._lock:
            self._left += len(self._texts.pop(key, "")) - len(text)
            self._texts[key] = text
            while self._left < 0:
                self._left += len(self._texts.popitem(last=False)[1])
