"""When a worker fetches messages: at once when a thread is free, and none of work while it is full.

Without prefetching, celery looks for free threads only when its event loop wakes up for another
reason: eight threads that work for a millisecond each then take some thirty messages a second.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

from celery import bootsteps, signals

from executor.following.sending import allow_next_notification

# The signal comes just before the task is taken off the list of those under way.
SETTLE_SECONDS = 0.002
# A worker that takes its next run by itself is full again by then.
ROOM_SECONDS = 0.1
QUEUE = "executions"


class Bell:
    """Calls a function on the thread of celery's loop, from any other thread."""

    def __init__(self) -> None:
        self.heard, self.bell = os.pipe()
        for end in (self.heard, self.bell):
            os.set_blocking(end, False)

    def ring(self, **_: Any) -> None:
        # A full pipe has woken it already.
        with contextlib.suppress(BlockingIOError):
            os.write(self.bell, b".")

    def listen(self, hub: Any, work: Callable[[], None]) -> None:
        hub.add_reader(self.heard, self._hear, work)

    def _hear(self, work: Callable[[], None]) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.heard, 4096)
        work()


class FetchAtOnce(bootsteps.StartStopStep):  # type: ignore[misc]
    """Wakes the loop after each task; a step of the consumer, because a new connection to the
    broker is a new loop.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.bell = Bell()
        signals.task_postrun.connect(self.bell.ring, weak=False)

    def start(self, parent: Any) -> None:
        hub = parent.hub
        if hub is not None:
            self.bell.listen(hub, lambda: hub.call_later(SETTLE_SECONDS, _look_again))


def _look_again() -> None:
    """Each turn of the loop looks whether there is room for a message."""


class ConsumeWithRoom(bootsteps.StartStopStep):  # type: ignore[misc]
    """Stops consuming the queue of work while every slot is taken, so that another worker gets
    the message; a full worker looks by itself once it has room.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.bell = Bell()
        self._intake: Any = None

    def start(self, parent: Any) -> None:
        """With every new connection, which consumes what was not deselected."""
        if parent.hub is None or not (self._intake or takes_work(parent.app)):
            return
        if self._intake is None:
            from executor.running.worker import process_intake

            self._intake = process_intake()
            self._intake.on_room.append(self.bell.ring)
        self.bell.listen(parent.hub, lambda: self._adjust(parent))
        self._adjust(parent)

    def _adjust(self, parent: Any) -> None:
        if self._intake.is_full:
            self._stop_consuming(parent)
        else:
            parent.hub.call_later(ROOM_SECONDS, self._resume, parent)

    def _stop_consuming(self, parent: Any) -> None:
        # A message that is on its way goes back to the queue.
        consumer = parent.task_consumer
        if consumer is not None and consumer.consuming_from(QUEUE):
            parent.app.amqp.queues.deselect(QUEUE)
            consumer.cancel_by_queue(QUEUE)

    def _resume(self, parent: Any) -> None:
        consumer, queues = parent.task_consumer, parent.app.amqp.queues
        if consumer is None or self._intake.is_full or consumer.consuming_from(QUEUE):
            return
        consumer.add_queue(queues.select_add(queues[QUEUE]))
        consumer.consume()
        # The message that came meanwhile may have expired.
        allow_next_notification()
        self._intake.look()


def takes_work(app: Any) -> bool:
    """Whether a worker runs executions: its -Q has their queue, or names none."""
    return QUEUE in app.amqp.queues.consume_from
