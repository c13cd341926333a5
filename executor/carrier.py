"""Carries executions through this process: leases, heartbeat, cancelling, and the end of each
run.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
import uuid
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections

from executor import llm_provider, wakeups
from executor.documents import compile_document, compiled_version
from executor.engine.context import Outcome, Setup
from executor.engine.limits import Limits
from executor.engine.runner import CompiledGraph, run_graph
from executor.errors import LeaseLost
from executor.models import Execution
from executor.recorder import GiveBack, Renew, RunRecord, recorded_steps
from executor.states import Status
from executor.writer import process_writer

logger = logging.getLogger(__name__)

StopReason = Literal["cancelled", "lost", "drained"]

INTERNAL = "Something went wrong inside Orchestra; the server's log says more."
CANCELLED = {
    "class": "cancelled",
    "message": "The execution was cancelled.",
    "block_id": None,
    "step": None,
}


@dataclass(slots=True)
class Active:
    """A run in this process. `stop` says why its task was cancelled, None while nobody asked."""

    attempt: int
    loop: asyncio.AbstractEventLoop
    task: asyncio.Task[Outcome | None]
    stop: StopReason | None = None


class Carrier:
    """All runs of this process, on whatever loop each was started."""

    def __init__(self, *, slots: int) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"[:100]
        self.lease_seconds = settings.ENVIRONMENT.lease_seconds
        self.writer = process_writer()
        self.models = llm_provider.installation_models()
        self.draining = False
        self._active: dict[uuid.UUID, Active] = {}
        self._slots = threading.Semaphore(slots)
        self._idle = threading.Condition()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._heart.start()

    def take_slot(self, *, timeout: float | None = None) -> bool:
        """Reserve room for one run; without `timeout` only if there is room now."""
        if self.draining:
            return False
        if timeout is None:
            return self._slots.acquire(blocking=False)
        return self._slots.acquire(timeout=timeout)

    def free_slot(self) -> None:
        self._slots.release()

    def start(
        self, execution: Execution, graph: CompiledGraph | None = None
    ) -> asyncio.Task[Outcome | None]:
        """Run a claimed execution on the running loop; takes over the slot reserved for it.

        The task's result is how it ended, or None if another process ends it.
        """
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._perform(execution, graph), name=f"run {execution.pk.hex}")
        self._active[execution.pk] = Active(execution.attempt, loop, task)
        task.add_done_callback(lambda _: self._ended(execution.pk))
        hub = wakeups.running_hub()
        if self.cancel not in hub.on_cancel:
            hub.on_cancel.append(self.cancel)
            loop.create_task(hub.start())
        return task

    def cancel(self, pk: uuid.UUID) -> None:
        """Stop a run that a person wants stopped, if it is here."""
        self._stop(pk, "cancelled")

    def drain(self, grace_seconds: float) -> None:
        """Take no more runs, wait for those here, then give the others back for another process."""
        self.draining = True
        self._wait_idle(grace_seconds)
        for pk in list(self._active):
            self._stop(pk, "drained")
        self._wait_idle(5)

    @property
    def running(self) -> int:
        return len(self._active)

    async def _perform(self, execution: Execution, graph: CompiledGraph | None) -> Outcome | None:
        record: RunRecord | None = None
        try:
            if graph is None:
                graph = await _in_thread(_graph_of, execution)
            recorded = (
                await _in_thread(recorded_steps, execution) if _has_journal(execution) else {}
            )
            record = RunRecord(execution, self.writer, recorded)
            outcome = await run_graph(graph, execution.input_data, self._setup(execution, record))
            await record.end_with(outcome)
            return outcome
        except asyncio.CancelledError:
            await self._stopped(execution, record)
        except LeaseLost:
            logger.info("%s is carried by another process now.", execution.public_id)
        except Exception:
            logger.exception("%s failed inside Orchestra.", execution.public_id)
            await self._fail(execution, record)
        finally:
            if record is not None:
                record.stop()
        return None

    def _setup(self, execution: Execution, record: RunRecord) -> Setup:
        return Setup(
            execution_id=str(execution.pk),
            facts={
                "id": execution.public_id,
                "trigger": execution.trigger_type,
                "started_at": execution.started_at.isoformat() if execution.started_at else None,
            },
            models=self.models,
            default_models=tuple(execution.models_default) or llm_provider.default_models(),
            journal=record,
            emit=record.emit,
            limits=_limits(execution),
        )

    async def _stopped(self, execution: Execution, record: RunRecord | None) -> None:
        active = self._active.get(execution.pk)
        reason = active.stop if active else None
        if reason == "lost":
            return
        record = record or RunRecord(execution, self.writer, {})
        try:
            if reason == "cancelled":
                await record.end(Status.CANCELLED, error=CANCELLED)
            else:
                record.stop()
                await asyncio.wrap_future(
                    self.writer.submit(GiveBack(execution.pk, execution.attempt))
                )
        except LeaseLost:
            logger.info("%s was ended by another process.", execution.public_id)

    async def _fail(self, execution: Execution, record: RunRecord | None) -> None:
        record = record or RunRecord(execution, self.writer, {})
        error = {"class": "internal", "message": INTERNAL, "block_id": None, "step": None}
        try:
            await record.end(Status.FAILED, error=error)
        except Exception:
            # The lease runs out and the sweep takes it from there.
            logger.exception("The end of %s could not be written.", execution.public_id)

    def _stop(self, pk: uuid.UUID, reason: StopReason) -> None:
        active = self._active.get(pk)
        if active is not None and active.stop is None:
            active.stop = reason
            active.loop.call_soon_threadsafe(active.task.cancel)

    def _ended(self, pk: uuid.UUID) -> None:
        self._active.pop(pk, None)
        self._slots.release()
        with self._idle:
            self._idle.notify_all()

    def _wait_idle(self, seconds: float) -> None:
        with self._idle:
            self._idle.wait_for(lambda: not self._active, timeout=seconds)

    def _beat(self) -> None:
        renewed = time.monotonic()
        while True:
            time.sleep(self.lease_seconds / 3)
            attempts = {pk: active.attempt for pk, active in list(self._active.items())}
            if not attempts:
                renewed = time.monotonic()
                continue
            try:
                answer: Future[dict[uuid.UUID, bool]] = self.writer.submit(
                    Renew(attempts, lease_seconds=self.lease_seconds)
                )
                held = answer.result(timeout=self.lease_seconds / 3)
                renewed = time.monotonic()
            except Exception as error:  # noqa: BLE001 - the heart must beat on, whatever the database says
                logger.warning("Leases could not be renewed: %s", error)
                if time.monotonic() - renewed > self.lease_seconds:
                    self._judge(attempts, {})
                continue
            self._judge(attempts, held)

    def _judge(self, attempts: dict[uuid.UUID, int], held: dict[uuid.UUID, bool]) -> None:
        for pk in attempts:
            if pk not in held:
                self._stop(pk, "lost")
            elif held[pk]:
                self._stop(pk, "cancelled")


def _has_journal(execution: Execution) -> bool:
    return execution.attempt > 1 or execution.resumed_from_id is not None


def _graph_of(execution: Execution) -> CompiledGraph:
    if execution.document is None and execution.version_id is not None:
        return compiled_version(execution.version_id)
    return compile_document(execution.document or {})


def _limits(execution: Execution) -> Limits:
    known: dict[str, Any] = dict(execution.limits)
    claimed_at = getattr(execution, "database_time", None)
    if claimed_at is not None and execution.deadline_at is not None:
        # An earlier attempt used up part of the time; both ends by the database's clock.
        known["seconds"] = max(0.001, (execution.deadline_at - claimed_at).total_seconds())
    return Limits(**known)


async def _in_thread(function: Any, *args: Any) -> Any:
    def work() -> Any:
        close_old_connections()
        try:
            return function(*args)
        finally:
            close_old_connections()

    return await sync_to_async(work, thread_sensitive=False)()


_lock = threading.Lock()
_carriers: dict[int, Carrier] = {}


def process_carrier(*, slots: int) -> Carrier:
    """This process's carrier, made at its first use with that many slots."""
    pid = os.getpid()
    with _lock:
        if pid not in _carriers:
            _carriers[pid] = Carrier(slots=slots)
        return _carriers[pid]


def existing_carrier() -> Carrier | None:
    return _carriers.get(os.getpid())
