"""Runs one queued execution, whatever its turn, as a worker does."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any

from executor import states
from executor.engine.context import Outcome
from executor.following import pubsub
from executor.models import Execution
from executor.models.execution import NO_DEPLOYMENT
from executor.recording import admission
from executor.recording.writer import Write
from executor.running.carrier import Carrier
from executor.running.claims import locks_of
from executor.running.fairness import Lane, count_running
from executor.running.worker import process_loop, worker_carrier


class Claim(Write[Execution | None]):
    """queued → running for this process: this one execution."""

    rank = 1
    point = "claim"

    def __init__(self, pk: uuid.UUID, *, owner: str, lease_seconds: float) -> None:
        super().__init__()
        self.pk = pk
        self.owner = owner
        self.lease_seconds = lease_seconds
        self.lane: Lane | None = None

    @classmethod
    def locks(cls, writes: Sequence[Claim]) -> Iterable[admission.Lock]:
        columns = ("pk", "caller_key", "deployment_id", "max_concurrent", "caller_max_concurrent")
        rows = Execution.objects.queued().filter(pk__in={write.pk for write in writes})
        lanes = {
            pk: Lane(caller or "", deployment or NO_DEPLOYMENT, pk, *limits)
            for pk, caller, deployment, *limits in rows.values_list(*columns)
        }
        for write in writes:
            write.lane = lanes.get(write.pk)
        return locks_of(lanes.values())

    @classmethod
    def apply(cls, writes: Sequence[Claim]) -> Sequence[Any]:
        return [
            states.claim(write.pk, owner=write.owner, lease_seconds=write.lease_seconds)
            if write.lane is not None and count_running().has_room(write.lane)
            else None
            for write in writes
        ]

    @classmethod
    def committed(cls, writes: Sequence[Claim], answers: Sequence[Any]) -> None:
        for write, claimed in zip(writes, answers, strict=True):
            if claimed is not None:
                pubsub.publish_change(write.pk, "running")


def perform_execution(pk: uuid.UUID | str) -> Future[Outcome | None] | None:
    """Claim this execution and start it on the process's loop; None if there is nothing to do, or
    no room.

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
