"""Slots for runs in a process, of which one caller may hold a share."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping


class Slots:
    """Counts the runs of each caller in this process; for any thread.

    `share` is the part of all slots, 0 to 1, that one caller may hold, at least one slot.
    """

    def __init__(self, total: int, share: float = 1.0) -> None:
        self.total = total
        self.share = max(1, math.ceil(total * share))
        self._held: Counter[str] = Counter()
        self._reserved = 0
        self._changed = threading.Condition()

    def take(self, caller_key: str, *, timeout: float = 0.0, stop: Callable[[], bool]) -> bool:
        """Take one slot for this caller, waiting up to `timeout` seconds or until `stop` is true.

        False if all are taken, or the caller holds its share.
        """
        end = time.monotonic() + timeout
        with self._changed:
            while not stop():
                if self._free() > 0 and self._held[caller_key] < self.share:
                    self._held[caller_key] += 1
                    return True
                left = end - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
        return False

    def free(self, caller_key: str) -> None:
        with self._changed:
            self._held[caller_key] -= 1
            if not self._held[caller_key]:
                del self._held[caller_key]
            self._changed.notify_all()

    def reserve(self, most: int | None = None) -> int:
        """Reserve the free slots (up to `most`) for runs that are not known yet, and return their
        number. `settle` assigns them.
        """
        with self._changed:
            free = max(0, self._free())
            number = free if most is None else min(free, most)
            self._reserved += number
            return number

    def settle(self, reserved: int, callers: list[str]) -> None:
        """Of the reserved slots these callers get one each; the others are free again."""
        with self._changed:
            self._reserved -= reserved
            self._held.update(callers)
            self._changed.notify_all()

    def held(self) -> Mapping[str, int]:
        with self._changed:
            return dict(self._held)

    @property
    def is_full(self) -> bool:
        with self._changed:
            return self._held.total() >= self.total

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _free(self) -> int:
        return self.total - self._held.total() - self._reserved
