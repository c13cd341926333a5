"""A worker process: takes queued executions as long as it has room, and runs them on one loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from django.conf import settings

from designs.runtime.background import forever
from designs.runtime.loops import close_loop
from designs.runtime.processes import PerProcess
from executor.engine.context import Outcome
from executor.following.sending import notify_workers
from executor.models import Execution
from executor.running.carrier import Carrier, is_limited, process_carrier
from executor.running.claims import Claim, Take, Taken, Taker
from executor.running.fairness import Room

logger = logging.getLogger(__name__)

CLOSE_LOOP_SECONDS = 5.0


class Intake:
    """Fills the free slots of a carrier from the queue; for any thread. One look at a time."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        # Called when the last slot is taken, and when there is one again.
        self.on_room: list[Callable[[], None]] = []
        self._taker = Taker(
            owner=carrier.name, lease_seconds=carrier.lease_seconds, carried=self._known
        )
        # What was taken and is about to begin on the loop, which may be late.
        self._coming: set[uuid.UUID] = set()
        self._lock = threading.Lock()
        self._is_asked = False
        self._looks = False
        self._was_full = False
        # Whether the queue may hold something that could not be taken so far.
        self._is_left = True
        carrier.on_end.append(self._ended)

    def look(self) -> None:
        """Take what there is room for, soon."""
        with self._lock:
            self._is_asked = True
            if self._looks:
                return
            self._looks = True
        self._go_on()

    @property
    def is_full(self) -> bool:
        return self.carrier.slots.is_full

    def _go_on(self) -> None:
        """Begin the next look, or rest until somebody asks."""
        with self._lock:
            reserved = 0
            if self._is_asked and not self.carrier.is_draining:
                reserved = self.carrier.slots.reserve()
                self._is_left = self._is_left or not reserved
            self._is_asked = False
            self._looks = reserved > 0
        if not reserved:
            if self.carrier.is_draining:
                # Whatever rang: it is for another worker.
                notify_workers()
            return
        self.carrier.expect()
        slots = self.carrier.slots
        take = Take(self._taker, Room(reserved, slots.held(), slots.share))
        try:
            future = self.carrier.writer.submit(take)
        except Exception as error:  # noqa: BLE001 - it is tried again within a second
            self._failed(reserved, error)
            return
        future.add_done_callback(lambda done: self._taken(reserved, done))

    def _taken(self, reserved: int, done: Future[Taken]) -> None:
        """Called by the writer once it is committed: from here on what was taken is carried."""
        try:
            taken = done.result()
        except Exception as error:  # noqa: BLE001 - it is tried again within a second
            self._failed(reserved, error)
            return
        found = taken.executions
        self.carrier.slots.settle(reserved, [str(one.caller_key or "") for one in found])
        with self._lock:
            self._coming.update(one.pk for one in found)
        process_loop().call_soon_threadsafe(self._begin, found)
        if found and taken.is_short:
            notify_workers()
        with self._lock:
            self._is_left = taken.is_left
            self._is_asked = self._is_asked or bool(found and taken.is_left)
        self._tell_room()
        self._go_on()

    def _failed(self, reserved: int, error: Exception) -> None:
        logger.warning("Nothing could be taken from the queue: %s", error)
        self.carrier.slots.settle(reserved, [])
        self.carrier.has_come()
        with self._lock:
            self._is_left, self._looks = True, False

    def _begin(self, executions: Sequence[Execution]) -> None:
        try:
            for execution in executions:
                self.carrier.start(execution)
        finally:
            with self._lock:
                self._coming.difference_update(one.pk for one in executions)
            self.carrier.has_come()

    def _known(self) -> set[uuid.UUID]:
        """What this process carries, or is about to: not to be begun once more."""
        with self._lock:
            return {*self._coming, *self.carrier.carried()}

    def _ended(self, execution: Execution) -> None:
        """A slot is free, and perhaps room in a limit."""
        self._tell_room()
        if self._is_left or is_limited(execution):
            self.look()

    def _tell_room(self) -> None:
        with self._lock:
            is_full = self.is_full
            has_changed, self._was_full = is_full != self._was_full, is_full
        for listener in self.on_room if has_changed else ():
            listener()


def take_work() -> None:
    """Take what this worker has room for."""
    process_intake().look()


def perform_execution(pk: uuid.UUID | str) -> Future[Outcome | None] | None:
    """Claim this one execution, whatever its turn, and start it on the process's loop; None if
    there is nothing to do, or no room.

    The future ends with the run.
    """
    carrier = worker_carrier()
    slots = carrier.slots
    if carrier.is_draining or not slots.reserve(1):
        return None
    carrier.expect()
    execution = None
    try:
        claim = Claim(uuid.UUID(str(pk)), owner=carrier.name, lease_seconds=carrier.lease_seconds)
        # Not given up: what is claimed is carried. The writer itself gives up after a while.
        execution = carrier.writer.submit(claim).result()
    finally:
        slots.settle(1, [str(execution.caller_key or "")] if execution else [])
        if execution is None:
            carrier.has_come()
    if execution is None:
        return None
    return asyncio.run_coroutine_threadsafe(_carry(carrier, execution), process_loop())


async def _carry(carrier: Carrier, execution: Execution) -> Outcome | None:
    try:
        task = carrier.start(execution)
    finally:
        carrier.has_come()
    return await task


def worker_carrier() -> Carrier:
    """The carrier of this worker process."""
    return process_carrier(slots=settings.ENVIRONMENT.concurrency)


def _make_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    forever("executions", loop.run_forever, keeps_connection=True)
    return loop


_loops = PerProcess(_make_loop)
# The one event loop of this process, in a daemon thread; model clients live and die with it.
process_loop = _loops.get
process_intake = PerProcess(lambda: Intake(worker_carrier())).get


def end_process_loop() -> None:
    """Close what the loop of this process keeps, once no more runs are on it."""
    loop = _loops.existing()
    if loop is not None:
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(close_loop(), loop).result(CLOSE_LOOP_SECONDS)
