"""A worker process: claims executions and hands them to its one event loop."""

from __future__ import annotations

import asyncio
import os
import threading
import uuid
from concurrent.futures import Future

from django.conf import settings

from executor.carrier import Carrier, process_carrier
from executor.engine.context import Outcome
from executor.models import Execution
from executor.recorder import Claim
from executor.sending import send_execution

# A message waits in a thread for a free slot; when none gets free, the sweep sends it again.
SLOT_SECONDS = 10.0
CLAIM_SECONDS = 30.0


def perform_execution(
    pk: uuid.UUID, *, slot_seconds: float = SLOT_SECONDS
) -> Future[Outcome | None] | None:
    """Claim the execution and start it on the process's loop; None if there is nothing to do here.

    The future ends with the run: the task that called does not wait for it.
    """
    carrier = worker_carrier()
    if not carrier.take_slot(timeout=slot_seconds):
        if carrier.is_draining:
            # This process is about to end, and nobody else has this message.
            send_execution(pk)
        return None
    execution = None
    try:
        execution = _claim(carrier, pk)
    finally:
        if execution is None:
            carrier.free_slot()
    if execution is None:
        return None
    return asyncio.run_coroutine_threadsafe(_carry(carrier, execution), process_loop())


def worker_carrier() -> Carrier:
    """The carrier of this worker process."""
    return process_carrier(slots=settings.ENVIRONMENT.concurrency)


def _claim(carrier: Carrier, pk: uuid.UUID) -> Execution | None:
    write = Claim(pk, owner=carrier.name, lease_seconds=carrier.lease_seconds)
    try:
        return carrier.writer.submit(write).result(timeout=CLAIM_SECONDS)
    finally:
        # Whoever waits no longer must not be given the execution later.
        write.done.cancel()


async def _carry(carrier: Carrier, execution: Execution) -> Outcome | None:
    return await carrier.start(execution)


_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}


def process_loop() -> asyncio.AbstractEventLoop:
    """The one event loop of this process, in a daemon thread; model clients live and die with
    it.
    """
    pid = os.getpid()
    with _lock:
        if pid not in _loops:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="executions", daemon=True).start()
            _loops[pid] = loop
        return _loops[pid]
