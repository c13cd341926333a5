"""Carries executions in this process: slots, leases, heartbeat, cancelling, handing over."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings

from designs.runtime.background import forever
from designs.runtime.processes import PerProcess
from designs.runtime.threads import in_thread
from executor.engine.context import Outcome
from executor.engine.runner import CompiledGraph
from executor.following import pubsub
from executor.following.answers import status_of
from executor.following.sending import notify_workers
from executor.models import Execution, Status
from executor.recording.leases import Renew
from executor.recording.recorder import RunRecord
from executor.recording.writer import process_writer
from executor.running.attempt import end_without_outcome, give_back, perform_attempt
from executor.running.isolation import ENDED, OUT_OF_MEMORY_CODES, NurseryLost, running_nursery
from executor.running.slots import Slots
from executor.states import CANCELLED, run_error

logger = logging.getLogger(__name__)

StopReason = Literal["cancelled", "lost", "drained"]
# An attempt at an execution: a process may still hold a lost attempt together with a new one.
AttemptId = tuple[uuid.UUID, int]

GIVE_BACK_SECONDS = 5.0


@dataclass(slots=True)
class ActiveRun:
    """A run in this process. `stop` is the reason why its task was cancelled."""

    loop: asyncio.AbstractEventLoop
    task: asyncio.Task[Outcome | None]
    stop: StopReason | None = None


class Carrier:
    """All runs of this process, each on the loop where it was started."""

    def __init__(self, *, slots: int) -> None:
        self.slots = Slots(slots, settings.ENVIRONMENT.caller_share)
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"[:100]
        self.lease_seconds = settings.ENVIRONMENT.lease_seconds
        self.writer = process_writer()
        self._draining = threading.Event()
        self._gives_back = False
        self._active: dict[AttemptId, ActiveRun] = {}
        # Called with each execution whose run has ended here, after its slot was freed.
        self.on_end: list[Callable[[Execution], None]] = []
        self._idle = threading.Condition()
        self._expected = 0
        self._background: set[asyncio.Task[None]] = set()
        self._renewed = time.monotonic()
        self._pause = self.lease_seconds / 3
        forever("heartbeat", self._beat, pause=lambda: self._pause)

    def take_slot(self, *, caller_key: str = "", timeout: float = 0.0) -> bool:
        """Take a slot for a run of this caller, waiting up to `timeout` seconds; False while
        draining, or if the caller has its share.
        """
        return self.slots.take(caller_key, timeout=timeout, stop=self._draining.is_set)

    def free_slot(self, *, caller_key: str = "") -> None:
        self.slots.free(caller_key)

    def expect(self) -> None:
        """A claim is being written: `drain` waits for it until `has_come`."""
        with self._idle:
            self._expected += 1

    def has_come(self) -> None:
        """The expected claim was started or lost."""
        with self._idle:
            self._expected -= 1
            self._idle.notify_all()

    def start(
        self, execution: Execution, graph: CompiledGraph | None = None
    ) -> asyncio.Task[Outcome | None]:
        """Run a claimed execution on the running loop; takes over its slot.

        The task's result is the outcome, or None if another process ends the run.
        """
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._perform(execution, graph), name=f"run {execution.pk.hex}")
        key = (execution.pk, execution.attempt)
        self._active[key] = ActiveRun(loop, task)
        task.add_done_callback(lambda _: self._ended(key, execution))
        hub = pubsub.running_hub()
        if self.cancel not in hub.on_cancel:
            hub.on_cancel.append(self.cancel)
            starting = loop.create_task(hub.start())
            self._background.add(starting)
            starting.add_done_callback(self._background.discard)
        if self._gives_back:
            self._stop(key, "drained")
        return task

    def cancel(self, pk: uuid.UUID) -> None:
        for key in list(self._active):
            if key[0] == pk:
                self._stop(key, "cancelled")

    def take_no_more(self) -> None:
        """Before this process ends: start no more runs; those here continue for now."""
        self._draining.set()
        self.slots.wake()

    @property
    def is_draining(self) -> bool:
        return self._draining.is_set()

    def drain(self, grace_seconds: float) -> None:
        """Start no more runs, wait for those here, then give back the rest for other processes."""
        self.take_no_more()
        self._wait_idle(grace_seconds)
        # Runs that are still being claimed are given back as soon as they start.
        self._gives_back = True
        for key in list(self._active):
            self._stop(key, "drained")
        self._wait_idle(GIVE_BACK_SECONDS)

    @property
    def running(self) -> int:
        return len(self._active)

    def carried(self) -> list[uuid.UUID]:
        return [key[0] for key in list(self._active)]

    async def _perform(self, execution: Execution, graph: CompiledGraph | None) -> Outcome | None:
        record = RunRecord(execution, self.writer)
        memory_mb = execution.limits.get("memory_mb")
        try:
            if memory_mb is not None:
                await self._perform_isolated(execution, record, memory_mb)
                return None
            return await perform_attempt(execution, record, graph)
        except asyncio.CancelledError:
            active = self._active.get((execution.pk, execution.attempt))
            reason = active.stop if active else None
            if reason == "cancelled":
                await end_without_outcome(record, Status.CANCELLED, CANCELLED)
            elif reason != "lost" and await give_back(execution, record):
                notify_workers()
        return None

    async def _perform_isolated(
        self, execution: Execution, record: RunRecord, memory_mb: int
    ) -> None:
        """In a child process, which writes the end of the run; if it cannot, it is written here."""
        try:
            code = await running_nursery().run(execution, memory_mb=memory_mb)
        except NurseryLost as error:
            code = -signal.SIGKILL
            logger.warning("%s: %s", execution.public_id, error)
        if code == ENDED:
            # The child ended before it could publish this.
            pubsub.publish_change(execution.pk, await in_thread(status_of, execution.pk))
        elif code in OUT_OF_MEMORY_CODES:
            message = f"The run needed more memory than its limit of {memory_mb} MB."
            await end_without_outcome(record, Status.FAILED, run_error("memory", message))
        else:
            # Killed from outside: its lease expires, like that of any lost process.
            logger.warning("The process of %s has ended with %d.", execution.public_id, code)

    def _stop(self, key: AttemptId, reason: StopReason) -> None:
        active = self._active.get(key)
        if active is not None and active.stop is None:
            active.stop = reason
            active.loop.call_soon_threadsafe(active.task.cancel)

    def _ended(self, key: AttemptId, execution: Execution) -> None:
        self._active.pop(key, None)
        self.slots.free(str(execution.caller_key or ""))
        with self._idle:
            self._idle.notify_all()
        for listener in self.on_end:
            listener(execution)
        if not self.on_end and is_limited(execution):
            # There may be room for the next one, which only workers take.
            notify_workers()

    def _wait_idle(self, seconds: float) -> None:
        with self._idle:
            self._idle.wait_for(lambda: not (self._active or self._expected), timeout=seconds)

    # --- Heartbeat --------------------------------------------------------------------------------

    def _beat(self) -> None:
        keys = list(self._active)
        held = self._renew(keys) if keys else {}
        # Retry soon after a failure: a lease lasts for three beats only.
        self._pause = self.lease_seconds / (3 if held is not None else 100)
        if held is not None:
            self._renewed = time.monotonic()
            self._judge(keys, held)
        elif time.monotonic() - self._renewed > self.lease_seconds:
            self._judge(keys, {})

    def _renew(self, keys: list[AttemptId]) -> dict[AttemptId, bool] | None:
        """Renew the leases: those still held → True if a cancel was requested. None if the database
        does not answer.
        """
        write = Renew(keys, lease_seconds=self.lease_seconds)
        try:
            answer: Future[Any] = self.writer.submit(write)
            return answer.result(timeout=self.lease_seconds / 3)
        except Exception as error:  # noqa: BLE001 - the heartbeat must continue
            write.done.cancel()
            logger.warning("Leases could not be renewed: %r", error)
            return None

    def _judge(self, keys: list[AttemptId], held: dict[AttemptId, bool]) -> None:
        for key in keys:
            if key not in held:
                self._stop(key, "lost")
            elif held[key]:
                self._stop(key, "cancelled")


def is_limited(execution: Execution) -> bool:
    """True if its end may let another execution start."""
    return (execution.max_concurrent, execution.caller_max_concurrent) != (None, None)


_carriers = PerProcess(Carrier)
process_carrier = _carriers.get
existing_carrier = _carriers.existing
