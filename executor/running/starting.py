"""Starts an accepted run in this process if there is room, or queues it for a worker."""

from __future__ import annotations

import asyncio
import uuid

from django.conf import settings

from executor import states
from executor.acceptance.runs import Accepted
from executor.engine.context import Outcome
from executor.engine.runner import CompiledGraph
from executor.errors import LineWaits
from executor.following.sending import notify_workers
from executor.recording.recorder import Accept
from executor.recording.rows import begun_blocks
from executor.recording.writer import process_writer
from executor.running.carrier import Carrier, process_carrier
from executor.running.passing import process_lines


async def carrier_with_room(caller_key: str, deployment_id: uuid.UUID) -> Carrier | None:
    """This process's carrier, with a slot taken; None if it has no room, or if runs of this caller
    for this deployment are queued: those come first.
    """
    limit = settings.ENVIRONMENT.inline_limit
    if limit == 0 or await process_lines.waits(caller_key, deployment_id):
        return None
    carrier = process_carrier(slots=limit)
    return carrier if carrier.take_slot(caller_key=caller_key) else None


async def start_here(
    carrier: Carrier, accepted: Accepted, graph: CompiledGraph | None
) -> asyncio.Task[Outcome | None]:
    """Write the run and start it; takes over the slot. The task's result is as of `Carrier.start`.

    Raises, with nothing written, LineWaits if another process has queued runs of the same caller
    for the same deployment; TooManyAtOnce, RecorderUnavailable.
    """
    execution = accepted.execution
    try:
        states.start_unwritten(execution, owner=carrier.name, lease_seconds=carrier.lease_seconds)
        if graph is not None and execution.started_at is not None:
            # Otherwise their rows would cost every longer run another transaction.
            execution.begun_blocks = begun_blocks(graph, execution.pk, execution.started_at)
        await _write(accepted, at_once=True)
    except BaseException as error:
        # If the row was written all the same, its lease expires and a worker takes it.
        carrier.free_slot(caller_key=str(execution.caller_key))
        if isinstance(error, LineWaits):
            process_lines.note(execution)
        raise
    return carrier.start(execution, graph)


async def queue(accepted: Accepted, *, at_once: bool) -> None:
    """Write the run and notify the workers. Raises TooManyAtOnce if it is to run `at_once` and a
    limit is reached; RecorderUnavailable.
    """
    await _write(accepted, at_once=at_once)
    process_lines.note(accepted.execution)
    notify_workers()


async def _write(accepted: Accepted, *, at_once: bool) -> None:
    write = Accept(accepted.rows, execution=accepted.execution, at_once=at_once)
    await asyncio.wrap_future(process_writer().submit(write))
