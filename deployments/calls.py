"""Runs a deployment for a caller that may wait: in this process if there is room, else by a
worker.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from deployments.lookup import Deployed
from deployments.services import order_for
from designs.access import Caller
from executor import states
from executor.answers import Answer, answer_of_run, wait_for_answer
from executor.carrier import Carrier, process_carrier
from executor.models import Execution, Trigger
from executor.recorder import Accept
from executor.services import Order, new_execution
from executor.states import Status
from executor.tasks import send_execution
from executor.writer import process_writer


async def call_deployment(
    *,
    ready: Deployed,
    input_data: dict[str, Any],
    trigger: Trigger,
    caller: Caller,
    wait_seconds: float,
) -> tuple[uuid.UUID, Answer | None]:
    """Accept a run and wait up to `wait_seconds` for its end (0: not at all).

    Returns the execution's id, and its answer unless it still goes on: that it does in any case,
    also
    when the caller goes away. Raises DeploymentInactive, InputInvalid, RecorderUnavailable.
    """
    order = order_for(ready, input_data=input_data, trigger=trigger, caller=caller)
    carrier = _carrier_with_room() if wait_seconds > 0 else None
    if carrier is not None:
        return await _run_here(carrier, order, ready, wait_seconds)
    execution = new_execution(order)
    await asyncio.wrap_future(process_writer().submit(Accept([execution])))
    await sync_to_async(send_execution, thread_sensitive=False)(execution.pk)
    answer = await wait_for_answer(execution.pk, wait_seconds) if wait_seconds > 0 else None
    return execution.pk, answer


def _carrier_with_room() -> Carrier | None:
    limit = settings.ENVIRONMENT.inline_limit
    if limit == 0:
        return None
    carrier = process_carrier(slots=limit)
    return carrier if carrier.take_slot() else None


async def _run_here(
    carrier: Carrier, order: Order, ready: Deployed, wait_seconds: float
) -> tuple[uuid.UUID, Answer | None]:
    began = time.monotonic()
    try:
        execution = new_execution(
            order,
            status=Status.RUNNING,
            attempt=1,
            owner=carrier.name,
            lease_until=states.seconds_from_now(carrier.lease_seconds),
            started_at=timezone.now(),
            published_at=None,
        )
        await asyncio.wrap_future(carrier.writer.submit(Accept([execution])))
    except BaseException:
        # Accepted or not, nobody here carries it on: if the row is there, its lease runs out.
        carrier.free_slot()
        raise
    task = carrier.start(execution, ready.graph)
    done, _ = await asyncio.wait({task}, timeout=wait_seconds)
    outcome = task.result() if done else None
    if outcome is not None:
        took = round((time.monotonic() - began) * 1000)
        return execution.pk, answer_of_run(execution.pk, outcome, took)
    if not done:
        return execution.pk, None
    # Handed over or cancelled in the middle: the row says how it ends.
    return execution.pk, await _rest(execution, wait_seconds - (time.monotonic() - began))


async def _rest(execution: Execution, seconds: float) -> Answer | None:
    return await wait_for_answer(execution.pk, max(seconds, 0.0))
