"""Lets a worker fetch its next message as soon as a thread is free.

Without prefetching, celery looks for free threads only when its event loop wakes up for another
reason: eight threads that work for a millisecond each then take some thirty messages a second.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from celery import bootsteps, signals

# The signal comes just before the task is taken off the list of those under way.
SETTLE_SECONDS = 0.002


class FetchAtOnce(bootsteps.StartStopStep):  # type: ignore[misc]
    """Wakes the loop after each task; a step of the consumer, because a new connection to the
    broker is a new loop.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.heard, self.bell = os.pipe()
        for end in (self.heard, self.bell):
            os.set_blocking(end, False)
        signals.task_postrun.connect(self._ring, weak=False)

    def start(self, parent: Any) -> None:
        if parent.hub is not None:
            parent.hub.add_reader(self.heard, self._wake, parent.hub)

    def _ring(self, **_: Any) -> None:
        # A full pipe has woken it already.
        with contextlib.suppress(BlockingIOError):
            os.write(self.bell, b".")

    def _wake(self, hub: Any) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.heard, 4096)
        hub.call_later(SETTLE_SECONDS, _look_again)


def _look_again() -> None:
    """Each turn of the loop looks whether there is room for a message."""
