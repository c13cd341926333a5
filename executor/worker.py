"""A worker process: claims executions and hands them to its one event loop."""

from __future__ import annotations

import asyncio
import logging
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

logger = logging.getLogger(__name__)

# A message waits in a thread for a free slot; when none gets free, the sweep sends it again.
SLOT_SECONDS = 10.0
CLAIM_SECONDS = 30.0


def perform_execution(
    pk: uuid.UUID, *, slot_seconds: float = SLOT_SECONDS
) -> Future[Outcome | None] | None:
    """Claim the execution and start it on the process's loop; None if there is nothing to do here.

    The future ends with the run: the task that called does not wait for it.
    """
    carrier = _with_slot(pk, slot_seconds)
    if carrier is None:
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


def start_execution(pk: uuid.UUID) -> None:
    """The same without waiting for the claim: the thread takes the next message meanwhile, and the
    claims of many are written together. What is not claimed by the end of this process waits in its
    row for the sweep.
    """
    carrier = _with_slot(pk, SLOT_SECONDS)
    if carrier is None:
        return
    carrier.expect()
    try:
        claim = carrier.writer.submit(_claim_of(carrier, pk))
    except BaseException:
        carrier.free_slot()
        carrier.has_come()
        raise
    claim.add_done_callback(lambda done: _claimed(carrier, pk, done))


def worker_carrier() -> Carrier:
    """The carrier of this worker process."""
    return process_carrier(slots=settings.ENVIRONMENT.concurrency)


def _with_slot(pk: uuid.UUID, slot_seconds: float) -> Carrier | None:
    """The carrier, with a slot taken; None if there was none."""
    carrier = worker_carrier()
    if carrier.take_slot(timeout=slot_seconds):
        return carrier
    if carrier.is_draining:
        # This process is about to end, and nobody else has this message.
        send_execution(pk)
    return None


def _claim_of(carrier: Carrier, pk: uuid.UUID) -> Claim:
    return Claim(pk, owner=carrier.name, lease_seconds=carrier.lease_seconds)


def _claimed(carrier: Carrier, pk: uuid.UUID, claim: Future[Execution | None]) -> None:
    """Called by the writer: start what was claimed on the loop."""
    execution = None
    try:
        execution = claim.result()
    except Exception as error:  # noqa: BLE001 - the sweep sends it again
        logger.warning("exec-%s could not be claimed: %s", pk.hex, error)
    if execution is None:
        carrier.free_slot()
        carrier.has_come()
    else:
        asyncio.run_coroutine_threadsafe(_begin(carrier, execution), process_loop())


async def _begin(carrier: Carrier, execution: Execution) -> None:
    try:
        carrier.start(execution)
    finally:
        carrier.has_come()


def _claim(carrier: Carrier, pk: uuid.UUID) -> Execution | None:
    write = _claim_of(carrier, pk)
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
