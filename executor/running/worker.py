"""A worker process: takes queued executions while it has room, and runs them on one loop."""

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
from executor.following.sending import notify_workers
from executor.models import Execution
from executor.running.carrier import Carrier, is_limited, process_carrier
from executor.running.claims import Claimant, ClaimNext, ClaimResult
from executor.running.fairness import Room

logger = logging.getLogger(__name__)

CLOSE_LOOP_SECONDS = 5.0


class Intake:
    """Fills the free slots of a carrier from the queue, one look at a time; for any thread."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        # Called when the last slot is taken, and when one is free again.
        self.on_room: list[Callable[[], None]] = []
        self._claimant = Claimant(
            owner=carrier.name, lease_seconds=carrier.lease_seconds, carried=self._carried
        )
        # Taken, but not yet started on the loop, which may be late.
        self._coming: set[uuid.UUID] = set()
        self._lock = threading.Lock()
        self._is_asked = False
        self._looks = False
        self._was_full = False
        # True if the queue may have executions that could not be taken so far.
        self._is_left = True
        carrier.on_end.append(self._ended)

    def look(self) -> None:
        with self._lock:
            self._is_asked = True
            if self._looks:
                return
            self._looks = True
        self._look_or_rest()

    @property
    def is_full(self) -> bool:
        return self.carrier.slots.is_full

    def _look_or_rest(self) -> None:
        with self._lock:
            reserved = 0
            if self._is_asked and not self.carrier.is_draining:
                reserved = self.carrier.slots.reserve()
                self._is_left = self._is_left or not reserved
            self._is_asked = False
            self._looks = reserved > 0
        if not reserved:
            if self.carrier.is_draining:
                # The notification is for another worker.
                notify_workers()
            return
        self.carrier.expect()
        slots = self.carrier.slots
        claim = ClaimNext(self._claimant, Room(reserved, slots.held(), slots.share))
        try:
            future = self.carrier.writer.submit(claim)
        except Exception as error:  # noqa: BLE001 - the next look is within a second
            self._failed(reserved, error)
            return
        future.add_done_callback(lambda done: self._claimed(reserved, done))

    def _claimed(self, reserved: int, done: Future[ClaimResult]) -> None:
        """Called by the writer after the commit; from here on these executions are carried."""
        try:
            result = done.result()
        except Exception as error:  # noqa: BLE001 - the next look is within a second
            self._failed(reserved, error)
            return
        executions = result.executions
        self.carrier.slots.settle(reserved, [str(e.caller_key or "") for e in executions])
        with self._lock:
            self._coming.update(execution.pk for execution in executions)
        process_loop().call_soon_threadsafe(self._begin, executions)
        if executions and result.is_short:
            notify_workers()
        with self._lock:
            self._is_left = result.is_left
            self._is_asked = self._is_asked or bool(executions and result.is_left)
        self._report_room()
        self._look_or_rest()

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
                self._coming.difference_update(execution.pk for execution in executions)
            self.carrier.has_come()

    def _carried(self) -> set[uuid.UUID]:
        with self._lock:
            return {*self._coming, *self.carrier.carried()}

    def _ended(self, execution: Execution) -> None:
        self._report_room()
        # A slot is free, and perhaps room in a limit.
        if self._is_left or is_limited(execution):
            self.look()

    def _report_room(self) -> None:
        with self._lock:
            is_full = self.is_full
            has_changed, self._was_full = is_full != self._was_full, is_full
        for listener in self.on_room if has_changed else ():
            listener()


def take_work() -> None:
    process_intake().look()


def worker_carrier() -> Carrier:
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
    loop = _loops.existing()
    if loop is not None:
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(close_loop(), loop).result(CLOSE_LOOP_SECONDS)
