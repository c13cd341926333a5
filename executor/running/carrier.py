"""Carries executions through this process: slots, leases, heartbeat, cancelling, handing over."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings

from designs.runtime.background import forever
from designs.runtime.processes import PerProcess
from designs.runtime.threads import in_thread
from executor.engine.context import Outcome
from executor.engine.runner import CompiledGraph
from executor.errors import LeaseLost
from executor.following import pubsub
from executor.following.sending import notify_workers
from executor.models import Execution, Status
from executor.recording.recorder import Renew, RunRecord
from executor.recording.writer import process_writer
from executor.running.attempt import fail, give_back, perform_attempt
from executor.running.isolation import ENDED, OUT_OF_MEMORY_CODES, NurseryLost, running_nursery
from executor.running.slots import Slots
from executor.states import CANCELLED

logger = logging.getLogger(__name__)

StopReason = Literal["cancelled", "lost", "drained"]
# An attempt at an execution: one process may hold an old one that it lost beside a new one.
AttemptId = tuple[uuid.UUID, int]

GIVE_BACK_SECONDS = 5.0


@dataclass(slots=True)
class Active:
    """A run in this process. `stop` says why its task was cancelled, None while nobody asked."""

    loop: asyncio.AbstractEventLoop
    task: asyncio.Task[Outcome | None]
    stop: StopReason | None = None


class Carrier:
    """All runs of this process, on whatever loop each was started."""

    def __init__(self, *, slots: int) -> None:
        self.slots = Slots(slots, settings.ENVIRONMENT.caller_share)
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"[:100]
        self.lease_seconds = settings.ENVIRONMENT.lease_seconds
        self.writer = process_writer()
        self._draining = threading.Event()
        self._gives_back = False
        self._active: dict[AttemptId, Active] = {}
        # Called with each execution whose run has ended here; its slot is free by then.
        self.on_end: list[Callable[[Execution], None]] = []
        self._idle = threading.Condition()
        self._expected = 0
        self._background: set[asyncio.Task[None]] = set()
        self._renewed = time.monotonic()
        self._pause = self.lease_seconds / 3
        forever("heartbeat", self._beat, pause=lambda: self._pause)

    def take_slot(self, *, caller_key: str = "", timeout: float = 0.0) -> bool:
        """Reserve room for one run of this caller, waiting up to `timeout` seconds; never while
        draining, and never more than the caller's share.
        """
        return self.slots.take(caller_key, timeout=timeout, stop=self._draining.is_set)

    def free_slot(self, *, caller_key: str = "") -> None:
        self.slots.free(caller_key)

    def expect(self) -> None:
        """A claim is being written: who drains waits for it until `has_come`."""
        with self._idle:
            self._expected += 1

    def has_come(self) -> None:
        """The expected claim was started, or got nothing."""
        with self._idle:
            self._expected -= 1
            self._idle.notify_all()

    def start(
        self, execution: Execution, graph: CompiledGraph | None = None
    ) -> asyncio.Task[Outcome | None]:
        """Run a claimed execution on the running loop; takes over the slot that its caller holds.

        The task's result is how it ended, or None if another process ends it.
        """
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._perform(execution, graph), name=f"run {execution.pk.hex}")
        key = (execution.pk, execution.attempt)
        self._active[key] = Active(loop, task)
        task.add_done_callback(lambda _: self._ended(key, execution))
        hub = pubsub.running_hub()
        if self.cancel not in hub.on_cancel:
            hub.on_cancel.append(self.cancel)
            self._in_background(hub.start())
        if self._gives_back:
            self._stop(key, "drained")
        return task

    def cancel(self, pk: uuid.UUID) -> None:
        """Stop a run that a person wants stopped, if it is here."""
        for key in list(self._active):
            if key[0] == pk:
                self._stop(key, "cancelled")

    def take_no_more(self) -> None:
        """This process is about to end: what it carries may go on, for now."""
        self._draining.set()
        self.slots.wake()

    @property
    def is_draining(self) -> bool:
        return self._draining.is_set()

    def drain(self, grace_seconds: float) -> None:
        """Take no more runs, wait for those here, then give the others back for another process."""
        self.take_no_more()
        self._wait_idle(grace_seconds)
        # What is still being claimed is given back as soon as it comes.
        self._gives_back = True
        for key in list(self._active):
            self._stop(key, "drained")
        self._wait_idle(GIVE_BACK_SECONDS)

    @property
    def running(self) -> int:
        return len(self._active)

    def carried(self) -> list[uuid.UUID]:
        """The executions that run here."""
        return [key[0] for key in list(self._active)]

    async def _perform(self, execution: Execution, graph: CompiledGraph | None) -> Outcome | None:
        record = RunRecord(execution, self.writer)
        memory_mb = execution.limits.get("memory_mb")
        try:
            if memory_mb is not None:
                await self._perform_apart(execution, record, memory_mb)
                return None
            return await perform_attempt(execution, record, graph)
        except asyncio.CancelledError:
            await self._stopped(execution, record)
        return None

    async def _perform_apart(self, execution: Execution, record: RunRecord, memory_mb: int) -> None:
        """In a child process, which writes how the run ended; if it cannot, that is done here."""
        try:
            code = await running_nursery().run(execution, memory_mb=memory_mb)
        except NurseryLost as error:
            code = -signal.SIGKILL
            logger.warning("%s: %s", execution.public_id, error)
        if code == ENDED:
            await in_thread(_tell_end, execution.pk)
        elif code in OUT_OF_MEMORY_CODES:
            sentence = f"The run needed more memory than its limit of {memory_mb} MB."
            await fail(record, "memory", sentence)
        else:
            # Killed from outside: its lease runs out, as that of any process that is lost.
            logger.warning("The process of %s has ended with %d.", execution.public_id, code)

    async def _stopped(self, execution: Execution, record: RunRecord) -> None:
        active = self._active.get((execution.pk, execution.attempt))
        reason = active.stop if active else None
        if reason == "cancelled":
            await self._end_cancelled(record)
        elif reason != "lost" and await give_back(execution, record):
            notify_workers()

    async def _end_cancelled(self, record: RunRecord) -> None:
        try:
            await record.end(Status.CANCELLED, error=CANCELLED)
        except LeaseLost:
            logger.info("exec-%s was ended by another process.", record.pk.hex)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sweep ends it later
            logger.warning("exec-%s could not be ended as cancelled: %s", record.pk.hex, error)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

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
            # There may be room for the next one, which only a worker takes.
            notify_workers()

    def _wait_idle(self, seconds: float) -> None:
        with self._idle:
            self._idle.wait_for(lambda: not (self._active or self._expected), timeout=seconds)

    # --- Heartbeat --------------------------------------------------------------------------------

    def _beat(self) -> None:
        keys = list(self._active)
        held = self._renew(keys) if keys else {}
        # After a failure at once again: a lease lasts for three beats only.
        self._pause = self.lease_seconds / (3 if held is not None else 100)
        if held is not None:
            self._renewed = time.monotonic()
            self._judge(keys, held)
        elif time.monotonic() - self._renewed > self.lease_seconds:
            self._judge(keys, {})

    def _renew(self, keys: list[AttemptId]) -> dict[AttemptId, bool] | None:
        """Prolong the leases: those still held, and whether cancelling was asked for.

        None if the database did not say.
        """
        write = Renew(keys, lease_seconds=self.lease_seconds)
        try:
            answer: Future[Any] = self.writer.submit(write)
            return answer.result(timeout=self.lease_seconds / 3)
        except Exception as error:  # noqa: BLE001 - the heart must beat on, whatever the database says
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
    """Whether its end may let another one begin."""
    return (execution.max_concurrent, execution.caller_max_concurrent) != (None, None)


def _tell_end(pk: uuid.UUID) -> None:
    """The child was gone before it could say it to everybody."""
    pubsub.publish_change(pk, Execution.objects.values_list("status", flat=True).get(pk=pk))


_carriers = PerProcess(Carrier)
process_carrier = _carriers.get
existing_carrier = _carriers.existing
