"""When a worker fetches messages: as soon as a thread is free, and no work while it is full.

Without prefetching, Celery looks for free threads only when its event loop wakes up for another
reason. `python -m benchmarks.fetching` on two cores that did other work too: 22 to 44 settlings a
second with `FetchAtOnce`, 10 to 17 without. Starts of runs gain nothing, as workers claim rows.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

from celery import bootsteps, signals

from executor.following.sending import allow_next_notification

# The signal is sent just before the task leaves the list of active ones.
SETTLE_SECONDS = 0.002
# A worker that claims its next run itself is full again by then.
ROOM_SECONDS = 0.1
QUEUE = "executions"


class Waker:
    """Calls a function on the thread of Celery's event loop, from any other thread."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        for end in (self.read_end, self.write_end):
            os.set_blocking(end, False)

    def wake(self, **_: Any) -> None:
        # A full pipe has woken it already.
        with contextlib.suppress(BlockingIOError):
            os.write(self.write_end, b".")

    def listen(self, hub: Any, work: Callable[[], None]) -> None:
        hub.add_reader(self.read_end, self._woken, work)

    def _woken(self, work: Callable[[], None]) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.read_end, 4096)
        work()


class FetchAtOnce(bootsteps.StartStopStep):  # type: ignore[misc]
    """Wakes the loop after each task. A step of the consumer, because each connection to the broker
    has its own loop.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.waker = Waker()
        signals.task_postrun.connect(self.waker.wake, weak=False)

    def start(self, parent: Any) -> None:
        hub = parent.hub
        if hub is not None:
            # An empty call: each turn of the loop looks for room anyway.
            self.waker.listen(hub, lambda: hub.call_later(SETTLE_SECONDS, lambda: None))


class ConsumeWithRoom(bootsteps.StartStopStep):  # type: ignore[misc]
    """Stops consuming the queue of work while every slot is taken, so that another worker gets
    the message. A full worker polls the database once it has room.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.waker = Waker()
        self._intake: Any = None

    def start(self, parent: Any) -> None:
        """Called for every new connection, which consumes all queues that are not deselected."""
        if parent.hub is None or not (self._intake or takes_work(parent.app)):
            return
        if self._intake is None:
            from executor.running.worker import process_intake

            self._intake = process_intake()
            self._intake.on_room.append(self.waker.wake)
        self.waker.listen(parent.hub, lambda: self._adjust(parent))
        self._adjust(parent)

    def _adjust(self, parent: Any) -> None:
        consumer = parent.task_consumer
        if not self._intake.is_full:
            parent.hub.call_later(ROOM_SECONDS, self._resume, parent)
        elif consumer is not None and consumer.consuming_from(QUEUE):
            # A message that is being delivered goes back to the queue.
            parent.app.amqp.queues.deselect(QUEUE)
            consumer.cancel_by_queue(QUEUE)

    def _resume(self, parent: Any) -> None:
        consumer, queues = parent.task_consumer, parent.app.amqp.queues
        if consumer is None or self._intake.is_full or consumer.consuming_from(QUEUE):
            return
        consumer.add_queue(queues.select_add(queues[QUEUE]))
        consumer.consume()
        # A message that was sent meanwhile may have expired.
        allow_next_notification()
        self._intake.look()


def takes_work(app: Any) -> bool:
    """True if a worker runs executions: its -Q names their queue, or no queue."""
    return QUEUE in app.amqp.queues.consume_from
