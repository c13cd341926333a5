"""One value for each process, such as a thread that all its requests share."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class PerProcess(Generic[P, T]):
    """A value made at its first use, and again in a forked child: threads do not survive a fork."""

    def __init__(self, make: Callable[P, T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        # By process id. A child keeps its parent's value: to destroy an event loop here would
        # take its files from the parent's.
        self._values: dict[int, T] = {}

    def get(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """This process's value; the arguments count at the first use only."""
        pid = os.getpid()
        if pid not in self._values:
            with self._lock:
                if pid not in self._values:
                    self._values[pid] = self._make(*args, **kwargs)
        return self._values[pid]

    def existing(self) -> T | None:
        return self._values.get(os.getpid())
